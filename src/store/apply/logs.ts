import { and, desc, eq, sql } from 'drizzle-orm';
import { allocations, logChunks } from '../schema.ts';
import type { Db, Reader, Tx } from '../store.ts';

/** The job whose output this is, if the allocation is the provider's; null otherwise. */
export async function jobOfAllocation(
  reader: Reader,
  provider: string,
  allocationId: string,
): Promise<string | null> {
  const [row] = await reader
    .select({ jobId: allocations.jobId })
    .from(allocations)
    .where(and(eq(allocations.id, allocationId), eq(allocations.provider, provider)));
  return row?.jobId ?? null;
}

/** How far an allocation's output is stored, in its own bytes. */
export async function loggedUntil(reader: Reader, allocationId: string): Promise<number> {
  const [last] = await reader
    .select({ startByte: logChunks.startByte, bytes: logChunks.bytes })
    .from(logChunks)
    .where(eq(logChunks.allocationId, allocationId))
    .orderBy(desc(logChunks.startByte))
    .limit(1);
  return last === undefined ? 0 : last.startByte + last.bytes;
}

/** @returns false where a chunk that starts at the same byte is stored already */
export async function insertLogChunk(
  db: Db | Tx,
  chunk: Omit<typeof logChunks.$inferInsert, 'seq'>,
): Promise<boolean> {
  const made = await db
    .insert(logChunks)
    .values(chunk)
    .onConflictDoUpdate({
      target: [logChunks.allocationId, logChunks.startByte],
      // An empty chunk only marks a place; what really was written there takes it.
      set: { bytes: chunk.bytes, text: chunk.text },
      setWhere: sql`${logChunks.bytes} = 0 and ${chunk.bytes}::int > 0`,
    })
    .returning({ seq: logChunks.seq });
  return made.length > 0;
}

/**
 * Removes a job's oldest chunks until the rest has at most `limitBytes`. An allocation of which nothing is left keeps
 * one empty chunk at its end: readers see from it how much there was, as from every gap between two chunks.
 */
export async function trimLog(tx: Tx, jobId: string, limitBytes: number): Promise<void> {
  const doomed = sql`select seq from (
      select seq, sum(bytes) over (order by seq desc) as newer from log_chunks where job_id = ${jobId}
    ) c where newer > ${limitBytes}`;
  const hasLater = sql`exists (select 1 from log_chunks d where d.allocation_id = c.allocation_id and d.seq > c.seq)`;
  await tx.execute(sql`delete from log_chunks c where seq in (${doomed}) and ${hasLater}`);
  await tx.execute(sql`
    update log_chunks c set start_byte = start_byte + bytes, bytes = 0, text = ''
    where seq in (${doomed}) and bytes > 0 and not ${hasLater}`);
}
