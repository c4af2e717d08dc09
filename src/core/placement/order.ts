import { byName } from './market.ts';
import type { QueuedJob } from './types.ts';

/**
 * The queue: priority first, then who has waited longest. Fair share between projects will be asked between the
 * two; until then a project that submits a thousand jobs is served before one that comes a second later.
 */
export function queueOrder(jobs: readonly QueuedJob[]): QueuedJob[] {
  return [...jobs].sort(
    (a, b) => b.priority - a.priority || a.queuedAt.getTime() - b.queuedAt.getTime() || byName(a.id, b.id),
  );
}
