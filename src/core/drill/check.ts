import { COUNTER_FILE } from './canary.ts';

/** What became of a canary's data. Numbers are what it counts: seconds of work. */
export interface CanaryCheck {
  /** What it started from at the new place; null: from nothing. */
  readonly checkpointId: string | null;
  /** Hex, as it was recorded when it was saved, and of the stored bytes when they were read again. */
  readonly sha256: string | null;
  readonly sha256Again: string | null;
  /** The last number that was heard before the cut. */
  readonly counterAtFault: number | null;
  /** The number in the stored bytes. */
  readonly savedCounter: number | null;
  /** The number that the canary said it goes on from. */
  readonly restoredCounter: number | null;
}

/** Is what was restored what had been saved, to the bit? */
export function isIntact(check: CanaryCheck): boolean {
  return (
    check.sha256 !== null &&
    check.sha256 === check.sha256Again &&
    check.savedCounter !== null &&
    check.savedCounter === check.restoredCounter
  );
}

/** Work that had been done, was heard of and was lost, seconds; null where it is not known. */
export function lostWorkSeconds({ counterAtFault, restoredCounter }: CanaryCheck): number | null {
  if (counterAtFault === null || restoredCounter === null) return null;
  return Math.max(0, counterAtFault - restoredCounter);
}

const BLOCK = 512;
const decoder = new TextDecoder();

/** The number in a canary's checkpoint (a tar stream); null where there is none. */
export function counterIn(tar: Uint8Array): number | null {
  for (let at = 0; at + BLOCK <= tar.length;) {
    const name = text(tar, at, 100);
    const size = Number.parseInt(text(tar, at + 124, 12).trim(), 8);
    if (name === '' || !Number.isFinite(size)) return null;
    if (name.replace(/^\.\//, '') === COUNTER_FILE) {
      const content = text(tar, at + BLOCK, size).trim();
      return /^\d+$/.test(content) ? Number(content) : null;
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return null;
}

/** Up to the first NUL. */
function text(bytes: Uint8Array, from: number, length: number): string {
  const field = decoder.decode(bytes.subarray(from, from + length));
  const end = field.indexOf('\0');
  return end < 0 ? field : field.slice(0, end);
}
