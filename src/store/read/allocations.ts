import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import { allocations } from '../schema.ts';
import type { AllocationRow, Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

/** Every attempt of a job, newest first; `before` is the last attempt of the page before. */
export async function listAllocations(
  reader: Reader,
  jobId: string,
  before: number | null,
  limit: number,
): Promise<Page<AllocationRow>> {
  const rows = await reader
    .select()
    .from(allocations)
    .where(and(eq(allocations.jobId, jobId), before === null ? undefined : lt(allocations.attempt, before)))
    .orderBy(desc(allocations.attempt))
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
}

/** For any number of jobs in one round trip: their newest allocations, each with the sum over all of the job's. */
export async function placementsOf(
  reader: Reader,
  jobIds: readonly string[],
): Promise<Map<string, JobPlacement>> {
  if (jobIds.length === 0) return new Map();
  const rows = await reader
    .selectDistinctOn([allocations.jobId], {
      allocation: allocations,
      charged: sql<string>`sum(${allocations.chargedMicros}) over (partition by ${allocations.jobId})`,
    })
    .from(allocations)
    .where(inArray(allocations.jobId, [...jobIds]))
    .orderBy(allocations.jobId, desc(allocations.attempt));
  return new Map(
    rows.map((row) => [
      row.allocation.jobId,
      { current: row.allocation, chargedMicros: BigInt(row.charged) },
    ]),
  );
}
