import { and, eq, inArray, isNull, lte, or, sql } from 'drizzle-orm';
import { ACTIVE_DRILL_STATES } from '../../core/drill/drill.ts';
import type { PlannedCanary } from '../../core/drill/plan.ts';
import type { SitedProvider } from '../../core/drill/scope.ts';
import type { DrillJobView, DrillView } from '../../core/drill/step.ts';
import type { ContinuityMode, JobState } from '../../core/job.ts';
import { billedSeconds, cost } from '../apply/bill.ts';
import type { DrillRow } from '../apply/drills.ts';
import { drillCuts, drills, offers, providers } from '../schema.ts';
import type { Reader } from '../store.ts';

/** Those that something may have to be done about now, the oldest first. */
export async function loadDueDrills(reader: Reader, now: Date): Promise<DrillRow[]> {
  return reader
    .select()
    .from(drills)
    .where(
      or(
        inArray(drills.state, [...ACTIVE_DRILL_STATES]),
        and(eq(drills.state, 'planned'), lte(drills.startsAt, now)),
      ),
    )
    .orderBy(drills.id);
}

/** Recurring drills whose day is past. */
export async function countOverdue(reader: Reader, now: Date): Promise<number> {
  return reader.$count(drills, and(eq(drills.state, 'planned'), lte(drills.dueAt, now)));
}

/** When a provider was last heard; null: never. */
export async function loadLastContact(reader: Reader, provider: string): Promise<Date | null> {
  const [row] = await reader
    .select({ at: providers.lastContactAt })
    .from(providers)
    .where(eq(providers.name, provider));
  return row?.at ?? null;
}

export async function loadSites(reader: Reader): Promise<SitedProvider[]> {
  return reader.select({ name: providers.name, site: providers.site }).from(providers);
}

/** A job that runs somewhere, as far as a drill has to know. */
export interface ScopeJob {
  readonly jobId: string;
  readonly allocationId: string;
  readonly provider: string;
  readonly mode: ContinuityMode;
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
}

/** The tenants' jobs that run at these providers, the oldest first. */
export async function loadScope(reader: Reader, names: readonly string[]): Promise<ScopeJob[]> {
  const { rows } = await reader.execute<ScopeJob & Record<string, unknown>>(sql`
    select j.id as "jobId", a.id as "allocationId", a.provider, j.spec -> 'continuity' ->> 'mode' as mode,
      (j.spec -> 'continuity' ->> 'rtoSeconds')::float8 as "rtoSeconds",
      (j.spec -> 'continuity' ->> 'rpoSeconds')::float8 as "rpoSeconds"
    from allocations a join jobs j on j.id = a.job_id and j.current_allocation_id = a.id
    where a.provider = any(${sql.param([...names])}::text[]) and a.state = 'active' and j.state = 'running'
      and j.drill_id is null
    order by j.id`);
  return rows;
}

/** The GPU of the cheapest offer of each that has room; null: it sells none. Those that sell nothing are left out. */
export async function loadSmallest(
  reader: Reader,
  names: readonly string[],
): Promise<Map<string, PlannedCanary['gpu']>> {
  const rows = await reader
    .selectDistinctOn([offers.provider], {
      provider: offers.provider,
      model: offers.gpuModel,
      count: offers.gpuCount,
    })
    .from(offers)
    .where(
      and(
        inArray(offers.provider, [...names]),
        isNull(offers.withdrawnAt),
        sql`${offers.priceMicrosPerHour} is not null`,
      ),
    )
    .orderBy(
      offers.provider,
      sql`${offers.used} >= ${offers.capacity}`,
      offers.priceMicrosPerHour,
      offers.name,
    );
  return new Map(
    rows.map(({ provider, model, count }) => [provider, model === null ? null : { model, count }]),
  );
}

type ViewRow = {
  jobId: string;
  canary: boolean;
  provider: string;
  cutAllocationId: string | null;
  checked: boolean;
  state: JobState;
  mode: ContinuityMode;
  currentId: string | null;
  currentProvider: string | null;
  currentStartedAt: string | null;
  saved: boolean;
  cutFrom: string | null;
  declaredAt: string | null;
};

export async function loadDrillJobs(reader: Reader, drillId: string): Promise<DrillJobView[]> {
  const { rows } = await reader.execute<ViewRow>(sql`
    select d.job_id as "jobId", d.canary, d.provider, d.allocation_id as "cutAllocationId",
      d.checked is not null as checked, j.state, j.spec -> 'continuity' ->> 'mode' as mode, a.id as "currentId",
      a.provider as "currentProvider", a.started_at as "currentStartedAt", k.from_at as "cutFrom", k.declared_at as "declaredAt",
      d.canary and exists (select from checkpoints c where c.allocation_id = a.id and c.complete) as saved
    from drill_jobs d join jobs j on j.id = d.job_id
    left join allocations a on a.id = j.current_allocation_id
    left join drill_cuts k on k.drill_id = d.drill_id and k.allocation_id = d.allocation_id
    where d.drill_id = ${drillId} order by d.job_id`);
  return rows.map((row) => ({
    jobId: row.jobId,
    canary: row.canary,
    mode: row.mode,
    state: row.state,
    provider: row.provider,
    cutAllocationId: row.cutAllocationId,
    cut: row.cutFrom === null ? null : { fromAt: new Date(row.cutFrom), declaredAt: dateOf(row.declaredAt) },
    current:
      row.currentId === null
        ? null
        : {
            id: row.currentId,
            provider: row.currentProvider ?? '',
            startedAt: dateOf(row.currentStartedAt),
            saved: row.saved,
          },
    checked: row.checked,
  }));
}

/**
 * What each job of a drill has cost by its doing, micros: a canary all of it, another job what it was given after the
 * cut. Up to `now` where it still runs.
 */
export async function loadDrillCosts(
  reader: Reader,
  now: Date,
  drillId: string,
): Promise<Map<string, bigint>> {
  const seconds = billedSeconds(
    sql`a.started_at`,
    sql`coalesce(a.released_at, ${now.toISOString()}::timestamptz)`,
  );
  const { rows } = await reader.execute<{ jobId: string; micros: string }>(sql`
    select d.job_id as "jobId", coalesce(sum(greatest(a.charged_micros, ${cost(sql`a.price_micros_per_hour`, seconds)})), 0)::text as micros
    from drill_jobs d join drills r on r.id = d.drill_id
    join allocations a on a.job_id = d.job_id and (d.canary or (a.placed_at > r.started_at and a.id <> d.allocation_id))
    where d.drill_id = ${drillId} group by d.job_id`);
  return new Map(rows.map(({ jobId, micros }) => [jobId, BigInt(micros)]));
}

/** Jobs that would fail with a provider that the drill has cut off as a whole, while it is not given up yet. */
export async function loadEndangered(reader: Reader, now: Date, drillId: string): Promise<string[]> {
  const at = now.toISOString();
  const { rows } = await reader.execute<{ id: string }>(sql`
    select j.id from drill_cuts k join providers p on p.name = k.provider and p.health <> 'down'
    join allocations a on a.provider = k.provider and a.state = 'active'
    join jobs j on j.current_allocation_id = a.id and j.state = 'running'
    where k.drill_id = ${drillId} and k.allocation_id is null and k.from_at <= ${at}::timestamptz
      and k.until_at > ${at}::timestamptz and j.spec -> 'continuity' ->> 'mode' = 'none'
    order by j.id limit 10`);
  return rows.map(({ id }) => id);
}

/** Of a degradation: what became of it. Null where nothing is cut yet. */
export async function loadDegradation(reader: Reader, drillId: string): Promise<DrillView['degradation']> {
  const [cut] = await reader.select().from(drillCuts).where(eq(drillCuts.drillId, drillId));
  if (cut === undefined) return null;
  const { rows } = await reader.execute<{ state: string }>(sql`
    select distinct state from provider_health
    where provider = ${cut.provider} and source = 'verdict' and at >= ${cut.fromAt.toISOString()}::timestamptz`);
  const saw = new Set(rows.map(({ state }) => state));
  return { cutUntil: cut.untilAt, sawDegraded: saw.has('degraded'), sawDown: saw.has('down') };
}

/** Is nothing of the drill left: no canary that holds a place, nobody whom it cut off and who was not heard since? */
export async function loadLeftovers(
  reader: Reader,
  drillId: string,
): Promise<{ readonly canaries: number; readonly unheard: readonly string[] }> {
  const { rows } = await reader.execute<{ canaries: number; unheard: string[] }>(sql`
    select
      (select count(*)::int from jobs j where j.drill_id = ${drillId} and (j.finished_at is null
        or exists (select from allocations a where a.job_id = j.id and a.state <> 'released'))) as canaries,
      array(select distinct p.name from drill_cuts k join providers p on p.name = k.provider
        where k.drill_id = ${drillId} and k.allocation_id is null
          and (p.last_contact_at is null or p.last_contact_at < k.until_at)) as unheard`);
  return rows[0] ?? { canaries: 0, unheard: [] };
}

const dateOf = (at: string | null): Date | null => (at === null ? null : new Date(at));
