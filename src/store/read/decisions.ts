import { and, desc, eq, lt } from 'drizzle-orm';
import { decisions } from '../schema.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export type DecisionRow = typeof decisions.$inferSelect;

/** Every placement of a job explained, newest first; `before` is the last id of the page before. */
export async function listDecisions(
  reader: Reader,
  jobId: string,
  before: string | null,
  limit: number,
): Promise<Page<DecisionRow>> {
  const rows = await reader
    .select()
    .from(decisions)
    .where(and(eq(decisions.jobId, jobId), before === null ? undefined : lt(decisions.id, before)))
    .orderBy(desc(decisions.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}
