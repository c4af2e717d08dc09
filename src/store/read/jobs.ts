import { and, desc, eq, inArray, lt, sql, type SQL } from 'drizzle-orm';
import type { Scope } from '../../core/access.ts';
import type { JobKind, JobState, WaitingReason } from '../../core/job.ts';
import { allocations, checkpoints, jobs } from '../schema.ts';
import type { JobRow, Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export interface JobFilter {
  readonly project?: string | undefined;
  readonly states?: readonly JobState[] | undefined;
  readonly kind?: JobKind | undefined;
  readonly waiting?: WaitingReason | undefined;
  /** Where its current, or else its last, allocation is. */
  readonly provider?: string | undefined;
}

export async function findJob(reader: Reader, id: string): Promise<JobRow | null> {
  const [row] = await reader.select().from(jobs).where(eq(jobs.id, id));
  return row ?? null;
}

/** Newest first; `before` is the last id of the page before. */
export async function listJobs(
  reader: Reader,
  scope: Scope,
  filter: JobFilter,
  before: string | null,
  limit: number,
): Promise<Page<JobRow>> {
  const rows = await reader
    .select()
    .from(jobs)
    .where(
      and(
        jobsIn(scope),
        filter.project === undefined ? undefined : eq(jobs.project, filter.project),
        filter.states === undefined ? undefined : inArray(jobs.state, [...filter.states]),
        filter.kind === undefined ? undefined : eq(jobs.kind, filter.kind),
        filter.waiting === undefined ? undefined : waitsFor(filter.waiting),
        filter.provider === undefined ? undefined : atProvider(filter.provider),
        before === null ? undefined : lt(jobs.id, before),
      ),
    )
    .orderBy(desc(jobs.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** Jobs that the scope covers; undefined: all. */
export function jobsIn(scope: Scope): SQL | undefined {
  if (scope.kind === 'all') return undefined;
  if (scope.kind === 'organization') return eq(jobs.organization, scope.organization);
  if (scope.kind !== 'projects' || scope.projects.length === 0) return sql`false`;
  return inArray(jobs.project, [...scope.projects]);
}

/** By the index of what is queued: nothing else waits. */
function waitsFor(reason: WaitingReason): SQL {
  return sql`${jobs.state} = 'queued' and ${jobs.waiting} ->> 'reason' = ${reason}`;
}

function atProvider(provider: string): SQL {
  return sql`exists (select 1 from ${allocations} a where a.id = ${jobs.currentAllocationId} and a.provider = ${provider})`;
}

/** Which of the jobs have ended, by id; for those who follow one. */
export async function jobStates(reader: Reader, ids: readonly string[]): Promise<Map<string, JobState>> {
  if (ids.length === 0) return new Map();
  const rows = await reader
    .select({ id: jobs.id, state: jobs.state })
    .from(jobs)
    .where(inArray(jobs.id, [...ids]));
  return new Map(rows.map((row) => [row.id, row.state]));
}

export type CheckpointRow = typeof checkpoints.$inferSelect;

/** What a restart of the job would start from: the newest complete checkpoint. */
export async function newestCheckpoint(reader: Reader, jobId: string): Promise<CheckpointRow | null> {
  const [row] = await reader
    .select()
    .from(checkpoints)
    .where(and(eq(checkpoints.jobId, jobId), sql`${checkpoints.complete}`))
    .orderBy(desc(checkpoints.id))
    .limit(1);
  return row ?? null;
}
