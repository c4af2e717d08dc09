import { and, asc, isNull, sql } from 'drizzle-orm';
import type { ProviderTerms, TermsOfOffer, TermsOfPool } from '../../core/world.ts';
import { offers, pools } from '../schema.ts';
import type { ProviderRow, Tx } from '../store.ts';

/** What this process has read of catalogs: by provider, as of one `offers_version`. */
export type TermsCache = Map<string, ProviderTerms>;

type Version = Pick<ProviderRow, 'name' | 'offersVersion'>;

/**
 * What every provider sells, read anew only where its `offers_version` is another one than that of what is kept.
 *
 * Why that never gives old terms: who changes terms raises the version in the same transaction, and the provider's row
 * makes such transactions take turns. So a version belongs to one state of the terms, and `tx`, a snapshot, sees both
 * of the same moment. A cache may be used by several loads at once: what each gets is of its own snapshot's versions.
 *
 * @param tx a snapshot, of which `versions` is, too
 */
export async function loadTerms(
  tx: Tx,
  cache: TermsCache,
  versions: readonly Version[],
): Promise<readonly ProviderTerms[]> {
  const kept = new Map(versions.flatMap((version) => keptOf(cache, version)));
  const missing = versions.filter(({ name }) => !kept.has(name));
  for (const terms of await readTerms(tx, missing)) {
    kept.set(terms.provider, terms);
    // A slow load must not put back what another has replaced meanwhile.
    if ((cache.get(terms.provider)?.version ?? -1) < terms.version) cache.set(terms.provider, terms);
  }
  return versions.flatMap(({ name }) => kept.get(name) ?? []);
}

function keptOf(cache: TermsCache, { name, offersVersion }: Version): [string, ProviderTerms][] {
  const terms = cache.get(name);
  return terms?.version === offersVersion ? [[name, terms]] : [];
}

async function readTerms(tx: Tx, versions: readonly Version[]): Promise<ProviderTerms[]> {
  if (versions.length === 0) return [];
  const names = versions.map(({ name }) => name);
  const offerRows = await tx
    .select(TERMS)
    .from(offers)
    .where(and(sql`${offers.provider} = any(${sql.param(names)}::text[])`, isNull(offers.withdrawnAt)))
    .orderBy(asc(offers.provider), asc(offers.name));
  const poolRows = await tx
    .select(POOL_TERMS)
    .from(pools)
    .where(sql`${pools.provider} = any(${sql.param(names)}::text[])`)
    .orderBy(asc(pools.provider), asc(pools.name));
  const offersOf = Map.groupBy(offerRows, ({ provider }) => provider);
  const poolsOf = Map.groupBy(poolRows, ({ provider }) => provider);
  return versions.map(({ name, offersVersion }) => ({
    provider: name,
    version: offersVersion,
    offers: (offersOf.get(name) ?? []).map((row): TermsOfOffer => ({ ...row, used: 0 })),
    pools: (poolsOf.get(name) ?? []).map((row): TermsOfPool => ({ ...row, ...UNUSED })),
  }));
}

const UNUSED = { usedGpus: 0, usedCpuMillis: 0, usedMemoryMiB: 0 } as const;

/** Not what the vendor wrote word for word, which is most of a row. */
const TERMS = {
  provider: offers.provider,
  name: offers.name,
  region: offers.region,
  gpuModel: offers.gpuModel,
  gpuCount: offers.gpuCount,
  gpuMemoryGiB: offers.gpuMemoryGiB,
  gpuFormFactor: offers.gpuFormFactor,
  cpus: offers.cpus,
  memoryGiB: offers.memoryGiB,
  capacity: offers.capacity,
  priceMicrosPerHour: offers.priceMicrosPerHour,
  spotPriceMicrosPerHour: offers.spotPriceMicrosPerHour,
  currency: offers.currency,
  pool: offers.pool,
  effectiveFrom: offers.effectiveFrom,
};

const POOL_TERMS = {
  provider: pools.provider,
  name: pools.name,
  gpus: pools.gpus,
  cpuMillis: pools.cpuMillis,
  memoryMiB: pools.memoryMiB,
};
