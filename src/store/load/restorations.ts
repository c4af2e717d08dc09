import { and, eq, lte, sql } from 'drizzle-orm';
import { allocations, checkpoints, drillCuts, drillJobs, jobs, logChunks } from '../schema.ts';
import type { Reader } from '../store.ts';

/** A canary that runs again, and what is needed to judge what it restored. */
export interface Restoration {
  readonly startedAt: Date;
  readonly checkpoint: { readonly id: string; readonly sha256: string; readonly location: string } | null;
  /** What it said before it was cut off, and since it runs again. */
  readonly oldLog: string;
  readonly newLog: string;
}

/** Null where it does not run again. */
export async function loadRestoration(
  reader: Reader,
  drillId: string,
  jobId: string,
): Promise<Restoration | null> {
  const [row] = await reader
    .select({
      newId: allocations.id,
      oldId: drillJobs.allocationId,
      startedAt: allocations.startedAt,
      cutFrom: drillCuts.fromAt,
      checkpointId: checkpoints.id,
      sha256: checkpoints.sha256,
      location: checkpoints.location,
    })
    .from(drillJobs)
    .innerJoin(jobs, eq(jobs.id, drillJobs.jobId))
    .innerJoin(allocations, eq(allocations.id, jobs.currentAllocationId))
    .innerJoin(
      drillCuts,
      and(eq(drillCuts.drillId, drillJobs.drillId), eq(drillCuts.allocationId, drillJobs.allocationId)),
    )
    .leftJoin(checkpoints, eq(checkpoints.id, allocations.restoredCheckpoint))
    .where(and(eq(drillJobs.drillId, drillId), eq(drillJobs.jobId, jobId)));
  if (row === undefined || row.startedAt === null || row.oldId === null || row.newId === row.oldId)
    return null;
  return {
    startedAt: row.startedAt,
    checkpoint:
      row.checkpointId === null
        ? null
        : { id: row.checkpointId, sha256: row.sha256 ?? '', location: row.location ?? '' },
    oldLog: await logOf(reader, row.oldId, row.cutFrom),
    newLog: await logOf(reader, row.newId, null),
  };
}

async function logOf(reader: Reader, allocationId: string, until: Date | null): Promise<string> {
  const rows = await reader
    .select({ text: logChunks.text })
    .from(logChunks)
    .where(
      and(eq(logChunks.allocationId, allocationId), until === null ? sql`true` : lte(logChunks.at, until)),
    )
    .orderBy(logChunks.startByte);
  return rows.map(({ text }) => text).join('');
}
