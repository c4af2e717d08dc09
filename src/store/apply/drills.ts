import { and, arrayOverlaps, eq, inArray, isNull, lte, ne, notInArray, or, sql } from 'drizzle-orm';
import type { CanaryCheck } from '../../core/drill/check.ts';
import { ACTIVE_DRILL_STATES, PAPER_MODES, type DrillState } from '../../core/drill/drill.ts';
import { DRILLS_NAME } from '../../core/drill/reserved.ts';
import type { JobSpec } from '../../core/job.ts';
import { drillJobs, drills, jobs, organizations, projects, providers } from '../schema.ts';
import type { Tx } from '../store.ts';
import { insertSubmissions, submittedJob } from './submissions.ts';

export type DrillRow = typeof drills.$inferSelect;
export type DrillJobRow = typeof drillJobs.$inferSelect;

export async function insertDrill(tx: Tx, row: typeof drills.$inferInsert): Promise<DrillRow> {
  const [made] = await tx.insert(drills).values(row).returning();
  if (made === undefined) throw new Error('an insert of a drill returned nothing');
  return made;
}

/** Locks a drill; before everything else that a transaction locks. Null where there is none. */
export async function lockDrill(tx: Tx, id: string): Promise<DrillRow | null> {
  const [row] = await tx.select().from(drills).where(eq(drills.id, id)).for('update');
  return row ?? null;
}

/** @returns null where it is not in that state any more */
export async function changeDrill(
  tx: Tx,
  id: string,
  from: DrillState,
  set: Partial<DrillRow>,
): Promise<DrillRow | null> {
  const [row] = await tx
    .update(drills)
    .set(set)
    .where(and(eq(drills.id, id), eq(drills.state, from)))
    .returning();
  return row ?? null;
}

/**
 * Another drill that holds any of these providers now; null: none. Their rows are locked first, so that of two drills
 * that start at the same time the second sees the first.
 *
 * @param armedBy count those, too, that the engine is just about to start; null: they wait in their turn
 */
export async function otherDrillOn(
  tx: Tx,
  id: string,
  names: readonly string[],
  armedBy: Date | null,
): Promise<string | null> {
  if (names.length === 0) return null;
  await tx
    .select({ name: providers.name })
    .from(providers)
    .where(inArray(providers.name, [...names]))
    .orderBy(providers.name)
    .for('update');
  const [other] = await tx
    .select({ id: drills.id })
    .from(drills)
    .where(
      and(
        or(
          inArray(drills.state, [...ACTIVE_DRILL_STATES]),
          armedBy === null ? undefined : and(eq(drills.state, 'planned'), lte(drills.startsAt, armedBy)),
        ),
        notInArray(drills.mode, [...PAPER_MODES]),
        ne(drills.id, id),
        arrayOverlaps(drills.providers, [...names]),
      ),
    );
  return other?.id ?? null;
}

export interface Canary {
  readonly jobId: string;
  readonly spec: JobSpec;
  /** Where it starts, and is then lost. */
  readonly provider: string;
}

/** Queues canaries, in an organization and a project of their own, made when first needed. */
export async function insertCanaries(
  tx: Tx,
  now: Date,
  drillId: string,
  createdBy: string,
  canaries: readonly Canary[],
): Promise<void> {
  if (canaries.length === 0) return;
  await tx.insert(organizations).values({ name: DRILLS_NAME, createdAt: now }).onConflictDoNothing();
  await tx
    .insert(projects)
    .values({ name: DRILLS_NAME, organization: DRILLS_NAME, createdAt: now })
    .onConflictDoNothing();
  await insertSubmissions(
    tx,
    now,
    canaries.map(({ jobId, spec }) => ({
      row: submittedJob(jobId, DRILLS_NAME, spec, createdBy, now, null),
      specText: JSON.stringify(spec),
      costAccountId: null,
      idempotency: null,
    })),
  );
  for (const { jobId, provider } of canaries)
    await tx.update(jobs).set({ drillId, moveTo: provider }).where(eq(jobs.id, jobId));
  await insertDrillJobs(
    tx,
    canaries.map(({ jobId, provider }) => ({ drillId, jobId, canary: true, provider, allocationId: null })),
  );
}

export async function insertDrillJobs(tx: Tx, rows: readonly Omit<DrillJobRow, 'checked'>[]): Promise<void> {
  const AT_ONCE = 1_000;
  for (let from = 0; from < rows.length; from += AT_ONCE)
    await tx.insert(drillJobs).values(rows.slice(from, from + AT_ONCE));
}

/** @returns false where it was looked at before */
export async function noteCheck(
  tx: Tx,
  drillId: string,
  jobId: string,
  checked: CanaryCheck,
): Promise<boolean> {
  const changed = await tx
    .update(drillJobs)
    .set({ checked })
    .where(and(eq(drillJobs.drillId, drillId), eq(drillJobs.jobId, jobId), isNull(drillJobs.checked)))
    .returning({ jobId: drillJobs.jobId });
  return changed.length > 0;
}

/** The attempt of each job that is cut off. */
export async function noteCutAllocations(
  tx: Tx,
  drillId: string,
  cut: readonly { readonly jobId: string; readonly allocationId: string }[],
): Promise<void> {
  await tx.execute(sql`
    update drill_jobs d set allocation_id = w.allocation_id
    from unnest(${sql.param(cut.map(({ jobId }) => jobId))}::text[],
      ${sql.param(cut.map(({ allocationId }) => allocationId))}::text[]) as w(job_id, allocation_id)
    where d.drill_id = ${drillId} and d.job_id = w.job_id`);
}
