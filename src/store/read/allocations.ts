import { and, desc, eq, inArray, lt, ne, sql } from 'drizzle-orm';
import { LIVE_ALLOCATION_STATES } from '../../core/allocation.ts';
import { allocations, jobs } from '../schema.ts';
import type { AllocationRow, Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

/** Every attempt of a job, newest first; `before` is the last id of the page before. */
export async function listAllocations(
  reader: Reader,
  jobId: string,
  before: string | null,
  limit: number,
): Promise<Page<AllocationRow>> {
  const rows = await reader
    .select()
    .from(allocations)
    .where(and(eq(allocations.jobId, jobId), before === null ? undefined : lt(allocations.id, before)))
    .orderBy(desc(allocations.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** What ran at a provider, newest first; `before` is the last id of the page before. */
export async function listProviderAllocations(
  reader: Reader,
  provider: string,
  before: string | null,
  limit: number,
): Promise<Page<AllocationRow>> {
  const rows = await reader
    .select()
    .from(allocations)
    .where(and(eq(allocations.provider, provider), before === null ? undefined : lt(allocations.id, before)))
    .orderBy(desc(allocations.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** What of a job's allocations its own view shows. */
export interface JobPlacement {
  readonly current: AllocationRow | null;
  /** Of all attempts together, micros of the accounting currency. */
  readonly chargedMicros: bigint;
  /** Held for what all of them may still cost. Every account above a job holds the same, so it is what one of them does. */
  readonly reservedMicros: bigint;
  /** Of that, what standing by has cost. */
  readonly standbyMicros: bigint;
  /** Live ones, in the order of their slots. */
  readonly spares: readonly AllocationRow[];
}

/** For any number of jobs: their current allocations, what all of theirs cost, and what stands by for them. */
export async function placementsOf(
  reader: Reader,
  jobIds: readonly string[],
): Promise<Map<string, JobPlacement>> {
  if (jobIds.length === 0) return new Map();
  const standby = sql`case when ${allocations.purpose} = 'standby' then ${allocations.chargedMicros} end`;
  const held = sql`(select max(h.reserved_micros) from holds h where h.allocation_id = ${allocations.id})`;
  const rows = await reader
    .selectDistinctOn([allocations.jobId], {
      allocation: allocations,
      charged: sql<string>`sum(${allocations.chargedMicros}) over (partition by ${allocations.jobId})`,
      reserved: sql<string | null>`sum(${held}) over (partition by ${allocations.jobId})`,
      standby: sql<string | null>`sum(${standby}) over (partition by ${allocations.jobId})`,
    })
    .from(allocations)
    .innerJoin(jobs, eq(jobs.id, allocations.jobId))
    .where(inArray(allocations.jobId, [...jobIds]))
    .orderBy(allocations.jobId, sql`(${allocations.id} = ${jobs.currentAllocationId}) desc`);
  const spares = Map.groupBy(await sparesOf(reader, jobIds), ({ jobId }) => jobId);
  return new Map(
    rows.map(({ allocation, charged, reserved, standby: stood }) => [
      allocation.jobId,
      {
        current: allocation,
        chargedMicros: BigInt(charged),
        reservedMicros: BigInt(reserved ?? 0),
        standbyMicros: BigInt(stood ?? 0),
        spares: spares.get(allocation.jobId) ?? [],
      },
    ]),
  );
}

function sparesOf(reader: Reader, jobIds: readonly string[]): Promise<AllocationRow[]> {
  return reader
    .select()
    .from(allocations)
    .where(
      and(
        inArray(allocations.jobId, [...jobIds]),
        ne(allocations.role, 'run'),
        inArray(allocations.state, [...LIVE_ALLOCATION_STATES]),
      ),
    )
    .orderBy(allocations.jobId, allocations.slot);
}
