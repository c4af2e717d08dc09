import { and, eq, inArray, sql } from 'drizzle-orm';
import { checkpoints } from '../schema.ts';
import type { Db, Tx } from '../store.ts';
import type { CheckpointRow } from '../read/checkpoints.ts';

export async function insertCheckpoint(
  db: Db | Tx,
  row: Pick<CheckpointRow, 'id' | 'jobId' | 'allocationId' | 'attempt' | 'location' | 'createdAt'>,
): Promise<void> {
  await db.insert(checkpoints).values({ ...row, complete: false });
}

/** What was received, before anybody says that it is complete. */
export async function noteReceived(
  db: Db | Tx,
  id: string,
  sizeBytes: number,
  sha256: string,
): Promise<boolean> {
  const changed = await db
    .update(checkpoints)
    .set({ sizeBytes, sha256 })
    .where(and(eq(checkpoints.id, id), eq(checkpoints.complete, false)))
    .returning({ id: checkpoints.id });
  return changed.length > 0;
}

/**
 * Makes a checkpoint count, with its event: only while its allocation is the job's current one. The job's row is
 * share-locked, so a placement that is just giving the job to somebody else comes entirely before or after.
 * @returns false where it is fenced, or complete already
 */
export async function completeCheckpoint(
  tx: Tx,
  now: Date,
  id: string,
  sizeBytes: number,
  sha256: string,
): Promise<boolean> {
  const at = now.toISOString();
  const { rows } = await tx.execute<{ id: string }>(sql`
    with owner as (
      select j.id as job_id, c.id as checkpoint_id from checkpoints c
      join jobs j on j.id = c.job_id and j.current_allocation_id = c.allocation_id
      where c.id = ${id} and not c.complete
      for share of j
    ), made as (
      update checkpoints c
      set complete = true, size_bytes = ${sizeBytes}, sha256 = ${sha256}, completed_at = ${at}::timestamptz
      from owner where c.id = owner.checkpoint_id and not c.complete
      returning c.id, c.job_id, c.allocation_id
    ), told as (
      insert into events (job_id, at, type, reason, allocation_id, data)
      select job_id, ${at}::timestamptz, 'checkpoint.saved', 'checkpoint', allocation_id,
        jsonb_build_object('checkpointId', id, 'sizeBytes', ${sizeBytes}::bigint) from made
    )
    select id from made`);
  return rows.length > 0;
}

/** @returns those that were really removed by this call */
export async function deleteIncomplete(db: Db | Tx, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const gone = await db
    .delete(checkpoints)
    .where(and(inArray(checkpoints.id, [...ids]), eq(checkpoints.complete, false)))
    .returning({ location: checkpoints.location });
  return gone.map(({ location }) => location);
}

export async function deleteCheckpoint(db: Db | Tx, id: string): Promise<void> {
  await db.delete(checkpoints).where(eq(checkpoints.id, id));
}
