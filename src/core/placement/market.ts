import { canonicalGpu } from '../gpu.ts';
import { convertMicros } from '../money.ts';
import { columnsOf, type Columns } from './columns.ts';
import { bit, type Broken } from './rules.ts';
import type { PlacementOffer, PlacementProvider, PlacementSnapshot } from './types.ts';

/** One way to buy an offer, priced in the accounting currency. */
export interface Sale {
  readonly spot: boolean;
  readonly listMicros: bigint;
  /** What it costs, rounded as it will be charged. */
  readonly micros: bigint;
  /** The same before rounding, times a million: what a ceiling is compared with. */
  readonly exact: bigint;
}

/** An offer as one pass sees it. */
export interface Lot {
  readonly offer: PlacementOffer;
  readonly provider: PlacementProvider;
  readonly providerIndex: number;
  /** Canonical; null for an offer without a GPU. */
  readonly model: string | null;
  /** Broken whatever a job asks for. */
  readonly always: Broken;
  /** Null: its currency has no rate, so there are no sales. */
  readonly rateMicros: bigint | null;
  readonly onDemand: Sale | null;
  readonly spot: Sale | null;
}

/**
 * What a pass chooses from. A lot is known by its position, in the order of provider and offer names, so nothing
 * depends on the order in which things were loaded. Only `free` and `exhausted` change, as places are given away.
 */
export interface Market {
  readonly now: Date;
  readonly currency: string;
  readonly rates: ReadonlyMap<string, bigint>;
  readonly providers: readonly PlacementProvider[];
  readonly lots: readonly Lot[];
  readonly columns: Columns;
  /** By position: places left. */
  readonly free: Int32Array;
  /** Positions of lots whose last place was given away in this pass, in that order. */
  readonly exhausted: number[];
}

const ONE = 1_000_000n;

/** Code unit order: the same on every machine, unlike a locale's. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Builds the market of a snapshot. Offers of a provider that is not in it are left out. */
export function openMarket(snapshot: PlacementSnapshot): Market {
  const { now, currency, rates } = snapshot;
  const providers = [...snapshot.providers].sort((a, b) => byName(a.name, b.name));
  const indexes = new Map(providers.map((provider, index) => [provider.name, index]));
  const modelIn = modelReader();
  const lots = [...snapshot.offers]
    .sort((a, b) => byName(a.provider, b.provider) || byName(a.name, b.name))
    .flatMap((offer) => {
      const index = indexes.get(offer.provider);
      const provider = index === undefined ? undefined : providers[index];
      return provider ? lotOf(snapshot, offer, provider, index ?? 0, modelIn(offer)) : [];
    });
  const free = Int32Array.from(lots, ({ offer }) => Math.max(0, offer.capacity - offer.used));
  return {
    now,
    currency,
    rates,
    providers,
    lots,
    columns: columnsOf(lots, providers, now),
    free,
    exhausted: [],
  };
}

/** Price of one unit of `currency` in the accounting currency, in micros; null where nobody has said. */
export function rateOf(at: Pick<PlacementSnapshot, 'currency' | 'rates'>, currency: string): bigint | null {
  return currency === at.currency ? ONE : (at.rates.get(currency) ?? null);
}

/** Gives one place of a lot away. */
export function take(market: Market, position: number): void {
  const left = (market.free[position] ?? 0) - 1;
  market.free[position] = left;
  if (left === 0) market.exhausted.push(position);
}

function lotOf(
  snapshot: PlacementSnapshot,
  offer: PlacementOffer,
  provider: PlacementProvider,
  providerIndex: number,
  model: string | null,
): Lot {
  const rateMicros = rateOf(snapshot, offer.currency);
  const always = alwaysBroken(snapshot.now, offer, provider, rateMicros);
  const onDemand = saleOf(false, offer.priceMicrosPerHour, rateMicros);
  const spot = saleOf(true, offer.spotPriceMicrosPerHour, rateMicros);
  return { offer, provider, providerIndex, model, always, rateMicros, onDemand, spot };
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
  return { spot, listMicros, micros: convertMicros(listMicros, rate), exact: listMicros * rate };
}
