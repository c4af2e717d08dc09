import { sql } from 'drizzle-orm';
import type { JobSpec } from '../../core/job.ts';
import type { Holder } from '../../core/placement/preempt.ts';
import type { Needs } from '../../core/placement/pass.ts';
import type { Reader } from '../store.ts';

type HolderRecord = {
  readonly allocationId: string;
  readonly jobId: string;
  readonly provider: string;
  readonly offer: string;
  readonly spec: JobSpec;
  readonly priority: number;
  readonly startedAt: string;
};

/** Does work wait that must not stop, and that a disaster took from its place? */
export async function isStruckWorkWaiting(reader: Reader): Promise<boolean> {
  const { rows } = await reader.execute(
    sql`select from jobs where spares > 0 and state = 'queued' and queue_rank < 0 limit 1`,
  );
  return rows.length > 0;
}

/** What runs for jobs for which nothing stands by, and whose project's rules (or else its organization's) allow it. */
export async function loadPreemptible(reader: Reader): Promise<Holder[]> {
  const { rows } = await reader.execute<HolderRecord>(sql`
    select a.id as "allocationId", j.id as "jobId", a.provider, a.offer, j.spec, j.priority, a.started_at as "startedAt"
    from allocations a join jobs j on j.id = a.job_id join projects p on p.name = j.project
    join organizations o on o.name = p.organization
    where a.state = 'active' and a.started_at is not null and j.spares = 0 and j.current_allocation_id = a.id
      and j.state = 'running' and coalesce((p.rules ->> 'preemptible')::boolean, (o.rules ->> 'preemptible')::boolean, false)
    order by a.id`);
  return rows.map(({ spec, startedAt, ...row }) => ({
    ...row,
    needs: needsOf(spec),
    startedAt: new Date(startedAt),
  }));
}

/** What still holds a place and was told to go. */
export async function loadLeaving(
  reader: Reader,
): Promise<Pick<Holder, 'allocationId' | 'provider' | 'offer' | 'needs'>[]> {
  const { rows } = await reader.execute<
    Pick<HolderRecord, 'allocationId' | 'provider' | 'offer' | 'spec'>
  >(sql`
    select a.id as "allocationId", a.provider, a.offer, j.spec from allocations a join jobs j on j.id = a.job_id
    where a.state = 'releasing' order by a.id`);
  return rows.map(({ spec, ...row }) => ({ ...row, needs: needsOf(spec) }));
}

function needsOf({ resources: { nodes, cpus, memoryGiB } }: JobSpec): Needs {
  return { nodes, cpus, memoryGiB };
}
