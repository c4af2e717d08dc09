import type { Actor } from '../core/access.ts';
import type { Approval } from '../core/ledger/approval.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { noteApproval } from '../store/apply/approvals.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { findJob } from '../store/read/jobs.ts';
import type { Tx } from '../store/store.ts';
import { changeJob } from './changeJob.ts';

/**
 * Lets a job run that may cost more than a budget lets pass.
 * Problems: not-found; forbidden (it is the actor's own); state-conflict (nobody has to approve it, or it is decided).
 */
export async function approveJob(
  deps: Deps,
  actor: Actor,
  jobId: string,
  note: string | null,
  requestId: string,
): Promise<void> {
  await changeJob(deps, jobId, async (tx, now) => {
    const asked = await undecided(tx, actor, jobId);
    const approvedAt = now.toISOString();
    await noteApproval(tx, now, jobId, { ...asked, approvedBy: actor.id, approvedAt, note });
    const data = { budget: asked.budgetId, aboveMicros: asked.aboveMicros, note };
    await appendAudit(tx, now, [{ actor, action: 'job.approve', target: jobId, requestId, data }]);
    return true;
  });
}

/** Ends a job that nobody is to pay for. Problems: as for approveJob. */
export async function rejectJob(
  deps: Deps,
  actor: Actor,
  jobId: string,
  reason: string,
  requestId: string,
): Promise<void> {
  await changeJob(deps, jobId, async (tx, now) => {
    const asked = await undecided(tx, actor, jobId);
    const change = { kind: 'job', jobId, allocationId: null, to: 'cancelled', reason: 'rejected' } as const;
    await applyChanges(tx, now, deps.terms, [{ ...change, detail: reason }]);
    const data = { budget: asked.budgetId, reason };
    await appendAudit(tx, now, [{ actor, action: 'job.reject', target: jobId, requestId, data }]);
    return true;
  });
}

/** The approval that a locked job waits for. */
async function undecided(tx: Tx, actor: Actor, jobId: string): Promise<Approval> {
  const job = await findJob(tx, jobId);
  if (job === null) throw new Problem('not-found', 'There is no such job.');
  if (job.createdBy === actor.id)
    throw new Problem('forbidden', 'Who asks for the money cannot approve it: somebody else has to.');
  if (job.approval === null) throw new Problem('state-conflict', 'Nobody has to approve this job.');
  if (job.approval.approvedBy !== null)
    throw new Problem('state-conflict', `${job.approval.approvedBy} has approved it already.`);
  if (job.state !== 'queued')
    throw new Problem('state-conflict', `The job is ${job.state}: there is nothing left to decide.`);
  return job.approval;
}
