import type { Objective } from '../job.ts';
import type { Market } from './market.ts';
import { availabilityOf, roomShare, scoreOf } from './objective.ts';
import { placesAt, type Pass } from './pass.ts';

/**
 * The sales of each shape in the order of what they can score at best in this pass: whatever is taken makes scores
 * only worse, so a search that goes along these lists may stop where nothing further on can win.
 */
export interface Orders {
  readonly groups: Market['groups'];
  /** By sale: its score for a job that pays one hour, with all that was free when the pass began. */
  readonly base: Float64Array;
  /** By group (2 × shape + spot): where the first sale is that may have room. What is sold out is not met again. */
  readonly starts: Int32Array;
  /** Pass.given when the starts were last right: what was given back may lie before them. */
  given: number;
}

const known = new WeakMap<Pass, Map<Objective, Orders>>();

/** Made when first asked for: a pass without jobs of an objective needs none. */
export function ordersOf(pass: Pass, objective: Objective): Orders {
  let orders = known.get(pass);
  if (orders === undefined) known.set(pass, (orders = new Map<Objective, Orders>()));
  const made = orders.get(objective) ?? makeOrders(pass, objective);
  orders.set(objective, made);
  if (made.given !== pass.given) made.starts.fill(0);
  made.given = pass.given;
  return made;
}

/** Moves a group's start on to the first sale that anybody could have; where that is. */
export function startOf(pass: Pass, orders: Orders, group: number, sales: Int32Array): number {
  let start = orders.starts[group] ?? 0;
  while (start < sales.length && isGone(pass, (sales[start] ?? 0) >> 1)) start += 1;
  orders.starts[group] = start;
  return start;
}

function isGone(pass: Pass, position: number): boolean {
  return (
    placesAt(pass, pass, position) <= 0 ||
    (pass.always[pass.market.columns.provider[position] ?? 0] ?? 0) !== 0
  );
}

function makeOrders(pass: Pass, objective: Objective): Orders {
  const { market } = pass;
  const starts = new Int32Array(2 * market.groups.length);
  const { given } = pass;
  if (objective === 'cheapest') return { groups: market.groups, base: market.columns.price, starts, given };
  const base = Float64Array.from(market.columns.price, (price, sale) =>
    scoreOf(objective, price, availabilityAt(pass, sale, pass.opened)),
  );
  const inOrder = (sales: Int32Array) =>
    Int32Array.from(sales).sort((a, b) => (base[a] ?? 0) - (base[b] ?? 0) || a - b);
  const groups = market.groups.map(([onDemand, spot]) => [inOrder(onDemand), inOrder(spot)] as const);
  return { groups, base, starts, given };
}

/** Points; the same whoever asks. */
export function availabilityAt(pass: Pass, sale: number, at: Pick<Pass, 'free' | 'poolFree'> = pass): number {
  const { columns } = pass.market;
  const provider = columns.provider[sale >> 1] ?? 0;
  return availabilityOf(
    roomShare(placesAt(pass, at, sale >> 1), columns.capacity[sale >> 1] ?? 0),
    pass.steady[provider] ?? 0,
    pass.accepting[provider] ?? 0,
    1 - (sale & 1),
  );
}
