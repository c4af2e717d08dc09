/** Six minutes of waiting are worth one point of priority: after ten hours, 0 is what 100 was. */
export const RANK_MS_PER_POINT = 360_000;

/**
 * Where a job stands among those of its project, lower first; milliseconds. Static, although priority ages, because all
 * age alike: what matters is when it came, moved back by what its priority (0–100) is worth.
 */
export function queueRankOf(createdAt: Date, priority: number): number {
  return createdAt.getTime() - priority * RANK_MS_PER_POINT;
}
