import { and, eq, inArray, sql } from 'drizzle-orm';
import { LIVE_ALLOCATION_STATES } from '../../core/allocation.ts';
import type { AllocationRow, JobRow, Reader, Tx } from '../store.ts';
import { allocations, jobs } from '../schema.ts';

/** A job that this transaction holds, with its current allocation while that is live. */
export interface LockedJob extends Pick<JobRow, 'id' | 'state' | 'spec' | 'currentAllocationId'> {
  readonly allocation: Pick<AllocationRow, 'id' | 'provider' | 'state'> | null;
}

/**
 * Locks a job with its live allocation, in the order that every writer keeps (provider, allocation, job), so that a
 * stop and a sync wait for each other instead of deadlocking. Null where there is no such job.
 */
export async function lockJob(tx: Tx, jobId: string): Promise<LockedJob | null> {
  const live = and(
    eq(allocations.jobId, jobId),
    eq(allocations.role, 'run'),
    inArray(allocations.state, [...LIVE_ALLOCATION_STATES]),
  );
  await tx.execute(sql`
    select from providers where name in (select provider from allocations where ${live}) order by name for update`);
  const select = { id: allocations.id, provider: allocations.provider, state: allocations.state };
  await tx.select(select).from(allocations).where(live).for('update');
  const [job] = await tx
    .select({
      id: jobs.id,
      state: jobs.state,
      spec: jobs.spec,
      currentAllocationId: jobs.currentAllocationId,
    })
    .from(jobs)
    .where(eq(jobs.id, jobId))
    .for('update');
  if (job === undefined) return null;
  // Read again now that nobody else can place it: it may have been placed between the first look and the lock.
  const [allocation] = await tx.select(select).from(allocations).where(live);
  return { ...job, allocation: allocation ?? null };
}

/**
 * Jobs whose deadline has passed, whose runs together took longer than they may, or whose provider has ended them because
 * they had cost what they may: what is left would not buy ten seconds more. Ids only, oldest first.
 */
export async function loadOverdue(
  reader: Reader,
  now: Date,
): Promise<{ id: string; why: 'deadline' | 'max-runtime' | 'max-cost' }[]> {
  const at = now.toISOString();
  const late = await reader
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      and(
        sql`${jobs.deadlineAt} is not null and ${jobs.deadlineAt} <= ${at}`,
        sql`${jobs.state} in ('queued', 'provisioning', 'running')`,
      ),
    )
    .orderBy(jobs.id);
  const long = await reader
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      and(
        eq(jobs.state, 'running'),
        sql`(${jobs.spec} -> 'limits' ->> 'maxRuntimeSeconds')::numeric <= (
          select coalesce(sum(extract(epoch from coalesce(a.released_at, ${at}::timestamptz) - a.started_at)), 0)
          from allocations a where a.job_id = ${jobs.id} and a.role = 'run' and a.started_at is not null)`,
      ),
    )
    .orderBy(jobs.id);
  const { rows: spent } = await reader.execute<{ id: string }>(sql`
    select j.id from jobs j join accounts c on c.job_id = j.id join allocations a on a.id = j.current_allocation_id
    where j.state = 'queued' and j.reason = 'budget' and c.reserved_micros = 0 and c.charged_micros > 0
      and (c.allotted_micros - c.charged_micros) * 360 < a.price_micros_per_hour
    order by j.id`);
  return [
    ...late.map(({ id }) => ({ id, why: 'deadline' as const })),
    ...long.map(({ id }) => ({ id, why: 'max-runtime' as const })),
    ...spent.map(({ id }) => ({ id, why: 'max-cost' as const })),
  ];
}
