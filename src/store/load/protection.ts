import { sql } from 'drizzle-orm';
import type { JobSpec, Waiting } from '../../core/job.ts';
import type { Standby } from '../../core/protection.ts';
import type { HeldQuote } from '../../core/quote.ts';
import type { Reader } from '../store.ts';
import { OWN_ACCOUNT, ownAccountOf, type OwnAccountRecord } from './accounts.ts';
import { READY_STANDBY, type QueuedRow } from './queue.ts';

/** A job that has fewer places standing by than it wants, as if it were queued for one more. */
export interface UnguardedRow extends QueuedRow {
  readonly runId: string;
  /** The lowest that nothing has. */
  readonly slot: number;
  readonly spareWaiting: Waiting | null;
}

type UnguardedRecord = {
  readonly id: string;
  readonly spec: JobSpec;
  readonly organization: string;
  readonly project: string;
  readonly queueRank: number;
  readonly queuedAt: string;
  readonly attempts: number;
  readonly avoid: Readonly<Record<string, string>>;
  readonly quote: HeldQuote | null;
  readonly version: number;
  readonly spareWaiting: Waiting | null;
  readonly runId: string;
  readonly runAt: string;
  readonly sparesAt: readonly string[] | null;
  readonly slots: readonly number[] | null;
  readonly ownAccount: OwnAccountRecord | null;
};

/** The most urgent first. */
export async function loadUnguarded(reader: Reader, limit: number): Promise<UnguardedRow[]> {
  const { rows } = await reader.execute<UnguardedRecord>(sql`
    select j.id, j.spec, j.organization, j.project, j.queue_rank::float8 as "queueRank", j.queued_at as "queuedAt",
      j.attempts, j.avoid, j.quote, j.version, j.spare_waiting as "spareWaiting", ${OWN_ACCOUNT} as "ownAccount",
      r.id as "runId", r.provider as "runAt",
      s.providers as "sparesAt", s.slots
    from jobs j join allocations r on r.id = j.current_allocation_id and r.state in ('submitting', 'active')
    cross join lateral (
      select array_agg(a.provider order by a.slot) as providers, array_agg(a.slot order by a.slot) as slots, count(*) as n
      from allocations a where a.job_id = j.id and a.role <> 'run' and a.state in ('submitting', 'active')
    ) s
    where j.spares > 0 and j.state in ('provisioning', 'running') and s.n < j.spares
    order by j.queue_rank, j.id limit ${limit}`);
  return rows.map(({ runAt, sparesAt, slots, queuedAt, ownAccount, ...row }) => ({
    ...row,
    ...(ownAccount !== null && { ownAccount: ownAccountOf(ownAccount) }),
    queuedAt: new Date(queuedAt),
    moveTo: null,
    notBefore: null,
    fencedUntil: null,
    waiting: null,
    slot: firstFree(slots ?? []),
    apartFrom: [runAt, ...(sparesAt ?? [])],
    standsByFor: runAt,
  }));
}

function firstFree(slots: readonly number[]): number {
  let slot = 1;
  while (slots.includes(slot)) slot += 1;
  return slot;
}

/** A queued job that can go on where it stands by. */
export interface PromotableRow {
  readonly jobId: string;
  readonly jobVersion: number;
  readonly spec: JobSpec;
  readonly standby: Standby;
}

/** Those whose last place may still run them are left out, as placement would. `before`: now, without the margin. */
export async function loadPromotable(reader: Reader, before: Date): Promise<PromotableRow[]> {
  const { rows } = await reader.execute<
    Omit<Standby, 'id' | 'priceMicrosPerHour'> & {
      jobId: string;
      jobVersion: number;
      spec: JobSpec;
      price: string;
      standbyId: string;
    } & Record<string, unknown>
  >(sql`
    select j.id as "jobId", j.version as "jobVersion", j.spec, a.id as "standbyId", a.provider, a.offer, a.region, a.spot,
      a.nodes, a.price_micros_per_hour as price
    from jobs j join allocations a on a.job_id = j.id join providers p on p.name = a.provider
    where j.spares > 0 and j.state = 'queued' and ${READY_STANDBY}
      and not exists (
        select from allocations o where o.job_id = j.id and o.role = 'run' and o.state <> 'released'
          and not (o.state = 'releasing' and o.lease_until < ${before.toISOString()}::timestamptz))
    order by j.id`);
  return rows.map(({ jobId, jobVersion, spec, price, standbyId, provider, offer, region, spot, nodes }) => ({
    jobId,
    jobVersion,
    spec,
    standby: { id: standbyId, provider, offer, region, spot, nodes, priceMicrosPerHour: BigInt(price) },
  }));
}

/**
 * Services that want copies, and have no run: queued ones of which a copy runs by now; and ones whose run went in the very
 * moment in which it took over, when whoever ended it still took it for a copy.
 */
export async function loadLostRuns(
  reader: Reader,
): Promise<{ readonly jobId: string; readonly allocationId: string }[]> {
  const { rows } = await reader.execute<{ jobId: string; allocationId: string }>(sql`
    select j.id as "jobId", j.current_allocation_id as "allocationId" from jobs j
    where j.spares > 0 and j.state = 'queued' and j.current_allocation_id is not null and exists (
      select from allocations a
      where a.job_id = j.id and a.role = 'replica' and a.state = 'active' and a.started_at is not null)
    union all
    select j.id, r.id from jobs j join allocations r on r.id = j.current_allocation_id and r.state in ('releasing', 'released')
    where j.spares > 0 and j.state in ('provisioning', 'running')
    order by 1`);
  return rows;
}

/** What stands by for a job that has ended, or is about to. */
export async function loadUnneeded(reader: Reader): Promise<string[]> {
  const { rows } = await reader.execute<{ id: string }>(sql`
    select a.id from allocations a join jobs j on j.id = a.job_id
    where a.role <> 'run' and a.state in ('submitting', 'active')
      and j.state in ('stopping', 'succeeded', 'failed', 'cancelled')
    order by a.id`);
  return rows.map(({ id }) => id);
}
