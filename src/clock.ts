/** The only reader of time. A flow samples `now()` once and hands it on as data. */
export interface Clock {
  /** Wall time, UTC. */
  now(): Date;
  /** Resolves after at least `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
