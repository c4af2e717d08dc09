import { sql, type SQL } from 'drizzle-orm';
import type { AllocationRole, AllocationState, Purpose } from '../../core/allocation.ts';
import type { JobState } from '../../core/job.ts';
import type { Hold, Paying } from '../../core/ledger/moves.ts';
import type { Tx } from '../store.ts';

/** An allocation as its bill and its holds need it. */
export interface PayingRow extends Paying {
  readonly jobId: string;
  readonly organization: string;
  readonly project: string;
  readonly jobState: JobState;
  readonly role: AllocationRole;
  readonly priority: number;
  readonly provider: string;
  readonly vendor: string;
  readonly region: string;
  readonly offer: string;
  readonly gpuModel: string | null;
  /** All nodes together. */
  readonly gpuCount: number;
  readonly spot: boolean;
  readonly purpose: Purpose;
  readonly chargedMicros: bigint;
  readonly holds: ReadonlyMap<string, Hold>;
}

type PayingRecord = Record<
  | 'allocationId'
  | 'jobId'
  | 'organization'
  | 'project'
  | 'provider'
  | 'vendor'
  | 'region'
  | 'offer'
  | 'price'
  | 'charged'
  | 'ranUntil',
  string
> &
  Record<'meteredSeconds' | 'meterSeconds' | 'graceSeconds' | 'gpuCount' | 'priority', number> & {
    startedAt: string | null;
    paidSeconds: number | null;
    gpuModel: string | null;
    spot: boolean;
    purpose: Purpose;
    role: AllocationRole;
    state: AllocationState;
    jobState: JobState;
    guarded: boolean;
    maxRuntimeSeconds: number | null;
  };

type HoldRecord = Record<'allocation' | 'account' | 'reserved' | 'charged', string> &
  Record<'from' | 'to', number> & { failover: boolean };

/** Of a job `j`: the SQL twin of isGuarded (core/protection.ts). */
export const isGuardedJob: SQL = sql`coalesce(j.spec -> 'continuity' ->> 'mode', 'none') in ('standby', 'active')`;

/**
 * Until when what has not ended is known to have run, of `a` and its provider `p`: a silent provider's work up to its
 * lease's end at most, because that is when it must have stopped.
 */
const ranUntil = (now: SQL, leaseSeconds: number): SQL => sql`
  case when a.state = 'released' then a.released_at else least(${now}, case when a.state = 'releasing' then a.lease_until
    else greatest(a.lease_until, p.last_contact_at + make_interval(secs => ${leaseSeconds})) end) end`;

/** Locks these allocations, in the order of their ids, and says what their money needs. Those that are gone are left out. */
export async function lockPaying(
  tx: Tx,
  now: Date,
  leaseSeconds: number,
  ids: readonly string[],
): Promise<PayingRow[]> {
  const at = sql`${now.toISOString()}::timestamptz`;
  const given = sql.param(ids);
  // A statement of its own: one that locks sees the rows that it waited for as they are then, and everything else as it
  // was before it waited. Holds of before were charged twice.
  await tx.execute(
    sql`select from allocations where id = any(${given}::text[]) order by id for no key update`,
  );
  const { rows } = await tx.execute<PayingRecord>(sql`
    select a.id as "allocationId", a.job_id as "jobId", j.organization, j.project, j.state as "jobState", j.priority,
      ${isGuardedJob} as guarded, (j.spec -> 'limits' ->> 'maxRuntimeSeconds')::float8 as "maxRuntimeSeconds",
      a.provider, p.vendor, a.region, a.offer, o.gpu_model as "gpuModel", a.gpu_count * a.nodes as "gpuCount", a.spot, a.purpose, a.role,
      a.state, a.price_micros_per_hour as price, a.started_at as "startedAt", ${ranUntil(at, leaseSeconds)} as "ranUntil",
      a.metered_seconds::float8 as "meteredSeconds", a.charged_micros as charged, a.paid_seconds::float8 as "paidSeconds",
      a.meter_seconds as "meterSeconds", a.grace_seconds as "graceSeconds"
    from allocations a join jobs j on j.id = a.job_id join providers p on p.name = a.provider
    join offers o on o.provider = a.provider and o.name = a.offer
    where a.id = any(${given}::text[])`);
  // Who writes holds has locked their allocation, so these are of the same moment. As JSON in the statement above they
  // took a page of 2,000 a fifth longer.
  const holds = await tx.execute<HoldRecord>(sql`
    select allocation_id as allocation, account_id as account, from_seconds::float8 as from, paid_seconds::float8 as to,
      reserved_micros as reserved, charged_micros as charged, failover
    from holds where allocation_id = any(${given}::text[])`);
  const byAllocation = Map.groupBy(holds.rows, ({ allocation }) => allocation);
  return rows.map((row) => rowOf(row, byAllocation.get(row.allocationId) ?? []));
}

function rowOf(
  { price, charged, startedAt, state, ...row }: PayingRecord,
  holds: readonly HoldRecord[],
): PayingRow {
  return {
    ...row,
    priceMicrosPerHour: BigInt(price),
    chargedMicros: BigInt(charged),
    startedAt: startedAt === null ? null : new Date(startedAt),
    ranUntil: new Date(row.ranUntil),
    failover: holds[0]?.failover ?? row.purpose === 'failover',
    phase: phaseOf(state, row.jobState),
    holds: new Map(
      holds.map(({ account, from, to, reserved, charged: spent }) => [
        account,
        { accountId: account, from, to, reservedMicros: BigInt(reserved), chargedMicros: BigInt(spent) },
      ]),
    ),
  };
}

function phaseOf(state: AllocationState, job: JobState): Paying['phase'] {
  if (state === 'released') return 'over';
  return state === 'releasing' || job === 'stopping' ? 'stops' : 'goes';
}

/** Whose next metering is due, in the order in which it is: what may have to be stopped has to be looked at in time. */
export async function loadDue(tx: Tx, now: Date, limit: number): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    select id from allocations where state in ('submitting', 'active', 'releasing')
      and meter_at <= ${now.toISOString()}::timestamptz order by meter_at limit ${limit}`);
  return rows.map(({ id }) => id);
}
