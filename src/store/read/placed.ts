import { and, desc, eq, inArray, lt } from 'drizzle-orm';
import type { Scope } from '../../core/access.ts';
import { LIVE_ALLOCATION_STATES } from '../../core/allocation.ts';
import type { JobSpec } from '../../core/job.ts';
import { allocations, jobs } from '../schema.ts';
import type { Reader } from '../store.ts';
import { jobsIn } from './jobs.ts';

/** A job and the place that it has. */
export interface PlacedRow {
  readonly jobId: string;
  readonly name: string;
  readonly organization: string;
  readonly project: string;
  readonly spec: JobSpec;
  readonly provider: string;
  readonly offer: string;
  readonly region: string;
  readonly spot: boolean;
  /** Of one whole offer, accounting currency. */
  readonly priceMicrosPerHour: bigint;
  readonly since: Date;
}

export interface PlacedFilter {
  readonly project?: string | undefined;
  readonly organization?: string | undefined;
}

/** Newest job first; `before` is the last job of the page before. */
export async function listPlaced(
  reader: Reader,
  scope: Scope,
  { project, organization }: PlacedFilter,
  before: string | null,
  limit: number,
): Promise<PlacedRow[]> {
  const rows = await reader
    .select({
      jobId: jobs.id,
      name: jobs.name,
      organization: jobs.organization,
      project: jobs.project,
      spec: jobs.spec,
      provider: allocations.provider,
      offer: allocations.offer,
      region: allocations.region,
      spot: allocations.spot,
      nodes: allocations.nodes,
      price: allocations.priceMicrosPerHour,
      since: allocations.placedAt,
    })
    .from(jobs)
    .innerJoin(allocations, eq(allocations.id, jobs.currentAllocationId))
    .where(
      and(
        inArray(jobs.state, ['provisioning', 'running']),
        inArray(allocations.state, [...LIVE_ALLOCATION_STATES]),
        jobsIn(scope),
        project === undefined ? undefined : eq(jobs.project, project),
        organization === undefined ? undefined : eq(jobs.organization, organization),
        before === null ? undefined : lt(jobs.id, before),
      ),
    )
    .orderBy(desc(jobs.id))
    .limit(limit);
  // The allocation's price is of all its nodes; rules speak of one offer.
  return rows.map(({ nodes, price, ...row }) => ({ ...row, priceMicrosPerHour: price / BigInt(nodes) }));
}
