import type { FormFactor } from './gpu.ts';

/**
 * Replacing what a provider sells: which offers are new, which differ, which are gone. Offers are never deleted,
 * because allocations were made of them; gone ones are withdrawn and come back under the same name.
 */
export interface OfferTerms {
  readonly name: string;
  readonly region: string;
  readonly gpuModel: string | null;
  readonly gpuCount: number;
  readonly gpuMemoryGiB: number;
  readonly gpuFormFactor: FormFactor | null;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly capacity: number;
  readonly priceMicrosPerHour: bigint | null;
  readonly spotPriceMicrosPerHour: bigint | null;
  readonly currency: string;
  readonly pool: string | null;
  readonly effectiveFrom: Date | null;
  /** What the vendor wrote, where the canonical fields differ from it. */
  readonly listed: Record<string, unknown> | null;
}

/** What a pool has in all. Null: that dimension is not limited. */
export interface PoolTerms {
  readonly name: string;
  readonly gpus: number;
  readonly cpuMillis: number | null;
  readonly memoryMiB: number | null;
}

export interface StoredTerms extends OfferTerms {
  readonly withdrawnAt: Date | null;
}

export interface OfferSetChange<Terms extends OfferTerms> {
  /** New, or withdrawn before. */
  readonly added: readonly Terms[];
  readonly updated: readonly Terms[];
  readonly unchanged: number;
  /** Names of those that are sold now and are no longer wanted. */
  readonly withdrawn: readonly string[];
}

/**
 * What makes the stored set the wanted one. Names in `wanted` are unique.
 *
 * @param poolsAnew names of pools with other totals: an offer that draws on one is another one than before, too
 */
export function diffOfferSet<Terms extends OfferTerms>(
  stored: readonly StoredTerms[],
  wanted: readonly Terms[],
  poolsAnew: ReadonlySet<string> = new Set(),
): OfferSetChange<Terms> {
  const live = new Map(
    stored.filter((offer) => offer.withdrawnAt === null).map((offer) => [offer.name, offer]),
  );
  const names = new Set(wanted.map((offer) => offer.name));
  const added = wanted.filter((offer) => !live.has(offer.name));
  const updated = wanted.filter((offer) => {
    const before = live.get(offer.name);
    return before !== undefined && (!sameTerms(before, offer) || poolsAnew.has(offer.pool ?? ''));
  });
  const withdrawn = [...live.keys()].filter((name) => !names.has(name));
  return { added, updated, unchanged: wanted.length - added.length - updated.length, withdrawn };
}

/** The pools whose totals are to be written. Names in `wanted` are unique. */
export function changedPools(stored: readonly PoolTerms[], wanted: readonly PoolTerms[]): PoolTerms[] {
  const known = new Map(stored.map((pool) => [pool.name, pool]));
  return wanted.filter((pool) => {
    const before = known.get(pool.name);
    return (
      before?.gpus !== pool.gpus || before.cpuMillis !== pool.cpuMillis || before.memoryMiB !== pool.memoryMiB
    );
  });
}

function sameTerms(a: OfferTerms, b: OfferTerms): boolean {
  return (
    a.region === b.region &&
    a.gpuModel === b.gpuModel &&
    a.gpuCount === b.gpuCount &&
    a.gpuMemoryGiB === b.gpuMemoryGiB &&
    a.gpuFormFactor === b.gpuFormFactor &&
    a.pool === b.pool &&
    a.cpus === b.cpus &&
    a.memoryGiB === b.memoryGiB &&
    a.capacity === b.capacity &&
    a.priceMicrosPerHour === b.priceMicrosPerHour &&
    a.spotPriceMicrosPerHour === b.spotPriceMicrosPerHour &&
    a.currency === b.currency &&
    (a.effectiveFrom?.getTime() ?? null) === (b.effectiveFrom?.getTime() ?? null)
  );
}
