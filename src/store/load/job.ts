import { and, eq, sql } from 'drizzle-orm';
import type { AllocationRow, JobRow, Reader, Tx } from '../store.ts';
import { allocations, jobs } from '../schema.ts';

/** A job that this transaction holds, with its current allocation while that is live. */
export interface LockedJob extends Pick<JobRow, 'id' | 'state' | 'spec' | 'currentAllocationId'> {
  readonly allocation: Pick<AllocationRow, 'id' | 'provider' | 'state'> | null;
}

/** Locks a job's live allocation and then the job (the order that every writer keeps); null where there is none. */
export async function lockJob(tx: Tx, jobId: string): Promise<LockedJob | null> {
  const [allocation] = await tx
    .select({ id: allocations.id, provider: allocations.provider, state: allocations.state })
    .from(allocations)
    .where(and(eq(allocations.jobId, jobId), sql`${allocations.state} in ('submitting', 'active')`))
    .for('update');
  const [job] = await tx
    .select({ id: jobs.id, state: jobs.state, spec: jobs.spec, currentAllocationId: jobs.currentAllocationId })
    .from(jobs)
    .where(eq(jobs.id, jobId))
    .for('update');
  if (job === undefined) return null;
  // Placed between the two statements: the allocation that we did not see is the current one.
  if (job.currentAllocationId !== null && job.currentAllocationId !== allocation?.id) {
    return { ...job, allocation: await readLive(tx, job.currentAllocationId) };
  }
  return { ...job, allocation: allocation ?? null };
}

async function readLive(reader: Reader, id: string): Promise<LockedJob['allocation']> {
  const [row] = await reader
    .select({ id: allocations.id, provider: allocations.provider, state: allocations.state })
    .from(allocations)
    .where(and(eq(allocations.id, id), sql`${allocations.state} in ('submitting', 'active')`));
  return row ?? null;
}

/** Jobs whose deadline has passed, or whose runs together took longer than they may; ids only. */
export async function loadOverdue(reader: Reader, now: Date): Promise<{ id: string; why: 'deadline' | 'max-runtime' }[]> {
  const at = now.toISOString();
  const late = await reader
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      and(
        sql`${jobs.deadlineAt} is not null and ${jobs.deadlineAt} <= ${at}`,
        sql`${jobs.state} in ('queued', 'provisioning', 'running')`,
      ),
    );
  const long = await reader
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      and(
        eq(jobs.state, 'running'),
        sql`(${jobs.spec} -> 'limits' ->> 'maxRuntimeSeconds')::numeric <= (
          select coalesce(sum(extract(epoch from coalesce(a.released_at, ${at}::timestamptz) - a.started_at)), 0)
          from allocations a where a.job_id = ${jobs.id} and a.started_at is not null)`,
      ),
    );
  return [
    ...late.map(({ id }) => ({ id, why: 'deadline' as const })),
    ...long.map(({ id }) => ({ id, why: 'max-runtime' as const })),
  ];
}
