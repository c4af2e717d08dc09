import { and, eq, inArray, ne, or, sql } from 'drizzle-orm';
import type { JobReason } from '../../core/job.ts';
import type { Held } from '../../core/failover.ts';
import type { AllocationRow, JobRow, ProviderRow, Reader, Tx } from '../store.ts';
import { allocations, jobs, providers } from '../schema.ts';

/** An allocation with what its orders and its judgement need of its job. */
export interface HeldRow extends Held {
  readonly leaseUntil: Date;
  readonly releasingAt: Date | null;
  readonly endReason: AllocationRow['endReason'];
  readonly graceSeconds: number;
  readonly role: AllocationRow['role'];
  readonly paidSeconds: number | null;
}

/** What the service knows of a contact, as one guarded write: null where the caller is not to be believed. */
export interface ContactWrite {
  readonly provider: string;
  readonly instanceId: string;
  readonly sequence: number;
  readonly agentVersion: string;
  readonly inventory: ProviderRow['inventory'];
  /** A gap longer than this starts the count of unbroken contact anew. */
  readonly gapMs: number;
  /** Another instance's claim is over when it was silent for longer than this. */
  readonly claimMs: number;
}

/**
 * Notes that an agent was heard. Refused (null) where another instance was heard within its lease, or where this
 * request was overtaken by a later one of the same instance.
 */
export async function touchProvider(tx: Tx, now: Date, contact: ContactWrite): Promise<ProviderRow | null> {
  const at = now.toISOString();
  const sameOrOver = or(
    sql`${providers.agentInstance} is null`,
    and(
      eq(providers.agentInstance, contact.instanceId),
      sql`coalesce(${providers.agentSequence}, -1) < ${contact.sequence}`,
    ),
    and(
      ne(providers.agentInstance, contact.instanceId),
      sql`${providers.lastContactAt} < ${at}::timestamptz - make_interval(secs => ${contact.claimMs / 1000})`,
    ),
  );
  const [row] = await tx
    .update(providers)
    .set({
      lastContactAt: sql`greatest(${providers.lastContactAt}, ${at}::timestamptz)`,
      contactSince: sql`case when ${providers.lastContactAt} >= ${at}::timestamptz - make_interval(secs => ${contact.gapMs / 1000})
        then coalesce(${providers.contactSince}, ${at}::timestamptz) else ${at}::timestamptz end`,
      agentInstance: contact.instanceId,
      agentSequence: contact.sequence,
      agentVersion: contact.agentVersion,
      inventory: contact.inventory,
    })
    .where(and(eq(providers.name, contact.provider), eq(providers.brokerKind, 'agent'), sameOrOver))
    .returning();
  return row ?? null;
}

/** Begins a look at a push provider; the number tells it apart from those that begin after it. */
export async function beginLook(db: Reader, provider: string): Promise<number | null> {
  const [row] = await db
    .update(providers)
    .set({ agentSequence: sql`coalesce(${providers.agentSequence}, 0) + 1` })
    .where(eq(providers.name, provider))
    .returning({ look: providers.agentSequence });
  return row?.look ?? null;
}

/**
 * Notes that a push provider answered a call. False where a later look has begun: a replica that stood still between
 * looking and believing would take what was started meanwhile for lost.
 */
export async function touchPushProvider(
  tx: Tx,
  now: Date,
  provider: string,
  look: number,
  gapMs: number,
): Promise<boolean> {
  const at = now.toISOString();
  const touched = await tx
    .update(providers)
    .set({
      lastContactAt: sql`greatest(${providers.lastContactAt}, ${at}::timestamptz)`,
      contactSince: sql`case when ${providers.lastContactAt} >= ${at}::timestamptz - make_interval(secs => ${gapMs / 1000})
        then coalesce(${providers.contactSince}, ${at}::timestamptz) else ${at}::timestamptz end`,
    })
    .where(and(eq(providers.name, provider), eq(providers.agentSequence, look)))
    .returning({ name: providers.name });
  return touched.length > 0;
}

/** Everything that the provider holds for us, and whatever else it spoke of (`ids`). */
export async function loadHeld(reader: Reader, provider: string, ids: readonly string[]): Promise<HeldRow[]> {
  const holding = inArray(allocations.state, ['submitting', 'active', 'releasing']);
  const spoken = ids.length === 0 ? undefined : sql`${allocations.id} = any(${sql.param(ids)}::text[])`;
  return selectHeld(reader, and(eq(allocations.provider, provider), or(holding, spoken)));
}

/** Releasing allocations whose lease is over by `before`, of any provider. */
export async function loadLeaseOver(reader: Reader, before: Date, limit: number): Promise<HeldRow[]> {
  return selectHeld(
    reader,
    and(eq(allocations.state, 'releasing'), sql`${allocations.leaseUntil} < ${before.toISOString()}`),
    limit,
  );
}

async function selectHeld(
  reader: Reader,
  where: ReturnType<typeof and>,
  limit = 100_000,
): Promise<HeldRow[]> {
  const rows = await reader
    .select({
      allocationId: allocations.id,
      provider: allocations.provider,
      state: allocations.state,
      startedAt: allocations.startedAt,
      serving: allocations.serving,
      endpoint: allocations.endpoint,
      leaseUntil: allocations.leaseUntil,
      releasingAt: allocations.releasingAt,
      endReason: allocations.endReason,
      graceSeconds: allocations.graceSeconds,
      role: allocations.role,
      paidSeconds: allocations.paidSeconds,
      jobId: jobs.id,
      jobState: jobs.state,
      jobStoppingTo: jobs.stoppingTo,
      jobReason: sql<JobReason>`${jobs.reason}`,
      jobReasonDetail: jobs.reasonDetail,
      currentAllocationId: jobs.currentAllocationId,
      continuity: sql<JobRow['spec']['continuity']['mode']>`${jobs.spec} -> 'continuity' ->> 'mode'`,
      failedStarts: jobs.failedStarts,
    })
    .from(allocations)
    .innerJoin(jobs, eq(jobs.id, allocations.jobId))
    .where(where)
    .orderBy(allocations.id)
    .limit(limit);
  return rows.map(({ currentAllocationId, ...row }) => ({
    ...row,
    current: currentAllocationId === row.allocationId,
  }));
}

/** Renews the leases of these, where they are still what `states` says. Never shortens one. */
export async function renewLeases(tx: Tx, until: Date, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.execute(sql`
    update allocations set lease_until = greatest(lease_until, ${until.toISOString()}::timestamptz)
    where id in (select id from allocations where id = any(${sql.param(ids)}::text[]) and state <> 'released' order by id for update)`);
}

/** What an order needs besides the allocation. */
export async function loadOrderJobs(
  reader: Reader,
  allocationIds: readonly string[],
): Promise<
  (Pick<AllocationRow, 'id' | 'attempt' | 'role' | 'tookOver' | 'restoredCheckpoint' | 'paidSeconds'> & {
    job: JobRow;
  })[]
> {
  if (allocationIds.length === 0) return [];
  const rows = await reader
    .select({
      id: allocations.id,
      attempt: allocations.attempt,
      role: allocations.role,
      tookOver: allocations.tookOver,
      restoredCheckpoint: allocations.restoredCheckpoint,
      paidSeconds: allocations.paidSeconds,
      job: jobs,
    })
    .from(allocations)
    .innerJoin(jobs, eq(jobs.id, allocations.jobId))
    .where(and(inArray(allocations.id, [...allocationIds]), eq(allocations.state, 'submitting')))
    .orderBy(allocations.id);
  return rows;
}

export async function ordersVersionOf(reader: Reader, provider: string): Promise<number | null> {
  const [row] = await reader
    .select({ version: providers.ordersVersion })
    .from(providers)
    .where(eq(providers.name, provider));
  return row?.version ?? null;
}

/** A provider's row, or null. */
export async function readContact(reader: Reader, provider: string): Promise<ProviderRow | null> {
  const [row] = await reader.select().from(providers).where(eq(providers.name, provider));
  return row ?? null;
}

/** The orders' versions of these providers. */
export async function readOrdersVersions(
  reader: Reader,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await reader
    .select({ name: providers.name, version: providers.ordersVersion })
    .from(providers)
    .where(inArray(providers.name, [...names]));
  return new Map(rows.map(({ name, version }) => [name, version]));
}

/** Every provider, in the order of names. */
export async function loadProviders(reader: Reader): Promise<ProviderRow[]> {
  return reader.select().from(providers).orderBy(providers.name);
}

/** What holds a place and was not told to go, of every provider. */
export async function loadLiveWork(
  reader: Reader,
): Promise<
  (Pick<AllocationRow, 'id' | 'jobId' | 'provider' | 'role' | 'startedAt'> & { readonly serves: boolean })[]
> {
  return reader
    .select({
      id: allocations.id,
      jobId: allocations.jobId,
      provider: allocations.provider,
      role: allocations.role,
      startedAt: allocations.startedAt,
      serves: sql<boolean>`${jobs.spec} -> 'serve' ->> 'healthPath' is not null`,
    })
    .from(allocations)
    .innerJoin(jobs, eq(jobs.id, allocations.jobId))
    .where(inArray(allocations.state, ['submitting', 'active']))
    .orderBy(allocations.id);
}
