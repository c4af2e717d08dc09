import { ON_DEMAND, SPOT } from './market.ts';
import { brokenByLot, brokenBySale, priceOf } from './match.ts';
import { scoreOf } from './objective.ts';
import { availabilityAt, ordersOf, startOf, type Orders } from './orders.ts';
import { hasRoom, placesAt, type Pass } from './pass.ts';
import type { Request } from './request.ts';
import { fitAt } from './tightness.ts';
import { TIERS } from './types.ts';

/** One way to buy one offer, as good as it is at one moment. */
export interface Entry {
  readonly sale: number;
  /** Index into TIERS. */
  readonly tier: number;
  /** What the objective minimizes. */
  readonly score: number;
  /** Micros, of the whole job. */
  readonly cost: number;
  /** Points. */
  readonly availability: number;
  /** GPUs of the offer that nobody asked for. */
  readonly waste: number;
  /** What others lose of the pool by it: the less, the better it packs. */
  readonly fit: number;
  readonly places: number;
}

/** The best few of one request, kept over a pass. */
export interface Shortlist {
  entries: Entry[];
  /** The worst entry when the list was made; everything that is not on it was no better. Null: it holds everything. */
  bar: Entry | null;
  /** Pass.taken and Pass.given when it was made or looked through. */
  taken: number;
  given: number;
}

const LENGTH = 32;
/** A bound is a product in another order than the score that it bounds. */
const ROUNDING = 1e-9;

export function emptyShortlist(): Shortlist {
  return { entries: [], bar: null, taken: -1, given: -1 };
}

/**
 * The best sales that have room now, best first, at most `keep`; empty where nothing has.
 *
 * A list of the best 32 answers most questions of a pass: places are only taken, so scores only get worse, and
 * whatever on the list is still better than its bar is better than everything that is not. Only when fewer than
 * `keep` are, or somebody gave something back, the market is looked at again.
 */
export function best(request: Request, pass: Pass, list: Shortlist, keep: number): readonly Entry[] {
  if (list.given !== pass.given) survey(request, pass, list);
  else if (list.taken !== pass.taken) {
    refresh(request, pass, list);
    if (!stillBest(pass, list, keep)) survey(request, pass, list);
  }
  list.taken = pass.taken;
  list.given = pass.given;
  return list.entries.slice(0, keep);
}

/** A pool that gets tighter packs better, so with pools what is not on the list may have passed what is. */
function stillBest({ market }: Pass, { entries, bar }: Shortlist, keep: number): boolean {
  if (bar === null) return true;
  const last = entries[keep - 1];
  return market.pools.length === 0 && last !== undefined && compare(last, bar) < 0;
}

/** At most `keep` of the best, whatever was found before. */
export function bestNow(request: Request, pass: Pass, keep: number): Entry[] {
  const found: Entry[] = [];
  for (let tier = 0; tier < TIERS.length && found.length < keep; tier += 1) {
    if (request.tiers.includes(tier)) found.push(...bestOfTier(request, pass, tier, keep - found.length));
  }
  return found;
}

function survey(request: Request, pass: Pass, list: Shortlist): void {
  list.entries = bestNow(request, pass, LENGTH);
  list.bar = list.entries.length < LENGTH ? null : (list.entries.at(-1) ?? null);
}

function refresh(request: Request, pass: Pass, list: Shortlist): void {
  list.entries = list.entries
    .filter(({ sale }) => hasRoom(pass, sale >> 1, request.needs))
    .map((entry) => judge(request, pass, entry.sale, entry.tier))
    .sort(compare);
}

/**
 * A total order, so that the same snapshot always gives the same plan: tier; score; price; on demand before spot;
 * fewer GPUs that nobody asked for; the pool of which
 * others lose least; more places; names.
 */
export function compare(a: Entry, b: Entry): number {
  return (
    a.tier - b.tier ||
    a.score - b.score ||
    a.cost - b.cost ||
    (a.sale & 1) - (b.sale & 1) ||
    a.waste - b.waste ||
    a.fit - b.fit ||
    b.places - a.places ||
    a.sale - b.sale
  );
}

/** How good a sale is now. */
export function judge(request: Request, pass: Pass, sale: number, tier: number): Entry {
  const { columns } = pass.market;
  const position = sale >> 1;
  const gpus = columns.gpuCount[position] ?? 0;
  const paid = request.paidHours[2 * (columns.shape[position] ?? 0) + (sale & 1)] ?? 0;
  const cost = priceOf(request, pass, sale) * paid;
  const availability = availabilityAt(pass, sale);
  return {
    sale,
    tier,
    score: scoreOf(request.spec.placement.objective, cost, availability),
    cost,
    availability,
    waste: gpus - request.spec.resources.gpu.count,
    fit: fitAt(pass, position, request.needs),
    places: placesAt(pass, pass, position),
  };
}

// ---- the search ---------------------------------------------------------------------------------------------

/** A group's next sale and a bound that nothing after it can beat. */
interface Front {
  readonly sales: Int32Array;
  at: number;
  bound: number;
  /** What a base has to be multiplied with to be a score of this request. */
  readonly factor: number;
}

/**
 * The groups whose shape fits, merged by what their next sale could score at best. Stops as soon as no group's next can
 * be better than the worst of those found, ties included.
 */
function bestOfTier(request: Request, pass: Pass, tier: number, keep: number): Entry[] {
  const orders = ordersOf(pass, request.spec.placement.objective);
  const heap = fronts(request, pass, orders);
  const found: Entry[] = [];
  for (const sale of request.held.keys())
    if (isAskedFor(request, pass, sale)) consider(request, pass, tier, keep, sale, found);
  while (heap.length > 0) {
    const front = heap[0] as Front;
    const worst = found[keep - 1];
    if (worst !== undefined && front.bound > worst.score * (1 + ROUNDING)) break;
    const sale = front.sales[front.at] ?? 0;
    front.at += 1;
    if (front.at < front.sales.length) {
      front.bound = (orders.base[front.sales[front.at] ?? 0] ?? 0) * front.factor;
      sink(heap);
    } else drop(heap);
    if (!request.held.has(sale)) consider(request, pass, tier, keep, sale, found);
  }
  return found;
}

/** Is it of a shape and a sort that fits? What stands in a front is. */
function isAskedFor({ byShape, wants }: Request, pass: Pass, sale: number): boolean {
  const shape = pass.market.columns.shape[sale >> 1] ?? 0;
  return byShape[shape] === 0 && (wants & ((sale & 1) === 1 ? SPOT : ON_DEMAND)) !== 0;
}

function fronts(request: Request, pass: Pass, orders: Orders): Front[] {
  const heap: Front[] = [];
  const { byShape, wants, paidHours, spec } = request;
  const factored = spec.placement.objective !== 'available';
  for (let shape = 0; shape < byShape.length; shape += 1) {
    if (byShape[shape] !== 0) continue;
    for (const kind of [0, 1] as const) {
      if ((wants & (kind === 1 ? SPOT : ON_DEMAND)) === 0) continue;
      const sales = orders.groups[shape]?.[kind];
      if (sales === undefined) continue;
      const at = startOf(pass, orders, 2 * shape + kind, sales);
      if (at === sales.length) continue;
      const factor = factored ? (paidHours[2 * shape + kind] ?? 0) : 1;
      heap.push({ sales, at, bound: (orders.base[sales[at] ?? 0] ?? 0) * factor, factor });
    }
  }
  for (let index = (heap.length >> 1) - 1; index >= 0; index -= 1) sink(heap, index);
  return heap;
}

function sink(heap: Front[], from = 0): void {
  const moving = heap[from];
  if (moving === undefined) return;
  let hole = from;
  for (;;) {
    let child = 2 * hole + 1;
    const left = heap[child];
    if (left === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && right.bound < left.bound) child += 1;
    const smaller = heap[child] as Front;
    if (smaller.bound >= moving.bound) break;
    heap[hole] = smaller;
    hole = child;
  }
  heap[hole] = moving;
}

function drop(heap: Front[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  sink(heap);
}

/** Puts the sale where it belongs among those found, if it fits, has room and is good enough. */
function consider(
  request: Request,
  pass: Pass,
  tier: number,
  keep: number,
  sale: number,
  found: Entry[],
): void {
  const position = sale >> 1;
  const { columns } = pass.market;
  const provider = columns.provider[position] ?? 0;
  if (request.tiers[provider] !== tier) return;
  const broken =
    (request.places.byProvider[provider] ?? 0) |
    (request.places.byRegion[columns.region[position] ?? 0] ?? 0) |
    (pass.always[provider] ?? 0);
  if (broken !== 0 || !hasRoom(pass, position, request.needs)) return;
  if (brokenBySale(request, pass, sale) !== 0 || brokenByLot(request, pass, position) !== 0) return;
  const entry = judge(request, pass, sale, tier);
  let at = found.length;
  while (at > 0 && compare(entry, found[at - 1] as Entry) < 0) at -= 1;
  if (at >= keep) return;
  found.splice(at, 0, entry);
  if (found.length > keep) found.length = keep;
}
