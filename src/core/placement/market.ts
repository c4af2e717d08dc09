import { canonicalGpu } from '../gpu.ts';
import { convertMicros } from '../money.ts';
import { bit, type Broken } from './rules.ts';
import { accepting, steadiness } from './score.ts';
import type { PlacementOffer, PlacementProvider, PlacementSnapshot } from './types.ts';

/** One way to buy an offer, priced in the accounting currency. */
export interface Sale {
  readonly spot: boolean;
  readonly listMicros: bigint;
  /** What it costs, rounded as it will be charged. */
  readonly micros: bigint;
  /** The same before rounding, times a million: what a ceiling is compared with. */
  readonly exact: bigint;
  /** Order of `micros` among all sales of the pass, equal prices equal: numbers compare faster than bigints. */
  rank: number;
}

/** An offer as one pass sees it. Only `free` changes, downwards, as the pass gives places away. */
export interface Lot {
  readonly offer: PlacementOffer;
  readonly provider: PlacementProvider;
  /** Position in the order of provider and offer names: the last tie-break. */
  readonly position: number;
  readonly providerIndex: number;
  readonly regionIndex: number;
  readonly modelIndex: number;
  /** Broken whatever a job asks for. */
  readonly always: Broken;
  /** Null: its currency has no rate (then there are no sales), or it is not sold that way. */
  readonly rateMicros: bigint | null;
  readonly onDemand: Sale | null;
  readonly spot: Sale | null;
  readonly steady: number;
  readonly accepting: number;
  free: number;
}

/** What a pass chooses from, in an order that does not depend on the order in which it was loaded. */
export interface Market {
  readonly now: Date;
  readonly currency: string;
  readonly rates: ReadonlyMap<string, bigint>;
  readonly lots: readonly Lot[];
  readonly providers: readonly PlacementProvider[];
  readonly regions: readonly string[];
  /** Canonical; index 0 is "no GPU". */
  readonly models: readonly (string | null)[];
}

export const ONE = 1_000_000n;

/** Code unit order: the same on every machine, unlike a locale's. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Builds the market of a snapshot. Offers of a provider that is not in it are left out. */
export function openMarket(snapshot: PlacementSnapshot): Market {
  const providers = [...snapshot.providers].sort((a, b) => byName(a.name, b.name));
  const indexes = {
    provider: new Map(providers.map((p, i) => [p.name, i])),
    region: interner(),
    model: interner(),
  };
  indexes.model.of(null);
  const modelIn = modelReader();
  const lots = snapshot.offers
    .filter((offer) => indexes.provider.has(offer.provider))
    .sort((a, b) => byName(a.provider, b.provider) || byName(a.name, b.name))
    .map((offer, position): Lot => {
      const providerIndex = indexes.provider.get(offer.provider) ?? 0;
      const provider = providers[providerIndex] as PlacementProvider;
      const rateMicros = rateOf(snapshot, offer.currency);
      return {
        offer,
        provider,
        position,
        providerIndex,
        regionIndex: indexes.region.of(offer.region),
        modelIndex: indexes.model.of(modelIn(offer)),
        always: alwaysBroken(snapshot.now, offer, provider, rateMicros),
        rateMicros,
        onDemand: saleOf(false, offer.priceMicrosPerHour, rateMicros),
        spot: saleOf(true, offer.spotPriceMicrosPerHour, rateMicros),
        steady: steadiness(provider, snapshot.now),
        accepting: accepting(provider),
        free: Math.max(0, offer.capacity - offer.used),
      };
    });
  rankSales(lots);
  const { now, currency, rates } = snapshot;
  const regions = indexes.region.values as string[];
  return { now, currency, rates, lots, providers, regions, models: indexes.model.values };
}

/** Price of one unit of `currency` in the accounting currency, in micros; null where nobody has said. */
export function rateOf(at: Pick<PlacementSnapshot, 'currency' | 'rates'>, currency: string): bigint | null {
  return currency === at.currency ? ONE : (at.rates.get(currency) ?? null);
}

/** Names repeat thousands of times within a pass, so each is looked up once. */
function modelReader(): (offer: PlacementOffer) => string | null {
  const known = new Map<string, string>();
  return (offer) => {
    if (offer.gpuModel === null) return null;
    const key = `${offer.gpuModel} ${offer.gpuMemoryGiB}`;
    const model = known.get(key) ?? canonicalGpu(offer.gpuModel, offer.gpuMemoryGiB || null).model;
    known.set(key, model);
    return model;
  };
}

function alwaysBroken(
  now: Date,
  offer: PlacementOffer,
  provider: PlacementProvider,
  rate: bigint | null,
): Broken {
  let broken = 0;
  if (offer.withdrawnAt !== null) broken |= bit('withdrawn');
  if (offer.effectiveFrom !== null && offer.effectiveFrom > now) broken |= bit('not-yet-effective');
  if (rate === null) broken |= bit('no-rate');
  if (provider.mode === 'draining') broken |= bit('draining');
  if (provider.health !== 'healthy') broken |= bit('health');
  return broken;
}

function saleOf(spot: boolean, listMicros: bigint | null, rate: bigint | null): Sale | null {
  if (listMicros === null || rate === null) return null;
  return { spot, listMicros, micros: convertMicros(listMicros, rate), exact: listMicros * rate, rank: 0 };
}

function rankSales(lots: readonly Lot[]): void {
  const sales = lots.flatMap((lot) => [lot.onDemand, lot.spot]).filter((sale) => sale !== null);
  sales.sort((a, b) => (a.micros < b.micros ? -1 : a.micros > b.micros ? 1 : 0));
  let rank = 0;
  sales.forEach((sale, index) => {
    if (index > 0 && sale.micros !== sales[index - 1]?.micros) rank += 1;
    sale.rank = rank;
  });
}

function interner(): { values: (string | null)[]; of(value: string | null): number } {
  const values: (string | null)[] = [];
  const indexes = new Map<string | null, number>();
  const add = (value: string | null): number => {
    indexes.set(value, values.length);
    return values.push(value) - 1;
  };
  return { values, of: (value) => indexes.get(value) ?? add(value) };
}
