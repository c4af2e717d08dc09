import type { AllocationRole, AllocationState } from '../../src/core/allocation.ts';
import type { JobState, Waiting } from '../../src/core/job.ts';
import { defaultPolicies } from '../../src/core/policy-defaults.ts';
import type { RuleSet } from '../../src/core/rules.ts';
import { MONEY, NO_MONEY, type MoneyRows } from './books.ts';
import type { Law, OfferFacts, PlaceFacts, Wanted } from './oracle.ts';

/** A job as it is stored. */
export interface JobFacts extends Wanted {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly waiting: Waiting | null;
  /** How many places are to stand by for it, and why fewer do. */
  readonly spares: number;
  readonly spareWaiting: Waiting | null;
  readonly current: string | null;
  readonly attempts: number;
  readonly version: number;
  /** Provider → until when it is avoided. */
  readonly avoid: Readonly<Record<string, string>>;
  readonly row: string;
}

export interface AllocationFacts {
  readonly id: string;
  readonly job: string;
  readonly provider: string;
  readonly offer: string;
  readonly spot: boolean;
  readonly nodes: number;
  readonly role: AllocationRole;
  readonly slot: number;
  readonly tookOver: string | null;
  readonly startedMs: number | null;
  readonly state: AllocationState;
  /** When it was decided. */
  readonly placedMs: number;
  /** Of all nodes. */
  readonly listMicros: string;
  readonly currency: string;
  readonly priceMicros: string;
  readonly seconds: number;
  /** Null: nobody holds money for it. */
  readonly paidSeconds: number | null;
  readonly chargedMicros: string;
  readonly outcome: string | null;
  readonly exitCode: number | null;
  readonly endReason: string | null;
  readonly leaseUntil: string;
  readonly region: string;
  /** Seen to run. */
  readonly started: boolean;
  readonly pool: string | null;
  /** What it takes of the pool: GPUs, CPU millis, MiB. */
  readonly draw: Amounts;
  readonly row: string;
}

export type Amounts = readonly [gpus: number, cpuMillis: number, memoryMiB: number];

export interface OfferState extends OfferFacts {
  readonly capacity: number;
  readonly used: number;
  readonly withdrawn: boolean;
  /** Of one place; null: not sold so. */
  readonly onDemandMicros: string | null;
  readonly spotMicros: string | null;
}

export interface PoolState {
  readonly provider: string;
  readonly name: string;
  /** Null: not limited. */
  readonly totals: readonly [number, number | null, number | null];
  readonly used: Amounts;
}

export interface ProviderFacts extends PlaceFacts {
  readonly mode: string;
  readonly health: string;
  readonly healthSinceMs: number;
  /** Milliseconds between the verdict and what was last heard, counted from when we began to listen. */
  readonly silentMs: number | null;
  readonly kind: string;
  /** When it was last heard, or when we began to listen if that was later; null: it never was. */
  readonly heardAtMs: number | null;
  readonly control: string;
  /** Has its vendor ever said outage or maintenance? */
  readonly warned: boolean;
}

/** The verdict over a part of a provider; `*`: every. */
export interface ScopeFacts {
  readonly provider: string;
  readonly region: string;
  readonly gpuModel: string;
  readonly plane: string;
  readonly state: string;
}

export interface EventFacts {
  readonly seq: number;
  readonly job: string;
  readonly type: string;
  readonly allocation: string | null;
}

export interface Snapshot {
  readonly jobs: ReadonlyMap<string, JobFacts>;
  readonly allocations: ReadonlyMap<string, AllocationFacts>;
  /** By provider/name, as pools. */
  readonly offers: ReadonlyMap<string, OfferState>;
  readonly pools: ReadonlyMap<string, PoolState>;
  readonly providers: ReadonlyMap<string, ProviderFacts>;
  /** That are not over, and cuts that hold. */
  readonly drills: number;
  readonly cuts: number;
  readonly scopes: readonly ScopeFacts[];
  readonly law: Law;
  readonly money: MoneyRows;
}

/** What the snapshot's statement answers. */
export interface Rows {
  readonly jobs: JobFacts[];
  readonly allocations: AllocationFacts[];
  readonly offers: OfferState[];
  readonly pools: PoolState[];
  readonly providers: ProviderFacts[];
  readonly drills: number;
  readonly cuts: number;
  readonly scopes: ScopeFacts[];
  readonly organizations: RulesRow[];
  readonly projects: RulesRow[];
  readonly policies: { readonly name: string; readonly body: never }[];
  readonly events: EventFacts[];
  readonly money: MoneyRows;
}

interface RulesRow {
  readonly name: string;
  readonly rules: RuleSet | null;
}

/** In order, because the order of rows on disk is nobody's choice. One statement, because a snapshot of two would be of two moments. */
export const SNAPSHOT = `select json_build_object(
  'jobs', (select coalesce(json_agg(json_build_object('id', id, 'name', name, 'state', state, 'spec', spec, 'waiting', waiting,
    'organization', organization, 'project', project, 'quote', quote, 'avoid', avoid, 'spares', spares,
    'spareWaiting', spare_waiting,
    'current', current_allocation_id, 'attempts', attempts, 'version', version, 'row', (to_jsonb(jobs) - 'spec')::text) order by id), '[]') from jobs),
  'allocations', (select coalesce(json_agg(json_build_object('id', id, 'job', job_id, 'provider', provider, 'offer', offer,
    'spot', spot, 'nodes', nodes, 'role', role, 'slot', slot, 'tookOver', took_over, 'state', state,
    'startedMs', extract(epoch from started_at) * 1000, 'placedMs', extract(epoch from placed_at) * 1000,
    'listMicros', list_price_micros_per_hour::text, 'currency', list_currency,
    'priceMicros', price_micros_per_hour::text, 'seconds', metered_seconds, 'paidSeconds', paid_seconds, 'chargedMicros', charged_micros::text,
    'outcome', outcome, 'exitCode', exit_code, 'endReason', end_reason, 'leaseUntil', lease_until,
    'region', region, 'started', started_at is not null,
    'pool', pool, 'draw', json_build_array(pool_gpus, pool_cpu_millis, pool_memory_mib),
    'row', to_jsonb(allocations)::text) order by id), '[]') from allocations),
  'providers', (select json_agg(json_build_object('name', name, 'site', site, 'realm', realm, 'certifications', certifications,
    'attested', attested_at is not null, 'drilled', exists (select from verifications v where v.from_provider = providers.name),
    'mode', mode, 'health', health, 'control', control,
    'warned', exists (select from provider_health h where h.provider = providers.name and h.source = 'vendor'
      and h.state in ('outage', 'maintenance')),
    'kind', broker_kind, 'heardAtMs', case when last_contact_at is not null then extract(epoch from greatest(last_contact_at,
      (select (value ->> 'since')::timestamptz from engine_facts where engine_facts.name = 'listening'))) * 1000 end,
    'healthSinceMs', extract(epoch from health_since) * 1000, 'silentMs',
    extract(epoch from health_since - greatest(last_contact_at, (select (value ->> 'since')::timestamptz from engine_facts
      where engine_facts.name = 'listening' and (value ->> 'since')::timestamptz <= health_since))) * 1000)) from providers),
  'scopes', (select coalesce(json_agg(json_build_object('provider', provider, 'region', region, 'gpuModel', gpu_model,
    'plane', plane, 'state', state) order by provider, region, gpu_model, plane), '[]') from scope_health),
  'offers', (select coalesce(json_agg(json_build_object('provider', provider, 'name', name, 'gpuModel', gpu_model,
    'gpuFormFactor', gpu_form_factor, 'gpuCount', gpu_count, 'gpuMemoryGiB', gpu_memory_gib, 'cpus', cpus, 'memoryGiB', memory_gib,
    'region', region, 'currency', currency, 'pool', pool, 'capacity', capacity, 'used', used, 'withdrawn', withdrawn_at is not null,
    'onDemandMicros', price_micros_per_hour::text, 'spotMicros', spot_price_micros_per_hour::text)
    order by provider, name), '[]') from offers),
  'pools', (select coalesce(json_agg(json_build_object('provider', provider, 'name', name,
    'totals', json_build_array(gpus, cpu_millis, memory_mib), 'used', json_build_array(used_gpus, used_cpu_millis, used_memory_mib))
    order by provider, name), '[]') from pools),
  'organizations', (select json_agg(json_build_object('name', name, 'rules', rules)) from organizations),
  'projects', (select json_agg(json_build_object('name', name, 'rules', rules)) from projects),
  'drills', (select count(*) from drills where state in ('planned', 'running', 'restoring')),
  'cuts', (select count(*) from drill_cuts c join drills d on d.id = c.drill_id where c.until_at > d.finished_at),
  'policies', (select coalesce(json_agg(json_build_object('name', name, 'body', body)), '[]') from policies),
  'money', ${MONEY},
  'events', (select coalesce(json_agg(json_build_object('seq', seq, 'job', job_id, 'type', type, 'allocation', allocation_id)
    order by seq), '[]') from events where seq > $1)) as world`;

export function snapshotOf(rows: Rows): Snapshot {
  const named = <T extends { readonly name: string }>(list: readonly T[]) =>
    new Map(list.map((one) => [one.name, one]));
  const placed = <T extends { readonly provider: string; readonly name: string }>(list: readonly T[]) =>
    new Map(list.map((one) => [`${one.provider}/${one.name}`, one]));
  return {
    jobs: new Map(rows.jobs.map((job) => [job.id, job])),
    allocations: new Map(rows.allocations.map((one) => [one.id, one])),
    offers: placed(rows.offers),
    pools: placed(rows.pools),
    providers: named(rows.providers),
    drills: rows.drills,
    cuts: rows.cuts,
    scopes: rows.scopes,
    law: lawOf(rows),
    money: rows.money,
  };
}

function lawOf({
  organizations,
  projects,
  policies,
}: Pick<Rows, 'organizations' | 'projects' | 'policies'>): Law {
  const stored = new Map(policies.map(({ name, body }) => [name, body]));
  // What nobody stored is as it comes with the program.
  const defaults = defaultPolicies();
  return {
    organizations: new Map(organizations.map(({ name, rules }) => [name, rules])),
    projects: new Map(projects.map(({ name, rules }) => [name, rules])),
    dataGrades: stored.get('data-grades') ?? defaults.dataGrades,
    capacityClasses: stored.get('capacity-classes') ?? defaults.capacityClasses,
    gpuSpeeds: stored.get('gpu-speeds') ?? defaults.gpuSpeeds,
  };
}

export const NOTHING: Snapshot = snapshotOf({
  jobs: [],
  allocations: [],
  offers: [],
  pools: [],
  providers: [],
  drills: 0,
  cuts: 0,
  scopes: [],
  organizations: [],
  projects: [],
  policies: [],
  events: [],
  money: NO_MONEY,
});
