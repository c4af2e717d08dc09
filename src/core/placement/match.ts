import { ON_DEMAND, SPOT } from './columns.ts';
import type { Market } from './market.ts';
import type { Request } from './request.ts';
import { bit, firstBroken, RULES, type Broken, type RuleName } from './rules.ts';

/** Every offer held against one request. Holds for a whole pass: a pass changes nothing but what is free. */
export interface Matching {
  /** Numbers of the sales that break no rule (see Columns). */
  readonly sales: Int32Array;
  /** Lots that break no rule, taken ones included. */
  readonly lots: number;
  /** Places of those lots, free or not. */
  readonly places: number;
  /** Accounting price of the cheapest of `sales`. */
  readonly cheapest: number;
  /** In the order of RULES: how many lots each rule removed, and the positions of the first few. */
  readonly removed: readonly Removed[];
  /** The lots that fit and were full already, likewise. */
  readonly full: { lots: number; readonly examples: number[] };
}

export interface Removed {
  readonly rule: RuleName;
  lots: number;
  readonly examples: number[];
}

export const EXAMPLES = 3;
const SPOT_RULE = bit('spot');
const PRICE_RULE = bit('price');

/** Everything about this lot that the request cannot live with, except capacity. */
export function brokenBy(request: Request, market: Market, position: number): Broken {
  const { columns } = market;
  return (
    request.always |
    (columns.always[position] ?? 0) |
    (request.byProvider[columns.provider[position] ?? 0] ?? 0) |
    (request.byRegion[columns.region[position] ?? 0] ?? 0) |
    (request.byShape[columns.shape[position] ?? 0] ?? 0) |
    brokenByPrice(request, market, position)
  );
}

export function matchAll(request: Request, market: Market): Matching {
  const { columns, free, lots } = market;
  const sales = new Int32Array(2 * lots.length);
  const removed = RULES.map((rule): Removed => ({ rule, lots: 0, examples: [] }));
  const full = { lots: 0, examples: [] as number[] };
  let count = 0;
  let matching = 0;
  let places = 0;
  let cheapest = Number.POSITIVE_INFINITY;
  for (let position = 0; position < lots.length; position += 1) {
    const broken = brokenBy(request, market, position);
    if (broken !== 0) {
      countIn(removed[firstBroken(broken)] as Removed, position);
      continue;
    }
    matching += 1;
    places += columns.capacity[position] ?? 0;
    if (free[position] === 0) countIn(full, position);
    for (let sale = 2 * position; sale <= 2 * position + 1; sale += 1) {
      if (!buys(request, market, sale)) continue;
      sales[count++] = sale;
      cheapest = Math.min(cheapest, columns.price[sale] ?? 0);
    }
  }
  const seen = removed.filter((one) => one.lots > 0);
  return { sales: sales.slice(0, count), lots: matching, places, cheapest, removed: seen, full };
}

export function countIn(into: { lots: number; readonly examples: number[] }, position: number): void {
  into.lots += 1;
  if (into.examples.length < EXAMPLES) into.examples.push(position);
}

function brokenByPrice(request: Request, market: Market, position: number): Broken {
  const sold = (market.columns.sold[position] ?? 0) & request.wants;
  if (sold === 0) return SPOT_RULE;
  if (request.ceiling === null || market.columns.rank[2 * position + (sold === SPOT ? 1 : 0)] === -1)
    return 0;
  return buys(request, market, 2 * position) || buys(request, market, 2 * position + 1) ? 0 : PRICE_RULE;
}

/** Is there such a sale, of a sort that the job takes, at a price that it can afford? */
function buys(request: Request, market: Market, sale: number): boolean {
  const rank = market.columns.exactRank[sale] ?? -1;
  const sort = (sale & 1) === 1 ? SPOT : ON_DEMAND;
  return rank >= 0 && rank <= request.ceilingRank && (request.wants & sort) !== 0;
}
