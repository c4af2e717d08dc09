import { sql, type SQL } from 'drizzle-orm';
import { allocationStatesBefore } from '../../core/allocation.ts';
import type { Activate, Change, JobChange, Release, Releasing } from '../../core/change.ts';
import { JOB_STATES, jobStatesBefore, type JobState } from '../../core/job.ts';
import type { Terms } from '../../core/ledger/run.ts';
import type { Taking } from '../../core/room.ts';
import type { Tx } from '../store.ts';
import { billedSeconds } from './bill.ts';
import { jobAssignments } from './job-state.ts';
import { stillCut } from '../load/cuts.ts';
import { giveBack } from './room.ts';
import { settle } from './settle.ts';
import { takeOver } from './takeovers.ts';
import { list } from './lines.ts';

/** How much of what was wanted came true; the rest was stale. */
export interface Applied {
  readonly activated: number;
  readonly releasing: number;
  readonly released: number;
  /** Jobs whose run is now what was a replica. */
  readonly takenOver: number;
  /** Jobs that go on elsewhere: queued again, or taken over. */
  readonly moved: number;
  readonly jobs: Readonly<Partial<Record<JobState, number>>>;
}

/**
 * Applies changes behind their guards, a statement per kind whatever their number, each with its events. Order matters:
 * allocations before jobs, so that a job's event never comes before the reason for it. Row locks are taken in the order
 * policies, organizations, projects → providers → allocations → jobs → pools → offers → accounts by every writer; what deadlocks
 * all the same is begun anew by Store.transaction.
 */
export async function applyChanges(
  tx: Tx,
  now: Date,
  terms: Terms,
  changes: readonly Change[],
): Promise<Applied> {
  const of = <K extends Change['kind']>(kind: K) =>
    changes.filter((change): change is Extract<Change, { kind: K }> => change.kind === kind);
  const activated = await activate(tx, now, of('activate'));
  const releasing = await markReleasing(tx, now, terms.leaseSeconds, of('releasing'));
  const released = await release(tx, now, of('release'));
  const asked = of('job').flatMap(({ jobId, allocationId, requeue }) =>
    requeue?.toReplica === true && allocationId !== null ? [{ jobId, allocationId }] : [],
  );
  // Where a replica runs already, nothing has to be started again.
  const over = await takeOver(tx, now, asked);
  const jobs: Partial<Record<JobState, number>> = {};
  // JOB_STATES' order puts `running` before the terminal ones: a run too short to be seen passes through it.
  for (const to of ['running', ...JOB_STATES.filter((state) => state !== 'running')] as const) {
    const wanted = of('job').filter((change) => change.to === to && !over.has(change.jobId));
    if (wanted.length > 0) jobs[to] = await changeJobs(tx, now, to, wanted);
  }
  await giveBack(tx, released);
  const ended = released.map(({ allocationId }) => allocationId);
  await settle(tx, now, terms, ended);
  const moved = (jobs.queued ?? 0) + over.size;
  return { activated, releasing, released: released.length, takenOver: over.size, moved, jobs };
}

/**
 * Of the wanted change `w` to the allocation `a`: when it was seen to start, never before it was placed; null: it was not.
 * (`greatest` passes over nulls: alone it made the placement the start of what was only being started, and billed it.)
 */
const startOf = sql`case when w.started_at is not null then greatest(w.started_at, a.placed_at) end`;

async function activate(tx: Tx, now: Date, changes: readonly Activate[]): Promise<number> {
  if (changes.length === 0) return 0;
  // A releasing one keeps its state: it was seen to run after we had decided that it must go, and it bills.
  return count(
    tx,
    sql`
    with wanted as (
      select * from unnest(
        ${arr(changes.map((c) => c.allocationId))}::text[],
        ${arr(changes.map((c) => c.startedAt))}::timestamptz[],
        ${arr(changes.map((c) => c.endpoint))}::text[],
        ${arr(changes.map((c) => c.serving))}::boolean[]) as w(id, started_at, endpoint, serving)
    ), before as (
      select w.*, a.state as was, a.serving as was_serving from allocations a join wanted w using (id)
      where a.state <> 'released' order by a.id for update of a
    ), changed as (
      update allocations a set
        state = case when a.state = 'submitting' then 'active' else a.state end,
        started_at = coalesce(a.started_at, ${startOf}),
        endpoint = coalesce(w.endpoint, a.endpoint),
        serving = w.serving,
        serving_at = coalesce(a.serving_at, case when w.serving then ${now.toISOString()}::timestamptz end)
      from before w where a.id = w.id
      returning a.id, a.job_id, w.was, w.was_serving, a.serving, a.endpoint, a.provider
    ), told as (
      insert into events (job_id, at, type, reason, allocation_id, data)
      select job_id, ${now.toISOString()}::timestamptz,
        case when was = 'submitting' then 'allocation.active' else 'allocation.serving' end,
        case when serving then 'serving' when serving = false and was_serving then 'not-serving' else 'seen' end,
        id, jsonb_strip_nulls(jsonb_build_object('provider', provider, 'endpoint', endpoint))
      from changed where was = 'submitting' or serving is distinct from was_serving
    )
    select count(*)::int as n from changed`,
  );
}

/**
 * While an allocation is live its lease is its provider's: every contact renews it (a row per allocation and second
 * would be 10,000 writes a second for 10,000 jobs). Here, where it stops being live, its end is written down. The
 * provider's row is locked first: a contact that is being believed either renewed before, or finds it fenced.
 */
async function markReleasing(
  tx: Tx,
  now: Date,
  leaseSeconds: number,
  changes: readonly Releasing[],
): Promise<number> {
  if (changes.length === 0) return 0;
  const contacts = await tx.execute<{ name: string; until: string | null }>(sql`
    select name, last_contact_at + make_interval(secs => ${leaseSeconds}) as until from providers
    where name in (select provider from allocations where id = any(${arr(changes.map((c) => c.allocationId))}::text[]))
    order by name for update`);
  return count(
    tx,
    sql`
    with wanted as (
      select * from unnest(
        ${arr(changes.map((c) => c.allocationId))}::text[],
        ${arr(changes.map((c) => c.endReason))}::text[],
        ${arr(changes.map((c) => c.detail))}::text[]) as w(id, end_reason, detail)
    ), contacts as (
      select * from unnest(
        ${arr(contacts.rows.map((c) => c.name))}::text[],
        ${arr(contacts.rows.map((c) => c.until))}::timestamptz[]) as c(provider, until)
    ), changed as (
      update allocations a set state = 'releasing', lease_until = case when ${stillCut(now)} then a.lease_until else greatest(a.lease_until, c.until) end,
        releasing_at = ${now.toISOString()}::timestamptz, end_reason = w.end_reason, end_detail = w.detail, serving = case when a.serving is null then null else false end
      from wanted w, contacts c
      where a.id = w.id and c.provider = a.provider and a.state in (${list(allocationStatesBefore('releasing'))})
      returning a.id, a.job_id, a.provider, a.end_reason, a.end_detail
    ), ordered as (
      update providers p set orders_version = p.orders_version + 1 where p.name in (select provider from changed)
    ), told as (
      insert into events (job_id, at, type, reason, detail, allocation_id, data)
      select job_id, ${now.toISOString()}::timestamptz, 'allocation.releasing', end_reason, end_detail, id,
        jsonb_build_object('provider', provider) from changed
    )
    select count(*)::int as n from changed`,
  );
}

type Released = Taking & { readonly allocationId: string };
type HeldRecord = Record<'id' | 'provider' | 'offer', string> &
  Record<'nodes' | 'gpus' | 'cpuMillis' | 'memoryMiB', number> & { pool: string | null };

/** @returns what they held, which is to be given back */
async function release(tx: Tx, now: Date, changes: readonly Release[]): Promise<Released[]> {
  if (changes.length === 0) return [];
  const { rows } = await tx.execute<HeldRecord>(sql`
    with wanted as (
      select * from unnest(
        ${arr(changes.map((c) => c.allocationId))}::text[],
        ${arr(changes.map((c) => c.startedAt))}::timestamptz[],
        ${arr(changes.map((c) => c.endedAt))}::timestamptz[],
        ${arr(changes.map((c) => c.outcome))}::text[],
        ${arr(changes.map((c) => c.endReason))}::text[],
        ${arr(changes.map((c) => c.exitCode))}::integer[],
        ${arr(changes.map((c) => c.detail))}::text[]) as w(id, started_at, ended_at, outcome, end_reason, exit_code, detail)
    ), timed as (
      select a.id, w.outcome, w.end_reason, w.exit_code, w.detail,
        coalesce(a.started_at, ${startOf}) as started,
        -- A lost provider bills until the moment by which it must have stopped, never longer.
        greatest(least(w.ended_at, ${now.toISOString()}::timestamptz), a.placed_at) as ended
      from allocations a join wanted w using (id)
      where a.state in (${list(allocationStatesBefore('released'))}) order by a.id for update of a
    ), changed as (
      update allocations a set state = 'released', released_at = greatest(t.ended, t.started), started_at = t.started,
        outcome = t.outcome, end_reason = coalesce(a.end_reason, t.end_reason),
        end_detail = coalesce(t.detail, a.end_detail), exit_code = t.exit_code,
        serving = case when a.serving is null then null else false end
      from timed t where a.id = t.id
      returning a.*
    ), told as (
      insert into events (job_id, at, type, reason, detail, allocation_id, data)
      select job_id, ${now.toISOString()}::timestamptz, 'allocation.released', end_reason, end_detail, id,
        jsonb_strip_nulls(jsonb_build_object('provider', provider, 'outcome', outcome, 'exitCode', exit_code,
          'seconds', ${billedSeconds(sql`started_at`, sql`released_at`)}))
      from changed
    )
    select id, provider, offer, nodes, pool, pool_gpus as gpus, pool_cpu_millis::float8 as "cpuMillis",
      pool_memory_mib::float8 as "memoryMiB"
    from changed`);
  return rows.map(({ id, provider, offer, nodes, pool, gpus, cpuMillis, memoryMiB }) => ({
    allocationId: id,
    provider,
    offer,
    nodes,
    draw: pool === null ? null : { pool, gpus, cpuMillis, memoryMiB },
  }));
}

async function changeJobs(tx: Tx, now: Date, to: JobState, changes: readonly JobChange[]): Promise<number> {
  const requeued = (c: JobChange) => c.requeue ?? null;
  return count(
    tx,
    sql`
    with wanted as (
      select * from unnest(
        ${arr(changes.map((c) => c.jobId))}::text[],
        ${arr(changes.map((c) => c.allocationId))}::text[],
        ${arr(changes.map((c) => c.reason))}::text[],
        ${arr(changes.map((c) => c.detail))}::text[],
        ${arr(changes.map((c) => c.exitCode ?? null))}::integer[],
        ${arr(changes.map((c) => c.startedAt ?? null))}::timestamptz[],
        ${arr(changes.map((c) => c.stoppingTo ?? null))}::text[],
        ${arr(changes.map((c) => requeued(c)?.notBefore ?? null))}::timestamptz[],
        ${arr(changes.map((c) => requeued(c)?.avoid?.provider ?? null))}::text[],
        ${arr(changes.map((c) => requeued(c)?.avoid?.until.toISOString() ?? null))}::text[],
        ${arr(changes.map((c) => requeued(c)?.moveTo ?? null))}::text[],
        ${arr(changes.map((c) => requeued(c)?.failedStart ?? false))}::boolean[])
        as w(id, allocation_id, reason, detail, exit_code, started_at, stopping_to, not_before, avoid, avoid_until, move_to, failed_start)
    ), held as (
      -- With what is wanted, so that the change joins this alone: two CTEs are planned for one row each, and compared
      -- each with each.
      select w.* from jobs j join wanted w using (id)
      where j.state in (${list(jobStatesBefore(to))})
        and (w.allocation_id is null or j.current_allocation_id = w.allocation_id)
      order by j.id for update of j
    ), changed as (
      update jobs j set state = ${to}, reason = w.reason, reason_detail = w.detail, version = j.version + 1,
        waiting = null, stopping_to = w.stopping_to ${jobAssignments(to, now)}
      from held w where j.id = w.id
      returning j.id, j.current_allocation_id, j.reason, j.reason_detail, j.exit_code
    ), told as (
      insert into events (job_id, at, type, reason, detail, allocation_id, data)
      select id, ${now.toISOString()}::timestamptz, ${`job.${to}`}, reason, reason_detail, current_allocation_id,
        jsonb_strip_nulls(jsonb_build_object('exitCode', exit_code))
      from changed
    )
    select count(*)::int as n from changed`,
  );
}

const arr = (values: readonly unknown[]) => sql.param(values);

async function count(tx: Tx, statement: SQL): Promise<number> {
  const result = await tx.execute<{ n: number }>(statement);
  return result.rows[0]?.n ?? 0;
}
