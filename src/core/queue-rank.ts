/** Waiting this long is worth one point of priority. */
export const AGING_MS_PER_POINT = 360_000;

/**
 * Where a job stands among its project's: lower first, then by id. A job's priority grows by one point for every six
 * minutes that it waits, so that a low one is delayed by higher ones and never starved: 100 points, the whole scale,
 * are ten hours. All of them grow at the same pace, so the order of two jobs does not change and is one number, known
 * at submission: `createdAt − priority × 6 min`. That is what makes it an index; the other way, priority plus age
 * computed at every look, would sort the whole queue each time.
 *
 * @param priority 0–100, higher first
 * @returns milliseconds since 1970, shifted; a safe integer. Migration 0002 has the same in SQL for older jobs.
 */
export function queueRankOf(createdAt: Date, priority: number): number {
  return createdAt.getTime() - priority * AGING_MS_PER_POINT;
}

/** Before everybody whom no disaster struck: work that must not stop, then what starts again elsewhere. */
const STRUCK = { guarded: -4e15, other: -2e15 } as const;
/** After every deadline. */
const NO_DEADLINE = 1e14;

/**
 * Where a job stands that a disaster took from its place: guarded ones (something stands by for them) before others,
 * both before ordinary work; among them the earliest deadline first, then what stood first before. It is back at its old
 * rank when it is placed. The SQL twin is in store/apply/changes.ts; a store test holds the two against each other.
 *
 * @param rank of `queueRankOf`
 * @returns a safe integer, below 0 (no other rank is)
 */
export function struckRankOf(rank: number, guarded: boolean, deadlineAt: Date | null): number {
  return (guarded ? STRUCK.guarded : STRUCK.other) + (deadlineAt?.getTime() ?? NO_DEADLINE + rank);
}
