import type { Actor } from '../core/access.ts';
import { stopChanges } from '../core/stop.ts';
import { isTerminal } from '../core/job.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { changeJob } from './changeJob.ts';

/**
 * Cancels a job: at once while it is queued; else its allocation is told to stop, and the job is `cancelled` when
 * the stop is confirmed (or the lease is over). A job that is already being cancelled is left alone.
 *
 * Problems: `not-found`; `state-conflict` for a job that has ended.
 */
export async function cancelJob(
  deps: Deps,
  actor: Actor,
  jobId: string,
  requestId: string | null,
): Promise<void> {
  await changeJob(deps, jobId, async (tx, now, job) => {
    if (isTerminal(job.state))
      throw new Problem('state-conflict', `The job has already ${ended(job.state)}.`);
    if (job.state === 'stopping') return false;
    await applyChanges(tx, now, deps.terms, stopChanges(job, 'cancelled', 'cancelled', null));
    await appendAudit(tx, now, [
      { actor, action: 'job.cancel', target: jobId, requestId, data: { state: job.state } },
    ]);
    return true;
  });
}

const ended = (state: string): string => (state === 'cancelled' ? 'been cancelled' : state);
