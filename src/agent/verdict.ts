import { constants } from 'node:os';
import { ageMs, before, stamp, type Stamp } from './clock.ts';
import type { Exit, Started } from './folders.ts';
import { END_MARGIN_MS, type Fate } from './lease.ts';

/** It could not be spawned: nothing of it ever ran. */
export function neverRan(error: unknown): Exit {
  const detail = `could not be started: ${error instanceof Error ? error.message : String(error)}`;
  return { outcome: 'refused', exitCode: null, detail: detail.slice(0, 500), ranMs: null, at: stamp() };
}

export function tooLate(): Exit {
  const detail = 'its lease ran out before it was started';
  return { outcome: 'lease-expired', exitCode: null, detail, ranMs: null, at: stamp() };
}

export const UNPAID = 'the money that was held for it is used up';

export function neverPaid(): Exit {
  return { outcome: 'unpaid', exitCode: null, detail: UNPAID, ranMs: null, at: stamp() };
}

/**
 * How long it ran, and when it ended: seen just now, and yet not after what would have ended it (`untilMs`), for whoever
 * sees it may have been frozen, or have come later.
 */
export function lifeOf({ at }: Started, untilMs: number): { readonly ranMs: number; readonly at: Stamp } {
  const ageNowMs = ageMs(at);
  const ranMs = Math.max(0, Math.min(ageNowMs, untilMs + END_MARGIN_MS - at.upMs));
  return { ranMs, at: before(ageNowMs - ranMs) };
}

/** As a shell says it: 128 and the signal's number. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number | null {
  if (code !== null) return code & 0xff;
  return signal === null ? null : 128 + constants.signals[signal];
}

interface Circumstances {
  /** Processes that the kernel killed at the memory limit. */
  readonly oomKills: number;
  readonly memoryBytes: number;
  /** Why it was ended; null: it ended by itself. */
  readonly cause: Fate['cause'];
}

/** A sentence for people about how it ended; null where the exit code says it all. */
export function describe(
  job: Circumstances,
  code: number | null,
  signal: NodeJS.Signals | null,
): string | null {
  const kills = job.oomKills;
  if (kills > 0)
    return `out of memory: the kernel killed ${kills} of its processes at the limit of ${gib(job.memoryBytes)} GiB`;
  if (job.cause === 'lease-expired') return 'its lease ran out: nothing was heard from the service';
  if (job.cause === 'unpaid') return UNPAID;
  if (signal !== null && job.cause === null) return `killed by ${signal}`;
  if (code === 127 && job.cause === null)
    return 'exit code 127: the command was not found (or said so itself)';
  if (code === 126 && job.cause === null)
    return 'exit code 126: the command is not executable (or said so itself)';
  return null;
}

const gib = (bytes: number): string => String(Math.round((bytes / 2 ** 30) * 1000) / 1000);
