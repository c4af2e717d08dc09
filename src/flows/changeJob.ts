import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { lockJob, type LockedJob } from '../store/load/job.ts';
import type { Tx } from '../store/store.ts';

/** One job, locked, changed, and everybody told who may have to act. */
export async function changeJob(
  deps: Deps,
  jobId: string,
  change: (tx: Tx, now: Date, job: LockedJob) => Promise<boolean>,
): Promise<void> {
  const now = deps.clock.now();
  const changed = await deps.store.transaction(async (tx) => {
    const job = await lockJob(tx, jobId);
    if (job === null) throw new Problem('not-found', 'There is no such job.');
    return change(tx, now, job);
  });
  if (!changed) return;
  deps.watch.changed();
  deps.bell.ring('place');
  deps.bell.ring('effects');
}
