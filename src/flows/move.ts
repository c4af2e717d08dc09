import type { Actor } from '../core/access.ts';
import type { Change } from '../core/change.ts';
import { Problem } from '../core/problem.ts';
import { sendBack } from '../core/requeue.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import type { LockedJob } from '../store/load/job.ts';
import { changeJob } from './changeJob.ts';

export interface MoveRequest {
  readonly reason: string;
  /** Provider to prefer; null: wherever it fits, but not where it is. */
  readonly to: string | null;
}

/**
 * Moves a job by an operator's word: it is queued again, its allocation is told to stop and save, and it starts
 * elsewhere when the old place has confirmed the stop.
 *
 * Problems: `not-found`; `state-conflict` for a job that does not run, or runs where it should go.
 */
export async function moveJob(
  deps: Deps,
  actor: Actor,
  jobId: string,
  move: MoveRequest,
  requestId: string | null,
): Promise<void> {
  await changeJob(deps, jobId, async (tx, now, job) => {
    if (job.state !== 'provisioning' && job.state !== 'running') {
      throw new Problem('state-conflict', `Only a job that runs can be moved; this one is ${job.state}.`);
    }
    if (job.allocation === null) throw new Problem('state-conflict', 'The job has no allocation.');
    const from = job.allocation.provider;
    if (move.to === from) throw new Problem('state-conflict', `The job runs on ${from} already.`);
    await applyChanges(tx, now, deps.terms, moveChanges(deps, now, job, from, move));
    deps.metrics.countMoves('operator-move', 1);
    const data = { from, to: move.to, reason: move.reason };
    await appendAudit(tx, now, [{ actor, action: 'job.move', target: jobId, requestId, data }]);
    return true;
  });
}

function moveChanges(deps: Deps, now: Date, job: LockedJob, from: string, move: MoveRequest): Change[] {
  const until = new Date(now.getTime() + deps.timing.avoidMs);
  const allocationId = job.allocation?.id ?? '';
  return sendBack(
    { jobId: job.id, allocationId, reason: 'operator-move', detail: move.reason },
    { avoid: { provider: from, until }, moveTo: move.to },
  );
}
