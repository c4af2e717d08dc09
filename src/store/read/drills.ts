import { and, desc, eq, lt } from 'drizzle-orm';
import type { DrillState } from '../../core/drill/drill.ts';
import type { JobState } from '../../core/job.ts';
import type { DrillRow } from '../apply/drills.ts';
import { allocations, drillCuts, drillJobs, drills, jobs } from '../schema.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export type { DrillRow } from '../apply/drills.ts';

export async function findDrill(reader: Reader, id: string): Promise<DrillRow | null> {
  const [row] = await reader.select().from(drills).where(eq(drills.id, id));
  return row ?? null;
}

/** Newest first; `before` is the last id of the page before. */
export async function listDrills(
  reader: Reader,
  state: DrillState | undefined,
  before: string | null,
  limit: number,
): Promise<Page<DrillRow>> {
  const rows = await reader
    .select()
    .from(drills)
    .where(
      and(
        state === undefined ? undefined : eq(drills.state, state),
        before === null ? undefined : lt(drills.id, before),
      ),
    )
    .orderBy(desc(drills.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

export interface ProgressRow {
  readonly jobId: string;
  readonly canary: boolean;
  readonly from: string;
  readonly state: JobState;
  readonly cutAt: Date | null;
  /** Where it is, or was last; null: it was nowhere yet. */
  readonly at: string | null;
}

/** The jobs that a drill is about, as they are now. */
export async function readProgress(reader: Reader, drillId: string): Promise<ProgressRow[]> {
  return reader
    .select({
      jobId: drillJobs.jobId,
      canary: drillJobs.canary,
      from: drillJobs.provider,
      state: jobs.state,
      cutAt: drillCuts.fromAt,
      at: allocations.provider,
    })
    .from(drillJobs)
    .innerJoin(jobs, eq(jobs.id, drillJobs.jobId))
    .leftJoin(allocations, eq(allocations.id, jobs.currentAllocationId))
    .leftJoin(
      drillCuts,
      and(eq(drillCuts.drillId, drillJobs.drillId), eq(drillCuts.allocationId, drillJobs.allocationId)),
    )
    .where(eq(drillJobs.drillId, drillId))
    .orderBy(drillJobs.jobId)
    .limit(1_000);
}
