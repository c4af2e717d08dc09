import { and, gt, inArray, or, sql } from 'drizzle-orm';
import { HOLDING_ALLOCATION_STATES } from '../../core/allocation.ts';
import { UNKEPT_OUTCOMES } from '../../core/order.ts';
import type { Shape } from '../../core/placement/mix.ts';
import type { PlacementProvider } from '../../core/placement/types.ts';
import type { Policies } from '../../core/policy.ts';
import { MULTI_NODE_BROKERS } from '../../core/provider.ts';
import { stateOf } from '../../core/response.ts';
import type { PoolUse, ProviderUse, WorldState } from '../../core/world.ts';
import { allocations, exchangeRates, offers, pools, providers } from '../schema.ts';
import type { Reader, Tx } from '../store.ts';
import { verifiedUntil } from '../../core/drill/verified.ts';
import { readVerifiedPairs } from '../read/verifications.ts';
import { loadShut } from './shut.ts';
import { loadPolicies, loadRules } from './rules.ts';

/** What a world needs that no table has. */
export interface WorldAsked {
  readonly now: Date;
  /** The accounting currency. */
  readonly currency: string;
  /** What holds where the database has no table of that name. */
  readonly defaults: Policies;
}

/** A provider as placement sees it, and the versions of its terms and of what is said about it. */
export type WorldProvider = Omit<PlacementProvider, 'recentRefusals' | 'sick' | 'full'> & {
  readonly offersVersion: number;
  readonly version: number;
};

/** In the order of names. */
export async function loadWorldProviders(reader: Reader): Promise<WorldProvider[]> {
  const rows = await reader
    .select({
      name: providers.name,
      vendor: providers.vendor,
      site: providers.site,
      realm: providers.realm,
      certifications: providers.certifications,
      attestedAt: providers.attestedAt,
      mode: providers.mode,
      health: providers.health,
      healthSince: providers.healthSince,
      control: providers.control,
      brokerKind: providers.brokerKind,
      offersVersion: providers.offersVersion,
      version: providers.version,
    })
    .from(providers)
    .orderBy(providers.name);
  return rows.map(({ attestedAt, control, ...row }) => ({
    ...row,
    health: stateOf({ control, data: row.health }),
    attested: attestedAt !== null,
    // Of a moment, so it is said where that is known (loadState).
    verifiedUntil: null,
    multiNode: MULTI_NODE_BROKERS.includes(row.brokerKind),
  }));
}

/** Everything of a world that changes all the time: little, and read through indexes of what is in use. */
export async function loadState(
  tx: Tx,
  { now, currency, defaults }: WorldAsked,
  rows: readonly WorldProvider[],
): Promise<WorldState> {
  const unkept = await countUnkept(tx, now);
  const verifiedPairs = await readVerifiedPairs(tx, now);
  const shut = await loadShut(tx, now);
  return {
    now,
    currency,
    rates: await loadRates(tx, now),
    providers: rows.map(({ offersVersion: _, version: __, ...row }) => ({
      ...row,
      verifiedUntil: verifiedUntil(verifiedPairs, row.name),
      recentRefusals: unkept.get(row.name) ?? 0,
      ...shut.get(row.name),
    })),
    verifiedPairs,
    uses: await loadUses(tx),
    demand: await loadDemand(tx),
    ...(await loadRules(tx)),
    ...(await loadPolicies(tx, defaults)),
    providerVersions: new Map(rows.map(({ name, version }) => [name, version])),
  };
}

/** The newest rate of each currency that has one by `now`. */
async function loadRates(reader: Reader, now: Date): Promise<ReadonlyMap<string, bigint>> {
  const rows = await reader
    .selectDistinctOn([exchangeRates.currency], {
      currency: exchangeRates.currency,
      rateMicros: exchangeRates.rateMicros,
    })
    .from(exchangeRates)
    .where(sql`${exchangeRates.asOf} <= ${now.toISOString()}`)
    .orderBy(exchangeRates.currency, sql`${exchangeRates.asOf} desc`);
  return new Map(rows.map((row) => [row.currency, row.rateMicros]));
}

async function loadUses(reader: Reader): Promise<ReadonlyMap<string, ProviderUse>> {
  const uses = new Map<string, { offers: Map<string, number>; pools: Map<string, PoolUse> }>();
  const of = (provider: string) => {
    const known = uses.get(provider) ?? { offers: new Map(), pools: new Map() };
    uses.set(provider, known);
    return known;
  };
  const inUse = await reader
    .select({ provider: offers.provider, name: offers.name, used: offers.used })
    .from(offers)
    .where(gt(offers.used, 0));
  for (const { provider, name, used } of inUse) of(provider).offers.set(name, used);
  const drawnOn = await reader
    .select({
      provider: pools.provider,
      name: pools.name,
      usedGpus: pools.usedGpus,
      usedCpuMillis: pools.usedCpuMillis,
      usedMemoryMiB: pools.usedMemoryMiB,
    })
    .from(pools)
    .where(or(gt(pools.usedGpus, 0), gt(pools.usedCpuMillis, 0), gt(pools.usedMemoryMiB, 0)));
  for (const { provider, name, ...use } of drawnOn) of(provider).pools.set(name, use);
  return uses;
}

/** How far back a provider's refusals count against it. */
const LATELY_SECONDS = 600;

/** Allocations that each provider refused or lost lately. */
async function countUnkept(reader: Reader, now: Date): Promise<ReadonlyMap<string, number>> {
  const rows = await reader
    .select({ provider: allocations.provider, n: sql<number>`count(*)::int` })
    .from(allocations)
    .where(
      and(
        inArray(allocations.outcome, [...UNKEPT_OUTCOMES]),
        sql`${allocations.releasedAt} > ${now.toISOString()}::timestamptz - make_interval(secs => ${LATELY_SECONDS})`,
      ),
    )
    .groupBy(allocations.provider);
  return new Map(rows.map(({ provider, n }) => [provider, n]));
}

/** Kinds of demand that are told apart; the rest would each be too few to matter. */
const SHAPES = 40;

/** What holds of pools, by shape: read through the index of what holds anything. */
async function loadDemand(reader: Reader): Promise<Shape[]> {
  const holding = sql.param([...HOLDING_ALLOCATION_STATES]);
  const { rows } = await reader.execute<Omit<Shape, 'models'> & { model: string | null }>(sql`
    select (a.pool_gpus / a.nodes) as gpus, (a.pool_cpu_millis / a.nodes)::float8 as "cpuMillis",
      (a.pool_memory_mib / a.nodes)::float8 as "memoryMiB", o.gpu_model as model, count(*)::int as popularity
    from allocations a join offers o on o.provider = a.provider and o.name = a.offer
    where a.state = any(${holding}::text[]) and a.pool is not null
    group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4 limit ${SHAPES}`);
  return rows.map(({ model, ...shape }) => ({ ...shape, models: model === null ? [] : [model] }));
}
