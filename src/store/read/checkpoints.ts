import { and, eq, inArray, lt, sql } from 'drizzle-orm';
import type { CheckpointRef } from '../../core/order.ts';
import { allocations, checkpoints, jobs } from '../schema.ts';
import type { Reader } from '../store.ts';

export type CheckpointRow = typeof checkpoints.$inferSelect;

/**
 * What each job would start from: its own newest complete checkpoint, else that of `fromJob`. Jobs with nothing to
 * start from are not in the answer.
 */
export async function latestCheckpoints(
  reader: Reader,
  asked: readonly { readonly jobId: string; readonly fromJob: string | null }[],
): Promise<Map<string, CheckpointRef>> {
  const ids = new Set(asked.flatMap(({ jobId, fromJob }) => (fromJob === null ? [jobId] : [jobId, fromJob])));
  if (ids.size === 0) return new Map();
  const { rows } = await reader.execute<{
    job_id: string;
    id: string;
    size_bytes: string;
    sha256: string;
  }>(sql`
    select w.job_id, c.id, c.size_bytes, c.sha256
    from unnest(${sql.param([...ids])}::text[]) as w(job_id)
    cross join lateral (
      select id, size_bytes, sha256 from checkpoints
      where job_id = w.job_id and complete order by id desc limit 1
    ) c`);
  const newest = new Map(
    rows.map((row) => [row.job_id, { id: row.id, sizeBytes: Number(row.size_bytes), sha256: row.sha256 }]),
  );
  const found = new Map<string, CheckpointRef>();
  for (const { jobId, fromJob } of asked) {
    const ref = newest.get(jobId) ?? (fromJob === null ? undefined : newest.get(fromJob));
    if (ref !== undefined) found.set(jobId, ref);
  }
  return found;
}

/** By allocation: what its job would start from now. Those whose jobs saved nothing are not in the answer. */
export async function newestCheckpointsOf(
  reader: Reader,
  allocationIds: readonly string[],
): Promise<Map<string, CheckpointRef>> {
  const rows = await reader
    .select({ id: allocations.id, jobId: allocations.jobId, spec: jobs.spec })
    .from(allocations)
    .innerJoin(jobs, eq(jobs.id, allocations.jobId))
    .where(inArray(allocations.id, [...allocationIds]));
  const asked = rows.map(({ jobId, spec }) => ({ jobId, fromJob: spec.checkpoint.fromJob }));
  const newest = await latestCheckpoints(reader, asked);
  return new Map(
    rows.flatMap(({ id, jobId }) => {
      const ref = newest.get(jobId);
      return ref === undefined ? [] : [[id, ref] as const];
    }),
  );
}

/** Complete ones by id. */
export async function readCheckpointRefs(
  reader: Reader,
  ids: readonly string[],
): Promise<Map<string, CheckpointRef>> {
  if (ids.length === 0) return new Map();
  const rows = await reader
    .select()
    .from(checkpoints)
    .where(and(inArray(checkpoints.id, [...ids]), eq(checkpoints.complete, true)));
  return new Map(
    rows.map(({ id, sizeBytes, sha256 }) => [id, { id, sizeBytes: sizeBytes ?? 0, sha256: sha256 ?? '' }]),
  );
}

/** The allocation that saves, if it is this provider's, and whether it is the one that may. */
export async function readSavingAllocation(
  reader: Reader,
  provider: string,
  allocationId: string,
): Promise<{ readonly jobId: string; readonly attempt: number; readonly current: boolean } | null> {
  const [row] = await reader
    .select({ jobId: allocations.jobId, attempt: allocations.attempt, current: jobs.currentAllocationId })
    .from(allocations)
    .innerJoin(jobs, eq(jobs.id, allocations.jobId))
    .where(and(eq(allocations.id, allocationId), eq(allocations.provider, provider)));
  return row === undefined ? null : { ...row, current: row.current === allocationId };
}

/** A checkpoint that an allocation of this provider is making or made. */
export async function readOwnCheckpoint(
  reader: Reader,
  provider: string,
  id: string,
): Promise<CheckpointRow | null> {
  const [row] = await reader
    .select({ checkpoint: checkpoints })
    .from(checkpoints)
    .innerJoin(allocations, eq(allocations.id, checkpoints.allocationId))
    .where(and(eq(checkpoints.id, id), eq(allocations.provider, provider)));
  return row?.checkpoint ?? null;
}

/**
 * A complete checkpoint, if this provider has a live allocation of the job that it belongs to, or of one that starts
 * from that job; null otherwise. What a provider carries no more is none of its business.
 */
export async function readRestorable(
  reader: Reader,
  provider: string,
  id: string,
): Promise<CheckpointRow | null> {
  const [row] = await reader
    .select()
    .from(checkpoints)
    .where(
      and(
        eq(checkpoints.id, id),
        eq(checkpoints.complete, true),
        sql`exists (
          select 1 from ${allocations} a join ${jobs} j on j.id = a.job_id
          where a.provider = ${provider} and a.state in ('submitting', 'active')
            and (a.job_id = ${checkpoints.jobId} or j.spec -> 'checkpoint' ->> 'fromJob' = ${checkpoints.jobId}))`,
      ),
    );
  return row ?? null;
}

/** Complete checkpoints beyond the newest `keep` of their job, that nobody is starting from. `jobId` null: of all jobs. */
export async function readSuperfluous(
  reader: Reader,
  range: { readonly jobId: string } | { readonly madeAfterId: string },
  keep: number,
): Promise<Pick<CheckpointRow, 'id' | 'location'>[]> {
  const within =
    'jobId' in range
      ? sql`job_id = ${range.jobId}`
      : sql`job_id in (select distinct job_id from checkpoints where id > ${range.madeAfterId})`;
  const { rows } = await reader.execute<{ id: string; location: string }>(sql`
    select id, location from (
      select id, location, row_number() over (partition by job_id order by id desc) as place
      from checkpoints where complete and ${within}
    ) c
    where place > ${keep} and not exists (
      select 1 from allocations a where a.job_id in (select job_id from checkpoints where id = c.id)
        and a.restored_checkpoint = c.id and a.state in ('submitting', 'active'))
    limit 1000`);
  return rows;
}

/** Begun and never completed, made between two ids' times. */
export async function readAbandoned(
  reader: Reader,
  fromId: string,
  toId: string,
): Promise<Pick<CheckpointRow, 'id' | 'location'>[]> {
  return reader
    .select({ id: checkpoints.id, location: checkpoints.location })
    .from(checkpoints)
    .where(and(sql`${checkpoints.id} > ${fromId}`, lt(checkpoints.id, toId), eq(checkpoints.complete, false)))
    .limit(1000);
}
