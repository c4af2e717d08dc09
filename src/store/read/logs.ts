import { and, asc, eq, gt } from 'drizzle-orm';
import { logChunks } from '../schema.ts';
import type { Reader } from '../store.ts';

export type LogChunk = typeof logChunks.$inferSelect;

/** The next chunks of a job's log after `seq`, as they arrived. */
export function logAfter(reader: Reader, jobId: string, seq: number, limit: number): Promise<LogChunk[]> {
  return reader
    .select()
    .from(logChunks)
    .where(and(eq(logChunks.jobId, jobId), gt(logChunks.seq, seq)))
    .orderBy(asc(logChunks.seq))
    .limit(limit);
}
