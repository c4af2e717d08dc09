import type { Lot } from './market.ts';
import { accepting, steadiness } from './score.ts';
import type { PlacementProvider } from './types.ts';

/**
 * The same market as arrays of numbers. A pass asks each of ten thousand offers about each of a thousand kinds of
 * jobs; walking objects and comparing bigints took 8 s for that, this takes a tenth.
 *
 * A sale's number is 2 × position, plus 1 for spot.
 */
export interface Columns {
  // by position
  readonly always: Int32Array;
  readonly provider: Int32Array;
  readonly region: Int32Array;
  readonly shape: Int32Array;
  /** ON_DEMAND and SPOT, whether or not there is a rate. */
  readonly sold: Uint8Array;
  readonly capacity: Int32Array;
  // by sale number
  /** Order of the accounting price, equal prices equal; -1: no such sale. */
  readonly rank: Int32Array;
  /** Order of the unrounded price, for ceilings; -1: no such sale. */
  readonly exactRank: Int32Array;
  readonly price: Float64Array;
  // by what the columns above point to
  readonly regions: readonly string[];
  /** One lot of each shape (GPU model, count and memory, CPUs, memory): most offers differ only in place and price. */
  readonly shapes: readonly Lot[];
  /** Rising: what exactRank counts. */
  readonly exactPrices: readonly bigint[];
  readonly steady: Float64Array;
  readonly accepting: Float64Array;
}

export const ON_DEMAND = 1;
export const SPOT = 2;

export function columnsOf(lots: readonly Lot[], providers: readonly PlacementProvider[], now: Date): Columns {
  const regions = interned(lots, (lot) => lot.offer.region);
  const shapes = interned(lots, shapeOf);
  const sales = lots.flatMap((lot) => [lot.onDemand, lot.spot]);
  const rank = ranked(sales.map((sale) => sale?.micros ?? null));
  const exact = ranked(sales.map((sale) => sale?.exact ?? null));
  return {
    always: Int32Array.from(lots, (lot) => lot.always),
    provider: Int32Array.from(lots, (lot) => lot.providerIndex),
    region: regions.column,
    shape: shapes.column,
    sold: Uint8Array.from(lots, soldAs),
    capacity: Int32Array.from(lots, (lot) => lot.offer.capacity),
    rank: rank.column,
    exactRank: exact.column,
    price: Float64Array.from(sales, (sale) => Number(sale?.micros ?? 0n)),
    regions: regions.first.map((lot) => lot.offer.region),
    shapes: shapes.first,
    exactPrices: exact.values,
    steady: Float64Array.from(providers, (provider) => steadiness(provider, now)),
    accepting: Float64Array.from(providers, accepting),
  };
}

function shapeOf({ offer, model }: Lot): string {
  return `${model} ${offer.gpuCount} ${offer.gpuMemoryGiB} ${offer.cpus} ${offer.memoryGiB}`;
}

function soldAs({ offer }: Lot): number {
  return (
    (offer.priceMicrosPerHour === null ? 0 : ON_DEMAND) | (offer.spotPriceMicrosPerHour === null ? 0 : SPOT)
  );
}

/** Numbers for names: the column, and the first lot of each name. */
function interned(lots: readonly Lot[], nameOf: (lot: Lot) => string): { column: Int32Array; first: Lot[] } {
  const first: Lot[] = [];
  const indexes = new Map<string, number>();
  const column = Int32Array.from(lots, (lot) => {
    const name = nameOf(lot);
    const index = indexes.get(name) ?? first.push(lot) - 1;
    indexes.set(name, index);
    return index;
  });
  return { column, first };
}

function ranked(prices: readonly (bigint | null)[]): { column: Int32Array; values: bigint[] } {
  const values = [...new Set(prices.filter((price) => price !== null))].sort((a, b) =>
    a < b ? -1 : a > b ? 1 : 0,
  );
  const ranks = new Map(values.map((price, rank) => [price, rank]));
  return {
    column: Int32Array.from(prices, (price) => (price === null ? -1 : (ranks.get(price) ?? -1))),
    values,
  };
}
