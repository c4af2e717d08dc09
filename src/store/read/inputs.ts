import { eq, sql } from 'drizzle-orm';
import { decisionInputs, decisions, jobs, marketParts } from '../schema.ts';
import type { JobRow, Reader } from '../store.ts';
import type { DecisionRow } from './decisions.ts';

export type DecisionInputRow = typeof decisionInputs.$inferSelect;

/** Null: there is no such input. */
export async function findInput(reader: Reader, id: string): Promise<DecisionInputRow | null> {
  const [row] = await reader.select().from(decisionInputs).where(eq(decisionInputs.id, id));
  return row ?? null;
}

/** The bodies (gzipped canonical JSON) of the parts that there are, by hash. */
export async function findParts(
  reader: Reader,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const rows = await reader
    .select({ hash: marketParts.hash, body: marketParts.body })
    .from(marketParts)
    .where(sql`${marketParts.hash} = any(${sql.param(hashes)}::text[])`);
  return new Map(rows.map(({ hash, body }) => [hash, body]));
}

/** Null: there is no such decision. */
export async function findDecision(reader: Reader, id: string): Promise<DecisionRow | null> {
  const [row] = await reader.select().from(decisions).where(eq(decisions.id, id));
  return row ?? null;
}

/** As USUAL_RANK has it: the row may say otherwise by now. */
const usualRank = sql`(extract(epoch from ${jobs.createdAt}) * 1000)::bigint - ${jobs.priority} * 360000`;

/** What of a queued job never changes, by id: the other half of what a pass saw of it. */
export async function findRecordedJobs(
  reader: Reader,
  ids: readonly string[],
): Promise<
  ReadonlyMap<string, Pick<JobRow, 'id' | 'spec' | 'organization' | 'project' | 'queueRank' | 'quote'>>
> {
  const rows = await reader
    .select({
      id: jobs.id,
      spec: jobs.spec,
      organization: jobs.organization,
      project: jobs.project,
      queueRank: sql<number>`(${usualRank})::float8`,
      quote: jobs.quote,
    })
    .from(jobs)
    .where(sql`${jobs.id} = any(${sql.param(ids)}::text[])`);
  return new Map(rows.map((row) => [row.id, row]));
}
