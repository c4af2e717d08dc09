import { sql } from 'drizzle-orm';
import type { Tx } from '../store.ts';

/** One placement as it is to be written: the decision's outcome with the names that were made for it. */
export interface PlacementRow {
  readonly decisionId: string;
  readonly allocationId: string;
  readonly jobId: string;
  /** The version of the job that the decision was made for. */
  readonly jobVersion: number;
  readonly provider: string;
  readonly offer: string;
  readonly region: string;
  readonly spot: boolean;
  readonly listPriceMicrosPerHour: bigint;
  readonly listCurrency: string;
  readonly rateMicros: bigint;
  readonly priceMicrosPerHour: bigint;
  readonly gpuCount: number;
  readonly graceSeconds: number;
  readonly restoredCheckpoint: string | null;
  /** JSON text. */
  readonly decision: string;
}

/**
 * Writes placements behind every guard that makes them right, and says which came true. Dropped as stale: a job
 * that changed since the plan, a provider that is no longer active and healthy, an offer that is withdrawn or has
 * not room for ALL that this plan puts on it, a job whose old allocation could still run (fencing).
 *
 * The providers' rows are written first (their orders change): that lock is what keeps a placement from slipping
 * in beside a verdict of `down`.
 *
 * @returns the allocation ids that now exist
 */
export async function applyPlacements(
  tx: Tx,
  now: Date,
  lease: { readonly seconds: number; readonly marginMs: number },
  rows: readonly PlacementRow[],
): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const column = (pick: (row: PlacementRow) => unknown) => sql.param(rows.map(pick));
  const at = now.toISOString();
  const usable = await tx.execute<{ name: string }>(sql`
    update providers set orders_version = orders_version + 1
    where name in (select name from providers where name = any(${column((r) => r.provider)}::text[]) order by name for update)
      and mode = 'active' and health = 'healthy'
    returning name`);
  const placed = await tx.execute<{ id: string }>(sql`
    with wanted as (
      select * from unnest(
        ${column((r) => r.allocationId)}::text[], ${column((r) => r.jobId)}::text[], ${column((r) => r.jobVersion)}::int[],
        ${column((r) => r.provider)}::text[], ${column((r) => r.offer)}::text[], ${column((r) => r.region)}::text[],
        ${column((r) => r.spot)}::boolean[], ${column((r) => r.listPriceMicrosPerHour)}::bigint[],
        ${column((r) => r.listCurrency)}::text[], ${column((r) => r.rateMicros)}::bigint[],
        ${column((r) => r.priceMicrosPerHour)}::bigint[], ${column((r) => r.gpuCount)}::int[],
        ${column((r) => r.graceSeconds)}::int[], ${column((r) => r.restoredCheckpoint)}::text[],
        ${column((r) => r.decisionId)}::text[], ${column((r) => r.decision)}::text[])
        as w(id, job_id, job_version, provider, offer, region, spot, list_price, list_currency, rate, price, gpu_count,
             grace_seconds, restored_checkpoint, decision_id, decision)
    ), free as (
      select j.id from jobs j join wanted w on w.job_id = j.id
      where j.state = 'queued' and j.version = w.job_version
        and w.provider = any(${sql.param(usable.rows.map((row) => row.name))}::text[])
        and not exists (
          select from allocations a where a.job_id = j.id and a.state <> 'released'
            and not (a.state = 'releasing' and a.lease_until + make_interval(secs => ${lease.marginMs / 1000}) < ${at}::timestamptz))
      order by j.id for update of j
    ), claims as (
      select w.provider, w.offer, count(*)::int as n from wanted w join free f on f.id = w.job_id group by 1, 2
    ), room as (
      select o.provider, o.name from offers o join claims c on c.provider = o.provider and c.offer = o.name
      order by o.provider, o.name for update of o
    ), claimed as (
      update offers o set used = o.used + c.n from claims c, room r
      where o.provider = c.provider and o.name = c.offer and r.provider = o.provider and r.name = o.name
        and o.used + c.n <= o.capacity and o.withdrawn_at is null
      returning o.provider, o.name
    ), good as (
      select w.* from wanted w join free f on f.id = w.job_id join claimed c on c.provider = w.provider and c.name = w.offer
    ), moved as (
      update jobs j set state = 'provisioning', reason = 'placed', reason_detail = null, waiting = null, move_to = null,
        not_before = null, current_allocation_id = g.id, attempts = j.attempts + 1, version = j.version + 1
      from good g where j.id = g.job_id
      -- Everything that follows reads this alone: a join of two CTEs is planned for one row and compares each with each.
      returning j.attempts, g.*
    ), made as (
      insert into allocations (id, job_id, attempt, provider, offer, region, spot, state, list_price_micros_per_hour,
        list_currency, rate_micros, price_micros_per_hour, gpu_count, grace_seconds, placed_at, lease_until, restored_checkpoint)
      select id, job_id, attempts, provider, offer, region, spot, 'submitting', list_price, list_currency, rate, price,
        gpu_count, grace_seconds, ${at}::timestamptz, ${at}::timestamptz + make_interval(secs => ${lease.seconds}),
        restored_checkpoint
      from moved
      returning id, job_id, attempt, provider, offer
    ), told as (
      insert into events (job_id, at, type, reason, allocation_id, data)
      select job_id, ${at}::timestamptz, 'job.provisioning', 'placed', id,
        jsonb_build_object('provider', provider, 'offer', offer, 'attempt', attempt)
      from made
    ), explained as (
      insert into decisions (id, job_id, at, allocation_id, body)
      select decision_id, job_id, ${at}::timestamptz, id, decision::jsonb from moved
    )
    select id from made`);
  return new Set(placed.rows.map((row) => row.id));
}

/** A queued job's reason for waiting, where it changed; with the decision that explains it. */
export interface WaitingRow {
  readonly jobId: string;
  readonly jobVersion: number;
  readonly reason: string;
  readonly detail: string;
  readonly decisionId: string;
  readonly decision: string;
}

/**
 * Stores why jobs wait. Only a new *reason* is an event and a kept decision; a changed detail only replaces the
 * shown one: a job that waits for a week must not fill the store with "3 of 4 are in use".
 */
export async function applyWaiting(tx: Tx, now: Date, rows: readonly WaitingRow[]): Promise<void> {
  if (rows.length === 0) return;
  const column = (pick: (row: WaitingRow) => unknown) => sql.param(rows.map(pick));
  const at = now.toISOString();
  await tx.execute(sql`
    with wanted as (
      select * from unnest(
        ${column((r) => r.jobId)}::text[], ${column((r) => r.jobVersion)}::int[], ${column((r) => r.reason)}::text[],
        ${column((r) => r.detail)}::text[], ${column((r) => r.decisionId)}::text[], ${column((r) => r.decision)}::text[])
        as w(id, version, reason, detail, decision_id, decision)
    ), before as (
      select w.*, j.waiting from jobs j join wanted w using (id)
      where j.state = 'queued' and j.version = w.version order by j.id for update of j
    ), changed as (
      update jobs j set waiting = jsonb_build_object('reason', w.reason, 'detail', w.detail)
      from before w where j.id = w.id
      returning j.id, w.reason, w.detail, w.decision_id, w.decision, w.waiting ->> 'reason' is distinct from w.reason as news
    ), told as (
      insert into events (job_id, at, type, reason, detail)
      select id, ${at}::timestamptz, 'job.waiting', reason, detail from changed where news
    )
    insert into decisions (id, job_id, at, body)
    select decision_id, id, ${at}::timestamptz, decision::jsonb from changed where news`);
}
