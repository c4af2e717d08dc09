import { randomBytes } from 'node:crypto';

/** The only source of randomness and names. */
export type IdKind =
  | 'job'
  | 'alc'
  | 'chk'
  | 'dec'
  | 'inp'
  | 'quo'
  | 'key'
  | 'req'
  | 'drl'
  | 'bud'
  | 'acc'
  | 'trf'
  | 'cor'
  | 'exc'
  | 'whk'
  | 'dlv';

export interface Ids {
  /** `job-01jd3m…`: lower case, time-ordered, usable as a Kubernetes name and a Slurm job name. */
  next(kind: IdKind, now: Date): string;
  /** 256 random bits, base64url: for secrets. */
  secret(): string;
}

/** Crockford's: no i, l, o, u, so that an id can be read out over a telephone. In the order of its code points. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

/**
 * The shape of a ULID: 48 bits of milliseconds, 80 random ones. Two of the same millisecond from one process are
 * in the order in which they were made (the random part is counted up), so a list by id is a list by submission.
 */
export function createIds(): Ids {
  let lastMs = -1;
  let random = 0n;
  return {
    next(kind, now) {
      const ms = now.getTime();
      random = ms === lastMs ? random + 1n : freshRandom();
      lastMs = ms;
      return `${kind}-${encode(BigInt(ms), TIME_CHARACTERS)}${encode(random, RANDOM_CHARACTERS)}`;
    },
    secret: () => randomBytes(32).toString('base64url'),
  };
}

/** 79 bits: the top one stays free, so counting up within a millisecond cannot overflow. */
function freshRandom(): bigint {
  return BigInt(`0x${randomBytes(10).toString('hex')}`) >> 1n;
}

function encode(value: bigint, length: number): string {
  let text = '';
  for (let shift = BigInt(5 * (length - 1)); shift >= 0n; shift -= 5n) {
    text += ALPHABET[Number((value >> shift) & 31n)];
  }
  return text;
}
