import { sql, type SQL } from 'drizzle-orm';
import type { SpareRole } from '../../core/allocation.ts';
import type { Terms } from '../../core/ledger/run.ts';
import { thatFit, type Claim } from '../../core/room.ts';
import type { Tx } from '../store.ts';
import {
  ofFreeJobs,
  ofGuardedRuns,
  onUsableProviders,
  underSamePolicies,
  withSameRules,
  type RulesSeen,
} from './guards.ts';
import { linesOf } from './lines.ts';
import { USUAL_RANK } from './rank.ts';
import { thatCanPay } from './reserve.ts';
import { claim, lockRoom } from './room.ts';
import { settle } from './settle.ts';

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
  /** What it stands by as; null: it is the job's run. */
  readonly spare: { readonly role: SpareRole; readonly slot: number } | null;
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
 * on another pool by now, what goes beyond the room of its offer or pool when the placements are taken in their order, and
 * what an account above the job cannot hold money for.
 *
 * Each guard locks what it looks at, so what it saw holds until the commit. The locks are taken in the order that every
 * writer keeps: policies, organizations, projects → providers → allocations → jobs → pools → offers →
 * accounts, in each by name. Who sets
 * rules or a policy locks its row and nothing after it but the audit's head, which is not taken here: no circle.
 *
 * @param rows in the order of the plan
 * @returns the allocation ids that now exist
 */
export async function applyPlacements(
  tx: Tx,
  now: Date,
  terms: Terms,
  rows: readonly PlacementRow[],
): Promise<Set<string>> {
  const good = await behindGuards(tx, now, terms, rows, (usable) =>
    ofFreeJobs(tx, now, terms.leaseMarginMs, usable),
  );
  return write(tx, now, terms, good, PROVISIONING);
}

/**
 * The same for what stands by: the job need not be queued, but still have the run that the decision saw.
 *
 * @param rows at most one of a job
 */
export async function applySpares(
  tx: Tx,
  now: Date,
  terms: Terms,
  rows: readonly (PlacementRow & { readonly runId: string })[],
): Promise<Set<string>> {
  const good = await behindGuards(tx, now, terms, rows, (usable) => ofGuardedRuns(tx, usable));
  return write(tx, now, terms, good, STANDING_BY);
}

/** Those that may come true; what they take is claimed. */
async function behindGuards<T extends PlacementRow>(
  tx: Tx,
  now: Date,
  terms: Terms,
  rows: readonly T[],
  ofGoodJobs: (rows: readonly T[]) => Promise<T[]>,
): Promise<T[]> {
  const guards = [
    (left: readonly T[]) => underSamePolicies(tx, left),
    (left: readonly T[]) => withSameRules(tx, left),
    (left: readonly T[]) => onUsableProviders(tx, left),
    ofGoodJobs,
    async (left: readonly T[]) => thatFit(left, await lockRoom(tx, left)),
    (left: readonly T[]) => thatCanPay(tx, now, terms, left),
  ];
  let good = [...rows];
  for (const guard of guards) if (good.length > 0) good = await guard(good);
  if (good.length > 0) await claim(tx, good);
  return good;
}

/** What becomes of the jobs, and which event tells it. */
interface Writing {
  readonly jobs: SQL;
  readonly type: string;
}

/** What a run of the job `was` costs money for. */
const PURPOSE = sql`case when was.drill_id is not null then 'drill' when was.queue_rank < 0 then 'failover' else 'run' end`;

/** A job that a disaster took from somewhere may go back there some day: `home` is the first such place. */
const PROVISIONING: Writing = {
  jobs: sql`
    update jobs j set state = 'provisioning', reason = 'placed', reason_detail = null, waiting = null, move_to = null,
      not_before = null, current_allocation_id = g.id, attempts = j.attempts + 1, version = j.version + 1,
      home = case when j.home = g.provider then null else j.home end, queue_rank = ${USUAL_RANK}
    from good g join jobs was on was.id = g.job_id where j.id = was.id
    -- Everything that follows reads this alone: a join of two CTEs is planned for one row and compares each with each.
    returning j.attempts, ${PURPOSE} as purpose, g.*`,
  type: 'job.provisioning',
};

/** A replica is an attempt of its own. */
const STANDING_BY: Writing = {
  jobs: sql`
    update jobs j set spare_waiting = null, attempts = j.attempts + case when g.role = 'replica' then 1 else 0 end
    from good g where j.id = g.job_id
    returning j.attempts, case when g.role = 'standby' then 'standby' else 'run' end as purpose, g.*`,
  type: 'allocation.submitting',
};

/** The jobs' new state, their allocations, an event and a decision for each; and the money that they begin with. */
async function write(
  tx: Tx,
  now: Date,
  terms: Terms,
  rows: readonly PlacementRow[],
  writing: Writing,
): Promise<Set<string>> {
  const ids = rows.map(({ allocationId }) => allocationId);
  if (rows.length > 0) await insert(tx, now, terms.leaseSeconds, rows, writing);
  await settle(tx, now, terms, ids);
  return new Set(ids);
}

async function insert(
  tx: Tx,
  now: Date,
  leaseSeconds: number,
  rows: readonly PlacementRow[],
  { jobs, type }: Writing,
): Promise<void> {
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
        ${linesOf(rows.map((r) => r.decision))}, ${column((r) => r.inputId)}::text[],
        ${column((r) => r.spare?.role ?? 'run')}::text[], ${column((r) => r.spare?.slot ?? 0)}::int[])
        as w(id, job_id, provider, offer, region, spot, list_price, list_currency, rate, price, gpu_count, nodes, pool,
             pool_gpus, pool_cpu_millis, pool_memory_mib, grace_seconds, restored_checkpoint, decision_id, decision, input_id, role, slot)
    ), moved as (${jobs}
    ), made as (
      insert into allocations (id, job_id, attempt, role, slot, purpose, provider, offer, region, spot, state, list_price_micros_per_hour,
        list_currency, rate_micros, price_micros_per_hour, gpu_count, nodes, pool, pool_gpus, pool_cpu_millis,
        pool_memory_mib, grace_seconds, placed_at, lease_until, restored_checkpoint)
      select id, job_id, attempts, role, slot, purpose, provider, offer, region, spot, 'submitting', list_price, list_currency, rate, price,
        gpu_count, nodes, pool, pool_gpus, pool_cpu_millis, pool_memory_mib, grace_seconds, ${at}::timestamptz,
        ${at}::timestamptz + make_interval(secs => ${leaseSeconds}), restored_checkpoint
      from moved
    ), told as (
      insert into events (job_id, at, type, reason, allocation_id, data)
      select job_id, ${at}::timestamptz, ${type}, case when role = 'run' then 'placed' else role end, id,
        jsonb_build_object('provider', provider, 'offer', offer, 'attempt', attempts)
      from moved
    )
    insert into decisions (id, job_id, at, allocation_id, body, input_id)
    select decision_id, job_id, ${at}::timestamptz, id, decision::jsonb, input_id from moved`);
}
