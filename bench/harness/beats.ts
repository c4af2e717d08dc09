import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How often a job notes that it lives. Without a process for each note: twenty of those would be the load. */
const EVERY_SECONDS = 0.1;

/** What one attempt of one job wrote of itself, seconds since the epoch by this machine's clock. */
export interface Beats {
  readonly jobId: string;
  readonly attempt: number;
  readonly first: number;
  readonly last: number;
  /** All of them, rising. */
  readonly times: readonly number[];
}

/** A folder in which every attempt of every job notes, by itself, from when until when it lived. */
export interface Ledger {
  readonly command: readonly string[];
  /** Attempts that have begun to run. */
  read(): Beats[];
}

/** Beats that a process which is never kept waiting writes in a second. */
export const BEATS_PER_SECOND = 1 / EVERY_SECONDS;

export function openLedger(folder: string, name: string): Ledger {
  const path = join(folder, name);
  mkdirSync(path);
  // Jobs may be another user's.
  chmodSync(path, 0o777);
  const script = `exec 3<> <(:); f="${path}/$NARU_JOB_ID.$NARU_ATTEMPT"
    while :; do echo $EPOCHREALTIME >> "$f"; read -t ${EVERY_SECONDS} -u 3; done`;
  return {
    command: ['bash', '-c', script],
    read: () => readdirSync(path).flatMap((file) => beatsOf(path, file)),
  };
}

function beatsOf(folder: string, file: string): Beats[] {
  const [jobId = '', attempt = ''] = file.split('.');
  const times = readFileSync(join(folder, file), 'utf8').split('\n').filter(Boolean).map(Number);
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [{ jobId, attempt: Number(attempt), first, last, times }];
}

/**
 * The longest that two attempts of one job ran at once, seconds; 0: none ever did. A process that is frozen lives and
 * does not run, so beats are counted, each for the time between two.
 */
export function overlapOf(beats: readonly Beats[]): number {
  const byJob = Map.groupBy(beats, ({ jobId }) => jobId);
  const overlaps = [...byJob.values()].flatMap((attempts) =>
    attempts.flatMap((one) =>
      attempts
        .filter(({ attempt }) => attempt < one.attempt)
        .map(({ times }) => times.filter((time) => time > one.first && time < one.last).length),
    ),
  );
  return Math.max(0, ...overlaps) * EVERY_SECONDS;
}

/** The longest pause between two beats of one attempt, seconds. */
export function longestPauseOf(beats: readonly Beats[]): number {
  return Math.max(
    0,
    ...beats.flatMap(({ times }) => times.slice(1).map((time, index) => time - (times[index] ?? time))),
  );
}
