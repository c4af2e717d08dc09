import { and, eq, gt, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { LIVE_ALLOCATION_STATES } from '../../core/allocation.ts';
import type { ContinuityMode } from '../../core/job.ts';
import { canonicalGpu } from '../../core/gpu.ts';
import { UNKEPT_OUTCOMES } from '../../core/order.ts';
import type { Probe } from '../../core/probe.ts';
import type { GpuFaultFact, WorkFact } from '../../core/samples.ts';
import { isClosed, NO_GPU, rollUp, type KnownScope, type Plane, type Scope } from '../../core/scope.ts';
import { brokerProbes, gpuFaults, offers, providers, scopeHealth } from '../schema.ts';
import type { Reader } from '../store.ts';
import { list } from '../apply/lines.ts';

export type ScopeRow = typeof scopeHealth.$inferSelect;

/** Every scope that was ever closed: few. */
export function loadScopes(reader: Reader): Promise<ScopeRow[]> {
  return reader.select().from(scopeHealth).orderBy(scopeHealth.provider, scopeHealth.region);
}

/** What each of these sells, by region and model. */
async function loadSold(reader: Reader, names: readonly string[]): Promise<Map<string, Scope[]>> {
  if (names.length === 0) return new Map();
  const rows = await reader
    .selectDistinct({
      provider: offers.provider,
      region: offers.region,
      gpuModel: sql<string>`coalesce(${offers.gpuModel}, ${NO_GPU})`,
    })
    .from(offers)
    .where(and(inArray(offers.provider, [...names]), isNull(offers.withdrawnAt)));
  return Map.groupBy(rows, ({ provider }) => provider);
}

/** By provider: what the verdicts over its parts come to for all of it. Those that are open are left out. */
export async function loadRollUps(reader: Reader, plane: Plane): Promise<ReadonlyMap<string, KnownScope>> {
  const rows = (await loadScopes(reader)).filter((row) => row.plane === plane && isClosed(row.state));
  const sold = await loadSold(
    reader,
    rows.map(({ provider }) => provider),
  );
  const found = new Map<string, KnownScope>();
  for (const [provider, own] of Map.groupBy(rows, (row) => row.provider)) {
    const all = rollUp(own, sold.get(provider) ?? []);
    if (all !== null) found.set(provider, all);
  }
  return found;
}

/** The most that is looked at: in a storm of failures more of the same says nothing new. */
const FACTS = 1_000;
const GOOD_FACTS = 200;

type FactRecord = Omit<WorkFact, 'at'> & { at: string } & Record<string, unknown>;

/**
 * Launches that failed or are overdue and jobs that were lost, since `since`; and of the providers where there are any
 * (and of `more`), what went well. A start is overdue after `launchMs`, of which only the time after `since` counts.
 */
export async function loadWork(
  reader: Reader,
  now: Date,
  since: Date,
  launchMs: number,
  more: readonly string[],
): Promise<WorkFact[]> {
  const bad = await loadBad(reader, now, since, launchMs);
  const names = [...new Set([...bad.map(({ provider }) => provider), ...more])];
  return names.length === 0 ? [] : [...bad, ...(await loadGood(reader, now, since, names))];
}

const FACT = sql`a.id as "allocationId", a.job_id as "jobId", j.project, a.provider, a.region,
  coalesce(o.gpu_model, ${NO_GPU}) as "gpuModel"`;
const OF_WORK = sql`join jobs j on j.id = a.job_id join offers o on o.provider = a.provider and o.name = a.offer`;

async function loadBad(reader: Reader, now: Date, since: Date, launchMs: number): Promise<WorkFact[]> {
  const late = new Date(now.getTime() - launchMs).toISOString();
  const { rows } = await reader.execute<FactRecord>(sql`
    (select ${FACT}, case when a.started_at is null then 'failed' else 'lost' end as what, a.released_at as at,
      coalesce(a.end_detail, a.outcome) as detail
    from allocations a ${OF_WORK}
    where a.outcome in (${list(UNKEPT_OUTCOMES)}) and a.outcome <> 'no-capacity'
      and a.released_at > ${since.toISOString()}::timestamptz
      -- What ended with its provider, or because somebody wanted it to, is no news about the provider.
      and a.end_reason in ('refused', 'lost', 'lease-expired')
    order by a.released_at desc limit ${FACTS})
    union all
    (select ${FACT}, 'overdue', a.placed_at + make_interval(secs => ${launchMs / 1_000}), 'it has not started yet'
    from allocations a ${OF_WORK}
    where a.state in (${list(LIVE_ALLOCATION_STATES)}) and a.started_at is null
      and a.placed_at < ${late}::timestamptz and ${since.toISOString()}::timestamptz < ${late}::timestamptz
    order by a.placed_at desc limit ${FACTS})`);
  return rows.map(withDate);
}

async function loadGood(
  reader: Reader,
  now: Date,
  since: Date,
  names: readonly string[],
): Promise<WorkFact[]> {
  const { rows } = await reader.execute<FactRecord>(sql`
    select ${FACT}, seen.what, seen.at, seen.what as detail
    from unnest(${sql.param([...names])}::text[]) as wanted(name)
    cross join lateral (
      select * from allocations a where a.provider = wanted.name order by a.id desc limit ${GOOD_FACTS}) a ${OF_WORK}
    cross join lateral (
      select 'started' as what, a.started_at as at where a.started_at > ${since.toISOString()}::timestamptz
      union all
      select 'running', ${now.toISOString()}::timestamptz where a.started_at is not null and a.state = 'active') seen`);
  return rows.map(withDate);
}

const withDate = (row: FactRecord): WorkFact => ({ ...row, at: new Date(row.at) });

/** GPU faults since `since`. */
export async function loadGpuFaults(reader: Reader, since: Date): Promise<GpuFaultFact[]> {
  const { provider, at, device, gpuIndex, gpuModel, xid, text } = gpuFaults;
  return reader
    .select({ provider, at, device, gpuIndex, gpuModel, xid, text })
    .from(gpuFaults)
    .where(and(gt(gpuFaults.heardAt, since), gt(at, since)))
    .orderBy(provider, at)
    .limit(FACTS);
}

/** By provider, then by canonical model: how many GPUs its agent says that it has. */
export async function loadDevices(
  reader: Reader,
  names: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
  if (names.length === 0) return new Map();
  const rows = await reader
    .select({ name: providers.name, inventory: providers.inventory })
    .from(providers)
    .where(and(inArray(providers.name, [...names]), isNotNull(providers.inventory)));
  return new Map(
    rows.map(({ name, inventory }) => {
      const models = (inventory?.gpus ?? []).map(
        ({ model, memoryGiB }) => canonicalGpu(model, memoryGiB).model,
      );
      return [
        name,
        new Map([...Map.groupBy(models, (model) => model)].map(([model, all]) => [model, all.length])),
      ];
    }),
  );
}

export async function loadProbes(reader: Reader): Promise<ReadonlyMap<string, readonly Probe[]>> {
  const rows = await reader.select().from(brokerProbes);
  return Map.groupBy(rows, ({ provider }) => provider);
}

/** Of these, the ones where something has started since the newest of what is known of their control plane. */
export async function loadStarters(reader: Reader, names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const { rows } = await reader.execute<{ name: string }>(sql`
    select wanted.name from unnest(${sql.param([...names])}::text[]) as wanted(name)
    where exists (
      select from (select started_at from allocations a where a.provider = wanted.name order by a.id desc limit ${GOOD_FACTS}) a
      where a.started_at > coalesce((select max(s.since) from scope_health s
        where s.provider = wanted.name and s.plane = 'control' and s.state <> 'healthy'), '-infinity'))`);
  return new Set(rows.map(({ name }) => name));
}

export interface Movable {
  readonly allocationId: string;
  readonly jobId: string;
  readonly provider: string;
  readonly mode: ContinuityMode;
  readonly rtoSeconds: number | null;
}

/** `eager`: what runs and must not stop (core/response.ts, isEager). `overdue`: what was to start before `late`. */
export type MovableKind = { readonly kind: 'eager' } | { readonly kind: 'overdue'; readonly late: Date };

/** What of a scope's work may leave in good order, the most urgent first. Of the eager the SQL twin of isEager. */
export async function loadMovable(
  reader: Reader,
  provider: string,
  { region, gpuModel }: Scope,
  which: MovableKind,
  limit: number,
): Promise<Movable[]> {
  const mode = sql`j.spec -> 'continuity' ->> 'mode'`;
  const rto = sql`(j.spec -> 'continuity' ->> 'rtoSeconds')::float8`;
  const wanted =
    which.kind === 'eager'
      ? sql`a.started_at is not null and ${mode} <> 'none' and (${mode} <> 'restart' or ${rto} is not null)`
      : sql`a.started_at is null and a.placed_at < ${which.late.toISOString()}::timestamptz`;
  const { rows } = await reader.execute<Movable & Record<string, unknown>>(sql`
    select a.id as "allocationId", a.job_id as "jobId", a.provider, ${mode} as mode, ${rto} as "rtoSeconds"
    from allocations a ${OF_WORK} and j.current_allocation_id = a.id
    where a.provider = ${provider} and a.state in (${list(LIVE_ALLOCATION_STATES)})
      and j.state in ('provisioning', 'running')
      and (${region} = '*' or a.region = ${region})
      and (${gpuModel} = '*' or coalesce(o.gpu_model, ${NO_GPU}) = ${gpuModel})
      and ${wanted}
    order by ${rto} nulls last, j.deadline_at nulls last,
      j.priority desc, a.id limit ${limit}`);
  return rows;
}

/** Allocations of these that are in a scope. */
export async function idsInScope(
  reader: Reader,
  provider: string,
  { region, gpuModel }: Scope,
): Promise<ReadonlySet<string>> {
  const { rows } = await reader.execute<{ id: string }>(sql`
    select a.id from allocations a join offers o on o.provider = a.provider and o.name = a.offer
    where a.provider = ${provider} and a.state in (${list(LIVE_ALLOCATION_STATES)})
      and (${region} = '*' or a.region = ${region})
      and (${gpuModel} = '*' or coalesce(o.gpu_model, ${NO_GPU}) = ${gpuModel})`);
  return new Set(rows.map(({ id }) => id));
}

/** Is there anybody else who takes work? */
export async function anybodyElse(reader: Reader, provider: string): Promise<boolean> {
  const rows = await reader
    .select({ name: providers.name })
    .from(providers)
    .where(
      and(
        eq(providers.mode, 'active'),
        eq(providers.health, 'healthy'),
        sql`${providers.control} not in ('degraded', 'down') and ${providers.name} <> ${provider}`,
      ),
    )
    .limit(1);
  return rows.length > 0;
}
