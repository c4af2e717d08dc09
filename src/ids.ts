/** The only source of randomness and names. */
export type IdKind = 'job' | 'alc' | 'chk' | 'dec' | 'key' | 'req';

export interface Ids {
  /** `job-01jd3m…`: lower case, time-ordered, usable as a Kubernetes name and a Slurm job name. */
  next(kind: IdKind, now: Date): string;
  /** 256 random bits, base64url: for secrets. */
  secret(): string;
}
