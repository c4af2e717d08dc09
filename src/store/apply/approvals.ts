import { eq, sql } from 'drizzle-orm';
import type { Approval } from '../../core/ledger/approval.ts';
import { events, jobs } from '../schema.ts';
import type { Tx } from '../store.ts';

/** Writes who approved a job that is locked by the caller, and tells it. It waits for something else from then on. */
export async function noteApproval(tx: Tx, now: Date, jobId: string, approval: Approval): Promise<void> {
  await tx
    .update(jobs)
    .set({ approval, waiting: null, version: sql`${jobs.version} + 1` })
    .where(eq(jobs.id, jobId));
  const { note, approvedBy } = approval;
  const told = { jobId, at: now, type: 'job.approved', reason: 'approved', detail: note };
  await tx.insert(events).values({ ...told, data: { approvedBy } });
}
