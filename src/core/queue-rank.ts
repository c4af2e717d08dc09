/** Waiting this long is worth one point of priority. */
export const AGING_MS_PER_POINT = 360_000;

/**
 * Where a job stands among its project's: lower first, then by id. A job's priority grows by one point for every six
 * minutes that it waits, so that a low one is delayed by higher ones and never starved: 100 points, the whole scale,
 * are ten hours. All of them grow at the same pace, so the order of two jobs never changes and is one number, known
 * at submission: `createdAt − priority × 6 min`. That is what makes it an index; the other way, priority plus age
 * computed at every look, would sort the whole queue each time.
 *
 * @param priority 0–100, higher first
 * @returns milliseconds since 1970, shifted; a safe integer. Migration 0002 has the same in SQL for older jobs.
 */
export function queueRankOf(createdAt: Date, priority: number): number {
  return createdAt.getTime() - priority * AGING_MS_PER_POINT;
}
