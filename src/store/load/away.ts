import { sql } from 'drizzle-orm';
import type { JobSpec } from '../../core/job.ts';
import type { QueuedJob } from '../../core/placement/types.ts';
import type { Reader } from '../store.ts';

/** A job that runs elsewhere since a disaster, as if it were queued to go home. */
export interface AwayRow extends QueuedJob {
  readonly runId: string;
  readonly runAt: string;
  readonly moveTo: string;
}

type AwayRecord = Pick<QueuedJob, 'id' | 'organization' | 'project' | 'queueRank' | 'attempts' | 'quote'> & {
  readonly spec: JobSpec;
  readonly queuedAt: string;
  readonly runId: string;
  readonly runAt: string;
  readonly home: string;
  readonly sparesAt: readonly string[] | null;
} & Record<string, unknown>;

/** Those that go back by themselves, and whose home has been well since then at least; who has been away longest first. */
export async function loadAway(reader: Reader, wellSince: Date, limit: number): Promise<AwayRow[]> {
  const { rows } = await reader.execute<AwayRecord>(sql`
    select j.id, j.spec, j.organization, j.project, j.queue_rank::float8 as "queueRank", j.queued_at as "queuedAt",
      j.attempts, j.quote, j.home, r.id as "runId", r.provider as "runAt",
      (select array_agg(a.provider order by a.slot) from allocations a
        where a.job_id = j.id and a.role = 'standby' and a.provider <> j.home and a.state in ('submitting', 'active'))
        as "sparesAt"
    from jobs j join allocations r on r.id = j.current_allocation_id and r.state = 'active' join providers p on p.name = j.home
    where j.home is not null and j.state = 'running' and j.home <> r.provider
      and j.spec -> 'continuity' ->> 'failback' = 'auto'
      and p.mode = 'active' and p.health = 'healthy' and p.health_since <= ${wellSince.toISOString()}
    order by r.placed_at, j.id limit ${limit}`);
  return rows.map(({ home, queuedAt, sparesAt, ...row }) => ({
    ...row,
    queuedAt: new Date(queuedAt),
    avoid: {},
    moveTo: home,
    notBefore: null,
    fencedUntil: null,
    ...(sparesAt !== null && { apartFrom: sparesAt }),
  }));
}
