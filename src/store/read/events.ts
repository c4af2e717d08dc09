import { and, asc, desc, eq, gt, lt, sql } from 'drizzle-orm';
import { events } from '../schema.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export type EventRow = typeof events.$inferSelect;

/** `from`: the seq that the page before ended with. */
export async function listEvents(
  reader: Reader,
  jobId: string,
  order: 'asc' | 'desc',
  from: number | null,
  limit: number,
): Promise<Page<EventRow>> {
  const further = order === 'asc' ? gt : lt;
  const rows = await reader
    .select()
    .from(events)
    .where(and(eq(events.jobId, jobId), from === null ? undefined : further(events.seq, from)))
    .orderBy(order === 'asc' ? asc(events.seq) : desc(events.seq))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/**
 * What is new for each of these jobs after the seq that is named beside it, oldest first. A job's events get their
 * seq while its row is locked, so within one job nothing with a smaller seq appears later.
 */
export async function eventsAfter(
  reader: Reader,
  marks: readonly { readonly jobId: string; readonly seq: number }[],
  limit: number,
): Promise<EventRow[]> {
  if (marks.length === 0) return [];
  const ids = sql.param(marks.map((mark) => mark.jobId));
  const seqs = sql.param(marks.map((mark) => mark.seq));
  const wanted = sql`exists (select 1 from unnest(${ids}::text[], ${seqs}::bigint[]) as m(job_id, seq)
    where m.job_id = ${events.jobId} and ${events.seq} > m.seq)`;
  const jobIds = sql`${events.jobId} = any(${ids}::text[])`;
  return reader.select().from(events).where(and(jobIds, wanted)).orderBy(asc(events.seq)).limit(limit);
}
