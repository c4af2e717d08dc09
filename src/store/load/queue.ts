import { eq, sql, type SQL } from 'drizzle-orm';
import { HOLDING_ALLOCATION_STATES } from '../../core/allocation.ts';
import type { JobSpec, Waiting } from '../../core/job.ts';
import type { Approval } from '../../core/ledger/approval.ts';
import type { QueuedJob } from '../../core/placement/types.ts';
import type { HeldQuote } from '../../core/quote.ts';
import { shareOf } from '../../core/share.ts';
import { jobs } from '../schema.ts';
import type { Reader } from '../store.ts';
import { OWN_ACCOUNT, ownAccountOf, type OwnAccountRecord } from './accounts.ts';

/** A queued job with what is needed to write its placement. */
export interface QueuedRow extends QueuedJob {
  readonly version: number;
  readonly waiting: Waiting | null;
}

/** How far a project's queue was read: the next page goes on after it. */
export interface QueueMark {
  readonly rank: number;
  readonly id: string;
}

/** By project; a project without a mark is read from its beginning. */
export type QueueMarks = ReadonlyMap<string, QueueMark>;

/**
 * The next jobs of every project that has any queued, each project's in the order of its queue (rank, then id).
 *
 * @param perProject at most so many of each
 * @param marginMs how long after its lease an old allocation may still run (fencing)
 * @returns project by project
 */
export function loadQueued(
  reader: Reader,
  marks: QueueMarks,
  perProject: number,
  marginMs: number,
): Promise<QueuedRow[]> {
  return readQueued(reader, queuedQuery(QUEUEING, marks, perProject, marginMs));
}

/** The same for these projects alone: those of which everything that was read is used up. */
export function loadQueuedOf(
  reader: Reader,
  projects: readonly string[],
  marks: QueueMarks,
  perProject: number,
  marginMs: number,
): Promise<QueuedRow[]> {
  const asked = new Set(projects);
  const theirs = new Map([...marks].filter(([project]) => asked.has(project)));
  return readQueued(reader, queuedQuery(named(projects), theirs, perProject, marginMs));
}

/**
 * Every project with queued jobs, one descent of the index each (a loose scan). `select distinct project` would walk
 * over all that is queued.
 */
export const QUEUEING: SQL = sql`
  (select project from jobs where state = 'queued' order by project limit 1)
  union all
  select (select j.project from jobs j where j.state = 'queued' and j.project > q.project order by j.project limit 1)
  from queueing q where q.project is not null`;

const named = (projects: readonly string[]): SQL =>
  sql`select distinct unnest(${sql.param(projects)}::text[])`;

/** @param projects a query that gives them; it may refer to itself as `queueing` */
export function queuedQuery(projects: SQL, marks: QueueMarks, perProject: number, marginMs: number): SQL {
  const read = [...marks];
  return sql`
    with recursive queueing(project) as (${projects}
    ), marks as (
      select * from unnest(
        ${sql.param(read.map(([project]) => project))}::text[], ${sql.param(read.map(([, { rank }]) => rank))}::bigint[],
        ${sql.param(read.map(([, { id }]) => id))}::text[]) as m(project, rank, id)
    )
    select j.id, j.spec, j.organization, j.project, j.queue_rank::float8 as "queueRank", j.queued_at as "queuedAt",
      j.attempts, j.avoid, j.move_to as "moveTo", j.not_before as "notBefore", j.quote, j.version, j.waiting,
      case when j.approval->>'approvedBy' is null then j.approval end as approval,
      case when j.reason = 'budget' then coalesce(j.reason_detail, 'there was no money for it') end as unpaid,
      ${OWN_ACCOUNT} as "ownAccount",
      -- Only a job that ran before can be fenced; new ones do not look.
      case when j.attempts > 0 then (
        select max(a.lease_until) + make_interval(secs => ${marginMs / 1000}) from allocations a
        where a.job_id = j.id and a.role = 'run' and a.state <> 'released') end as "fencedUntil",
      case when j.spares > 0 then (
        select array_agg(a.provider order by a.slot) from allocations a
        where a.job_id = j.id and a.role <> 'run' and a.state in ('submitting', 'active')) end as "apartFrom",
      case when j.spares > 0 then (
        select a.provider from allocations a join providers p on p.name = a.provider
        where a.job_id = j.id and ${READY_STANDBY} limit 1) end as "standbyAt"
    from queueing q left join marks m on m.project = q.project
    -- The limit is hidden in a query of its own. Where the planner knows it, and takes a project for one with fewer jobs
    -- than that, it reads all that the project has queued (or ever had) and sorts, which costs a large one dearly.
    cross join lateral (
      select * from jobs j where j.state = 'queued' and j.project = q.project
        and (j.queue_rank, j.id) > (coalesce(m.rank, ${LOWEST}::bigint), coalesce(m.id, ''))
      order by j.queue_rank, j.id limit (select ${perProject}::int)
    ) j`;
}

/** Of `a`, its provider `p` and its job `j`: the job can go on there at once, and nobody wants it to go elsewhere. */
export const READY_STANDBY: SQL = sql`a.role = 'standby' and a.state = 'active' and a.started_at is not null
  and p.health in ('healthy', 'degraded') and (j.move_to is null or j.move_to = a.provider)`;

/** Below every rank. */
const LOWEST = '-9223372036854775808';

interface QueuedRecord {
  readonly id: string;
  readonly spec: JobSpec;
  readonly organization: string;
  readonly project: string;
  readonly queueRank: number;
  readonly queuedAt: string;
  readonly attempts: number;
  readonly avoid: Readonly<Record<string, string>>;
  readonly moveTo: string | null;
  readonly notBefore: string | null;
  readonly quote: HeldQuote | null;
  readonly version: number;
  readonly waiting: Waiting | null;
  readonly fencedUntil: string | null;
  readonly approval: Approval | null;
  readonly unpaid: string | null;
  readonly ownAccount: OwnAccountRecord | null;
  readonly apartFrom: readonly string[] | null;
  readonly standbyAt: string | null;
}

async function readQueued(reader: Reader, query: SQL): Promise<QueuedRow[]> {
  const { rows } = await reader.execute<QueuedRecord & Record<string, unknown>>(query);
  // The database would sort whole rows for that, on its disk when they are many.
  return rows.sort(inOrder).map(({ approval, unpaid, ownAccount, apartFrom, standbyAt, ...row }) => ({
    ...row,
    ...(approval !== null && { approval }),
    ...(unpaid !== null && { unpaid }),
    ...(ownAccount !== null && { ownAccount: ownAccountOf(ownAccount) }),
    ...(apartFrom !== null && { apartFrom }),
    ...(standbyAt !== null && { standbyAt }),
    queuedAt: new Date(row.queuedAt),
    notBefore: dateOf(row.notBefore),
    fencedUntil: dateOf(row.fencedUntil),
  }));
}

/** Ids are of one alphabet and length, so they are in the same order here and in any collation. */
function inOrder(a: QueuedRecord, b: QueuedRecord): number {
  if (a.project !== b.project) return a.project < b.project ? -1 : 1;
  return a.queueRank - b.queueRank || (a.id < b.id ? -1 : 1);
}

const dateOf = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** What each of these projects holds now, in the unit of core/share.ts; absent: nothing. */
export async function loadShares(
  reader: Reader,
  projects: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (projects.length === 0) return new Map();
  const holding = sql.param([...HOLDING_ALLOCATION_STATES]);
  const { rows } = await reader.execute<{ project: string; gpus: number; nodes: number }>(sql`
    select j.project, a.gpu_count as gpus, sum(a.nodes)::int as nodes from allocations a join jobs j on j.id = a.job_id
    where a.state = any(${holding}::text[]) and j.project = any(${sql.param(projects)}::text[])
    group by j.project, a.gpu_count`);
  const shares = new Map<string, number>();
  for (const { project, gpus, nodes } of rows)
    shares.set(project, (shares.get(project) ?? 0) + shareOf(gpus, nodes));
  return shares;
}

/** Depth of the queue and when its oldest entry was queued. */
export async function loadQueueDepth(
  reader: Reader,
): Promise<{ depth: number; oldestQueuedAt: Date | null }> {
  const [row] = await reader
    .select({ depth: sql<number>`count(*)::int`, oldest: sql<string | null>`min(${jobs.queuedAt})` })
    .from(jobs)
    .where(eq(jobs.state, 'queued'));
  return { depth: row?.depth ?? 0, oldestQueuedAt: dateOf(row?.oldest ?? null) };
}
