import { canonicalGpu } from '../gpu.ts';
import { convertMicros } from '../money.ts';
import type { Pool } from '../offer.ts';
import { cellsOf, type Cells } from './cells.ts';
import { byName, interned, ranked } from './columns.ts';
import type { PlacementOffer, World } from './types.ts';

/** What is sold, without who has taken what: changes only when a vendor or a rate does. */
export type Terms = Pick<World, 'currency' | 'rates' | 'offers' | 'pools'> & {
  /** Names; offers of others are left out. */
  readonly providers: readonly string[];
};

/** One way to buy an offer, priced in the accounting currency. */
export interface Sale {
  readonly listMicros: bigint;
  readonly listCurrency: string;
  readonly rateMicros: bigint;
  /** What it costs, rounded as it will be charged. */
  readonly micros: bigint;
  /** The same before rounding, times a million: what a ceiling is compared with. */
  readonly exact: bigint;
}

export interface Lot {
  readonly offer: PlacementOffer;
  /** Canonical; null for an offer without a GPU. */
  readonly model: string | null;
  /** Null: its currency has no rate, so there are no sales. */
  readonly rateMicros: bigint | null;
  readonly onDemand: Sale | null;
  readonly spot: Sale | null;
}

/**
 * What a pass chooses from. A lot is known by its position, in the order of provider and offer names, so nothing
 * depends on the order in which things were loaded; a sale's number is 2 × position, plus 1 for spot.
 *
 * Most offers differ only in place and price, so questions are asked of what they share: of a *shape* (GPU, CPUs,
 * memory) once, of a *cell* (a shape at one provider in one region) once, and offers of one shape are kept in the
 * order of their price (a *group*), so that the best are found without looking at the rest. (Walking 30,000 offers
 * for each of a thousand kinds of jobs took 4 s.)
 */
export interface Market {
  readonly currency: string;
  readonly rates: ReadonlyMap<string, bigint>;
  /** In the order of names. */
  readonly providers: readonly string[];
  readonly regions: readonly string[];
  readonly pools: readonly Pool[];
  /** By provider and name, a newline between. */
  readonly poolAt: ReadonlyMap<string, number>;
  /** By pool: positions of the lots that draw on it. */
  readonly poolLots: readonly (readonly number[])[];
  readonly lots: readonly Lot[];
  /** One lot of each shape. */
  readonly shapes: readonly Lot[];
  readonly cells: Cells;
  /** By group (2 × shape, plus 1 for spot): numbers of its sales, cheapest first. */
  readonly groups: readonly Int32Array[];
  /** By group: the price of its first, micros per hour; Infinity: it has none. */
  readonly cheapest: Float64Array;
  readonly columns: Columns;
  /** Rising: what exactRank and rank count. */
  readonly exactPrices: readonly bigint[];
  readonly roundedPrices: readonly bigint[];
}

export interface Columns {
  // by position
  readonly provider: Int32Array;
  readonly region: Int32Array;
  readonly shape: Int32Array;
  /** Index into pools; -1: stands for itself. */
  readonly pool: Int32Array;
  readonly capacity: Int32Array;
  readonly gpuCount: Int32Array;
  /** ON_DEMAND and SPOT, whether or not there is a rate. */
  readonly sold: Uint8Array;
  /** Milliseconds since the epoch from which it is sold; -Infinity: it is. */
  readonly effectiveFromMs: Float64Array;
  // by sale number
  /** Order of the accounting price, equal prices equal; -1: no such sale. */
  readonly rank: Int32Array;
  /** Order of the unrounded price, for ceilings; -1: no such sale. */
  readonly exactRank: Int32Array;
  /** Micros per hour, accounting currency. */
  readonly price: Float64Array;
}

export const ON_DEMAND = 1;
export const SPOT = 2;
const ONE = 1_000_000n;

/** Price of one unit of `currency` in the accounting currency, in micros; null where nobody has said. */
export function rateOf(at: Pick<World, 'currency' | 'rates'>, currency: string): bigint | null {
  return currency === at.currency ? ONE : (at.rates.get(currency) ?? null);
}

/** A price with a rate. */
export function saleAt(listMicros: bigint, listCurrency: string, rateMicros: bigint): Sale {
  const micros = convertMicros(listMicros, rateMicros);
  return { listMicros, listCurrency, rateMicros, micros, exact: listMicros * rateMicros };
}

export function saleOf(market: Market, sale: number): Sale | null {
  const lot = market.lots[sale >> 1];
  return ((sale & 1) === 1 ? lot?.spot : lot?.onDemand) ?? null;
}

export function openMarket(terms: Terms): Market {
  const providers = [...terms.providers].sort(byName);
  const providerAt = new Map(providers.map((name, index) => [name, index]));
  const lots = lotsOf(terms, providerAt);
  const pools = [...terms.pools].sort((a, b) => byName(a.provider, b.provider) || byName(a.name, b.name));
  const poolAt = new Map(pools.map((pool, index) => [`${pool.provider}\n${pool.name}`, index]));
  const regions = interned(lots, ({ offer }) => offer.region);
  const shapes = interned(lots, shapeOf);
  const sales = lots.flatMap((lot) => [lot.onDemand, lot.spot]);
  const rank = ranked(sales.map((sale) => sale?.micros ?? null));
  const exact = ranked(sales.map((sale) => sale?.exact ?? null));
  const columns: Columns = {
    provider: Int32Array.from(lots, ({ offer }) => providerAt.get(offer.provider) ?? 0),
    region: regions.column,
    shape: shapes.column,
    pool: Int32Array.from(lots, ({ offer: { provider, pool } }) =>
      pool === null ? -1 : (poolAt.get(`${provider}\n${pool}`) ?? -1),
    ),
    capacity: Int32Array.from(lots, ({ offer }) => offer.capacity),
    gpuCount: Int32Array.from(lots, ({ offer }) => offer.gpuCount),
    sold: Uint8Array.from(lots, soldAs),
    effectiveFromMs: Float64Array.from(lots, ({ offer }) => offer.effectiveFrom?.getTime() ?? -Infinity),
    rank: rank.column,
    exactRank: exact.column,
    price: Float64Array.from(sales, (sale) => Number(sale?.micros ?? 0n)),
  };
  const groups = groupsOf(columns, shapes.first.length);
  return {
    currency: terms.currency,
    rates: terms.rates,
    providers,
    regions: regions.first.map(({ offer }) => offer.region),
    pools,
    poolAt,
    poolLots: poolLotsOf(columns, pools.length),
    lots,
    shapes: shapes.first,
    cells: cellsOf(columns, shapes.first.length),
    groups,
    cheapest: Float64Array.from(groups, ([first]) =>
      first === undefined ? Infinity : (columns.price[first] ?? Infinity),
    ),
    columns,
    exactPrices: exact.values,
    roundedPrices: rank.values,
  };
}

function lotsOf(terms: Terms, providers: ReadonlyMap<string, number>): Lot[] {
  const modelIn = modelReader();
  return terms.offers
    .filter((offer) => providers.has(offer.provider))
    .sort((a, b) => byName(a.provider, b.provider) || byName(a.name, b.name))
    .map((offer) => {
      const rateMicros = rateOf(terms, offer.currency);
      const priced = (list: bigint | null) =>
        list === null || rateMicros === null ? null : saleAt(list, offer.currency, rateMicros);
      const onDemand = priced(offer.priceMicrosPerHour);
      return {
        offer,
        model: modelIn(offer),
        rateMicros,
        onDemand,
        spot: priced(offer.spotPriceMicrosPerHour),
      };
    });
}

function shapeOf({ offer, model }: Lot): string {
  return `${model} ${offer.gpuFormFactor} ${offer.gpuCount} ${offer.gpuMemoryGiB} ${offer.cpus} ${offer.memoryGiB}`;
}

function soldAs({ offer }: Lot): number {
  return (
    (offer.priceMicrosPerHour === null ? 0 : ON_DEMAND) | (offer.spotPriceMicrosPerHour === null ? 0 : SPOT)
  );
}

/** Names repeat thousands of times within a market, so each is looked up once. */
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

function poolLotsOf({ pool }: Columns, pools: number): number[][] {
  const lots = Array.from({ length: pools }, (): number[] => []);
  pool.forEach((at, position) => lots[at]?.push(position));
  return lots;
}

function groupsOf({ shape, exactRank }: Columns, shapes: number): Int32Array[] {
  const lists = Array.from({ length: 2 * shapes }, (): number[] => []);
  exactRank.forEach((rank, sale) => {
    if (rank >= 0) lists[2 * (shape[sale >> 1] ?? 0) + (sale & 1)]?.push(sale);
  });
  return lists.map((list) =>
    Int32Array.from(list).sort((a, b) => (exactRank[a] ?? 0) - (exactRank[b] ?? 0) || a - b),
  );
}
