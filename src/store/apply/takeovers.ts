import { sql } from 'drizzle-orm';
import type { Tx } from '../store.ts';

/** A job, and the run of it that is over. */
export interface LostRun {
  readonly jobId: string;
  readonly allocationId: string;
}

/**
 * Makes a replica the run of each job that has one running at a provider that is not down: the longest serving first.
 * Nothing is waited for, as replicas may run beside a run that is not over yet.
 *
 * @returns the jobs that go on so; the others have nothing that runs
 */
export async function takeOver(tx: Tx, now: Date, lost: readonly LostRun[]): Promise<Set<string>> {
  if (lost.length === 0) return new Set();
  const at = now.toISOString();
  const { rows } = await tx.execute<{ job_id: string }>(sql`
    with wanted as (
      select * from unnest(${sql.param(lost.map(({ jobId }) => jobId))}::text[],
        ${sql.param(lost.map(({ allocationId }) => allocationId))}::text[]) as w(job_id, was)
    ), best as (
      select distinct on (a.job_id) a.id, a.job_id, w.was from wanted w
      join allocations a on a.job_id = w.job_id and a.role = 'replica' and a.state = 'active' and a.started_at is not null
      join providers p on p.name = a.provider and p.health in ('healthy', 'degraded')
      order by a.job_id, a.serving desc nulls last, a.started_at, a.id
    ), held as (
      select a.id, b.job_id, a.provider, j.state as was from best b join allocations a on a.id = b.id join jobs j on j.id = b.job_id
      where a.state = 'active' and a.role = 'replica' and j.current_allocation_id = b.was
        and j.state in ('queued', 'provisioning', 'running')
      order by a.id for update of a, j
    ), taken as (
      update allocations a set role = 'run', slot = 0 from held h where a.id = h.id
      returning a.id, h.job_id, h.provider, h.was
    ), changed as (
      update jobs j set state = 'running', reason = 'taken-over', reason_detail = null, waiting = null,
        current_allocation_id = t.id, started_at = coalesce(j.started_at, ${at}::timestamptz), failed_starts = 0,
        version = j.version + 1
      from taken t where j.id = t.job_id returning j.id as job_id, t.id, t.provider, t.was
    ), told as (
      -- Its history goes from state to state: a queued one passes through what lies between.
      insert into events (job_id, at, type, reason, allocation_id, data)
      select c.job_id, ${at}::timestamptz, e.type, 'taken-over', c.id, jsonb_build_object('provider', c.provider)
      from changed c cross join lateral (
        select 'job.taken-over' as type, 0 as n where c.was = 'running'
        union all select 'job.provisioning', 1 where c.was = 'queued'
        union all select 'job.running', 2 where c.was <> 'running'
      ) e order by c.job_id, e.n
    )
    select job_id from changed`);
  return new Set(rows.map(({ job_id: jobId }) => jobId));
}
