import { sql } from 'drizzle-orm';
import type { Terms } from '../../core/ledger/run.ts';
import type { Tx } from '../store.ts';
import { ofFreeJobs } from './guards.ts';
import { USUAL_RANK } from './rank.ts';
import { settle } from './settle.ts';

/** A job's run, to begin where it stands by. */
export interface PromotionRow {
  readonly jobId: string;
  readonly jobVersion: number;
  readonly standbyId: string;
  /** Of the new run. */
  readonly allocationId: string;
  readonly restoredCheckpoint: string | null;
  readonly decisionId: string;
  /** JSON text. */
  readonly decision: string;
}

/**
 * Begins runs where standbys hold a place: the standby ends, and what it held passes over as it is, so that nobody can
 * come between. Dropped as stale: a job that is not queued as it was seen or is still fenced, a standby that is not ready
 * any more, or whose provider is given up.
 *
 * @returns the allocation ids that now exist
 */
export async function applyPromotions(
  tx: Tx,
  now: Date,
  terms: Terms,
  rows: readonly PromotionRow[],
): Promise<Set<string>> {
  const ready = await ofReadyStandbys(tx, rows);
  if (ready.length === 0) return new Set();
  const free = await ofFreeJobs(tx, now, terms.leaseMarginMs, ready);
  if (free.length === 0) return new Set();
  await write(tx, now, terms.leaseSeconds, free);
  // What the standby had held is free for the run.
  await settle(
    tx,
    now,
    terms,
    free.flatMap(({ standbyId, allocationId }) => [standbyId, allocationId]),
  );
  return new Set(free.map(({ allocationId }) => allocationId));
}

/** Providers before allocations, as every writer locks them. */
async function ofReadyStandbys(tx: Tx, rows: readonly PromotionRow[]): Promise<PromotionRow[]> {
  if (rows.length === 0) return [];
  const ids = sql.param(rows.map(({ standbyId }) => standbyId));
  await tx.execute(sql`
    update providers set orders_version = orders_version + 1 where name in (
      select name from providers where name in (select provider from allocations where id = any(${ids}::text[]))
      order by name for update)`);
  const ready = await tx.execute<{ id: string }>(sql`
    select a.id from allocations a join providers p on p.name = a.provider
    where a.id = any(${ids}::text[]) and a.role = 'standby' and a.state = 'active' and a.started_at is not null
      and p.health in ('healthy', 'degraded')
    order by a.id for update of a`);
  const known = new Set(ready.rows.map(({ id }) => id));
  return rows.filter(({ standbyId }) => known.has(standbyId));
}

async function write(tx: Tx, now: Date, leaseSeconds: number, rows: readonly PromotionRow[]): Promise<void> {
  const column = (pick: (row: PromotionRow) => unknown) => sql.param(rows.map(pick));
  const at = sql`${now.toISOString()}::timestamptz`;
  await tx.execute(sql`
    with good as (
      select * from unnest(${column((r) => r.jobId)}::text[], ${column((r) => r.standbyId)}::text[],
        ${column((r) => r.allocationId)}::text[], ${column((r) => r.restoredCheckpoint)}::text[],
        ${column((r) => r.decisionId)}::text[], ${column((r) => r.decision)}::text[])
        as w(job_id, standby_id, new_id, checkpoint, decision_id, decision)
    ), over as (
      update allocations s set state = 'released', releasing_at = ${at}, released_at = greatest(${at}, s.started_at),
        outcome = 'stopped', end_reason = 'promoted'
      from good g where s.id = g.standby_id returning s.*, g.new_id, g.checkpoint, g.decision_id, g.decision
    ), moved as (
      update jobs j set state = 'provisioning', reason = 'placed', reason_detail = 'where it stood by', waiting = null,
        move_to = null, not_before = null, current_allocation_id = o.new_id, attempts = j.attempts + 1, queue_rank = ${USUAL_RANK},
        home = case when j.home = o.provider then null else j.home end,
        version = j.version + 1
      from over o where j.id = o.job_id returning j.attempts, o.*
    ), made as (
      insert into allocations (id, job_id, attempt, role, slot, purpose, took_over, provider, offer, region, spot, state,
        list_price_micros_per_hour, list_currency, rate_micros, price_micros_per_hour, gpu_count, nodes, pool, pool_gpus,
        pool_cpu_millis, pool_memory_mib, grace_seconds, placed_at, lease_until, restored_checkpoint)
      select new_id, job_id, attempts, 'run', 0, 'failover', id, provider, offer, region, spot, 'submitting',
        list_price_micros_per_hour, list_currency, rate_micros, price_micros_per_hour, gpu_count, nodes, pool, pool_gpus,
        pool_cpu_millis, pool_memory_mib, grace_seconds, ${at}, ${at} + make_interval(secs => ${leaseSeconds}), checkpoint
      from moved
    ), told as (
      insert into events (job_id, at, type, reason, allocation_id, data)
      select job_id, ${at}, 'allocation.released', 'promoted', id, jsonb_build_object('provider', provider) from moved
      union all
      select job_id, ${at}, 'job.provisioning', 'placed', new_id,
        jsonb_build_object('provider', provider, 'offer', offer, 'attempt', attempts, 'tookOver', id) from moved
    )
    insert into decisions (id, job_id, at, allocation_id, body)
    select decision_id, job_id, ${at}, new_id, decision::jsonb from moved`);
}
