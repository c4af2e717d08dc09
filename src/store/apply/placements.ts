import { sql } from 'drizzle-orm';
import { thatFit, type Claim } from '../../core/room.ts';
import type { Tx } from '../store.ts';
import { ofFreeJobs, onUsableProviders, underSamePolicies, withSameRules, type RulesSeen } from './guards.ts';
import { linesOf } from './lines.ts';
import { claim, lockRoom } from './room.ts';

/** One placement as it is to be written: the decision's outcome with the names that were made for it. */
export interface PlacementRow extends Claim, RulesSeen {
  /** What the decision saw: see WorldState. */
  readonly policiesVersion: number;
  readonly providerVersion: number;
  readonly decisionId: string;
  readonly allocationId: string;
  readonly jobId: string;
  /** The version of the job that the decision was made for. */
  readonly jobVersion: number;
  readonly region: string;
  readonly spot: boolean;
  /** Of one whole offer; the allocation's are of all nodes. */
  readonly listPriceMicrosPerHour: bigint;
  readonly listCurrency: string;
  readonly rateMicros: bigint;
  readonly priceMicrosPerHour: bigint;
  /** GPUs of one whole offer: what each node holds, whatever the job asked for. */
  readonly offerGpuCount: number;
  readonly graceSeconds: number;
  readonly restoredCheckpoint: string | null;
  /** JSON text, in one line. */
  readonly decision: string;
  /** Of decision_inputs: what it was decided from. */
  readonly inputId: string;
}

/**
 * Writes placements behind every guard that makes them right, and says which came true. Dropped as stale: a job whose
 * organization's or project's rules, or the policies, changed since the plan, a provider that is no longer active and
 * healthy or of which something else is said, a job that
 * changed, a job whose old allocation could still run (fencing), an offer that is withdrawn, is of another shape or draws
 * on another pool by now, and what goes beyond the room of its offer or pool when the placements are taken in their order.
 *
 * Each guard locks what it looks at, so what it saw holds until the commit. The locks are taken in the order that every
 * writer keeps: policies, organizations, projects → providers → allocations → jobs → pools → offers, in each by name. Who sets
 * rules or a policy locks its row and nothing after it but the audit's head, which is not taken here: no circle.
 *
 * @param rows in the order of the plan
 * @returns the allocation ids that now exist
 */
export async function applyPlacements(
  tx: Tx,
  now: Date,
  lease: { readonly seconds: number; readonly marginMs: number },
  rows: readonly PlacementRow[],
): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const lawful = await underSamePolicies(tx, rows);
  if (lawful.length === 0) return new Set();
  const allowed = await withSameRules(tx, lawful);
  if (allowed.length === 0) return new Set();
  const usable = await onUsableProviders(tx, allowed);
  if (usable.length === 0) return new Set();
  const free = await ofFreeJobs(tx, now, lease.marginMs, usable);
  if (free.length === 0) return new Set();
  const good = thatFit(free, await lockRoom(tx, free));
  if (good.length === 0) return new Set();
  await claim(tx, good);
  await write(tx, now, lease.seconds, good);
  return new Set(good.map(({ allocationId }) => allocationId));
}

/** The jobs' new state, their allocations, an event and a decision for each. */
async function write(tx: Tx, now: Date, leaseSeconds: number, rows: readonly PlacementRow[]): Promise<void> {
  const column = (pick: (row: PlacementRow) => unknown) => sql.param(rows.map(pick));
  const at = now.toISOString();
  await tx.execute(sql`
    with good as (
      select * from unnest(
        ${column((r) => r.allocationId)}::text[], ${column((r) => r.jobId)}::text[],
        ${column((r) => r.provider)}::text[], ${column((r) => r.offer)}::text[], ${column((r) => r.region)}::text[],
        ${column((r) => r.spot)}::boolean[], ${column((r) => r.listPriceMicrosPerHour * BigInt(r.nodes))}::bigint[],
        ${column((r) => r.listCurrency)}::text[], ${column((r) => r.rateMicros)}::bigint[],
        ${column((r) => r.priceMicrosPerHour * BigInt(r.nodes))}::bigint[], ${column((r) => r.offerGpuCount)}::int[],
        ${column((r) => r.nodes)}::int[], ${column((r) => r.draw?.pool ?? null)}::text[],
        ${column((r) => r.draw?.gpus ?? 0)}::int[], ${column((r) => r.draw?.cpuMillis ?? 0)}::bigint[],
        ${column((r) => r.draw?.memoryMiB ?? 0)}::bigint[], ${column((r) => r.graceSeconds)}::int[],
        ${column((r) => r.restoredCheckpoint)}::text[], ${column((r) => r.decisionId)}::text[],
        ${linesOf(rows.map((r) => r.decision))}, ${column((r) => r.inputId)}::text[])
        as w(id, job_id, provider, offer, region, spot, list_price, list_currency, rate, price, gpu_count, nodes, pool,
             pool_gpus, pool_cpu_millis, pool_memory_mib, grace_seconds, restored_checkpoint, decision_id, decision, input_id)
    ), moved as (
      update jobs j set state = 'provisioning', reason = 'placed', reason_detail = null, waiting = null, move_to = null,
        not_before = null, current_allocation_id = g.id, attempts = j.attempts + 1, version = j.version + 1
      from good g where j.id = g.job_id
      -- Everything that follows reads this alone: a join of two CTEs is planned for one row and compares each with each.
      returning j.attempts, g.*
    ), made as (
      insert into allocations (id, job_id, attempt, provider, offer, region, spot, state, list_price_micros_per_hour,
        list_currency, rate_micros, price_micros_per_hour, gpu_count, nodes, pool, pool_gpus, pool_cpu_millis,
        pool_memory_mib, grace_seconds, placed_at, lease_until, restored_checkpoint)
      select id, job_id, attempts, provider, offer, region, spot, 'submitting', list_price, list_currency, rate, price,
        gpu_count, nodes, pool, pool_gpus, pool_cpu_millis, pool_memory_mib, grace_seconds, ${at}::timestamptz,
        ${at}::timestamptz + make_interval(secs => ${leaseSeconds}), restored_checkpoint
      from moved
    ), told as (
      insert into events (job_id, at, type, reason, allocation_id, data)
      select job_id, ${at}::timestamptz, 'job.provisioning', 'placed', id,
        jsonb_build_object('provider', provider, 'offer', offer, 'attempt', attempts)
      from moved
    )
    insert into decisions (id, job_id, at, allocation_id, body, input_id)
    select decision_id, job_id, ${at}::timestamptz, id, decision::jsonb, input_id from moved`);
}
