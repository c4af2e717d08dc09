import type { Objective } from '../job.ts';
import { availabilityOf, roomShare, scoreOf } from './objective.ts';
import { placesAt, type Pass } from './pass.ts';

/**
 * The sales of each group (of one shape, on demand or spot) in the order of what they score now, for a job that pays one
 * hour. Who pays more hours pays as many times more for each of them, so within a group the order is the same for all.
 * What is taken or given back is put where it belongs when somebody asks next.
 */
export interface Orders {
  readonly objective: Objective;
  /** As Market.groups; what nobody can have stands last. */
  readonly groups: readonly Int32Array[];
  /** By sale: its score; Infinity: nobody can have it. */
  readonly base: Float64Array;
  /** By sale: where it stands in its group. */
  readonly at: Int32Array;
  /** By group: score and price of its first sale, next to each other, as every search begins with them. */
  readonly heads: Float64Array;
  readonly headPrices: Float64Array;
  /** Lent to one search at a time. */
  readonly fronts: FrontColumns;
  /** How much of Pass.touched is reckoned in. */
  seen: number;
}

/** What a search keeps while it lasts (fronts.ts): by group, and numbers of groups in a heap. */
export interface FrontColumns {
  readonly heap: Int32Array;
  readonly at: Int32Array;
  readonly bound: Float64Array;
  readonly cost: Float64Array;
}

/** Made when first asked for: a pass without jobs of an objective needs none. */
export function ordersOf(pass: Pass, objective: Objective): Orders {
  let orders = pass.orders.get(objective);
  if (orders === undefined) pass.orders.set(objective, (orders = makeOrders(pass, objective)));
  catchUp(pass, orders);
  return orders;
}

function makeOrders(pass: Pass, objective: Objective): Orders {
  const { groups: byPrice, columns } = pass.market;
  const base = Float64Array.from(columns.price, (_, sale) => baseOf(pass, objective, sale));
  const groups = byPrice.map((sales) =>
    Int32Array.from(sales).sort((a, b) => inOrder(base, columns.price, a, b)),
  );
  const at = new Int32Array(base.length);
  for (const sales of groups) sales.forEach((sale, index) => (at[sale] = index));
  const heads = Float64Array.from(groups, ([first]) => base[first ?? -1] ?? Infinity);
  const headPrices = Float64Array.from(groups, ([first]) => columns.price[first ?? -1] ?? Infinity);
  const fronts = {
    heap: new Int32Array(groups.length),
    at: new Int32Array(groups.length),
    bound: new Float64Array(groups.length),
    cost: new Float64Array(groups.length),
  };
  return { objective, groups, base, at, heads, headPrices, fronts, seen: pass.touched.length };
}

function baseOf(pass: Pass, objective: Objective, sale: number): number {
  const { columns } = pass.market;
  const position = sale >> 1;
  const closed = (pass.always[columns.provider[position] ?? 0] ?? 0) !== 0;
  if (closed || placesAt(pass, position) <= 0) return Infinity;
  const price = columns.price[sale] ?? 0;
  return objective === 'cheapest' ? price : scoreOf(objective, price, availabilityAt(pass, sale));
}

/** Equal scores by price: of two that are as available the cheaper one is looked at first. */
function inOrder(base: Float64Array, price: Float64Array, a: number, b: number): number {
  const [first = 0, second = 0] = [base[a], base[b]];
  // Both may be infinite.
  return first === second ? (price[a] ?? 0) - (price[b] ?? 0) || a - b : first - second;
}

function catchUp(pass: Pass, orders: Orders): void {
  const { touched, market } = pass;
  for (; orders.seen < touched.length; orders.seen += 1) {
    const position = touched[orders.seen] ?? 0;
    const mates = market.poolLots[market.columns.pool[position] ?? -1];
    if (mates === undefined) reorder(pass, orders, position);
    else for (const mate of mates) reorder(pass, orders, mate);
  }
}

function reorder(pass: Pass, orders: Orders, position: number): void {
  const { rank, shape, price } = pass.market.columns;
  for (const sale of [2 * position, 2 * position + 1]) {
    if ((rank[sale] ?? -1) < 0) continue;
    const base = baseOf(pass, orders.objective, sale);
    if (base === orders.base[sale]) continue;
    orders.base[sale] = base;
    const group = 2 * (shape[position] ?? 0) + (sale & 1);
    shift(orders.groups[group] ?? NONE, orders, price, sale);
    const first = orders.groups[group]?.[0] ?? -1;
    orders.heads[group] = orders.base[first] ?? Infinity;
    orders.headPrices[group] = price[first] ?? Infinity;
  }
}

const NONE = new Int32Array(0);

/** Moves one sale along its group until it stands right. */
function shift(group: Int32Array, { base, at }: Orders, price: Float64Array, sale: number): void {
  let to = at[sale] ?? 0;
  for (; to + 1 < group.length; to += 1) {
    const next = group[to + 1] ?? 0;
    if (inOrder(base, price, sale, next) < 0) break;
    group[to] = next;
    at[next] = to;
  }
  for (; to > 0; to -= 1) {
    const before = group[to - 1] ?? 0;
    if (inOrder(base, price, before, sale) < 0) break;
    group[to] = before;
    at[before] = to;
  }
  group[to] = sale;
  at[sale] = to;
}

/** Points; the same whoever asks. */
export function availabilityAt(pass: Pass, sale: number): number {
  const { columns } = pass.market;
  const provider = columns.provider[sale >> 1] ?? 0;
  return availabilityOf(
    roomShare(placesAt(pass, sale >> 1), columns.capacity[sale >> 1] ?? 0),
    pass.steady[provider] ?? 0,
    pass.accepting[provider] ?? 0,
    1 - (sale & 1),
  );
}
