import type { Objective } from '../job.ts';
import type { Market } from './market.ts';
import type { Matching } from './match.ts';
import type { Request } from './request.ts';
import { pointsOf, priceShare, roomShare, WEIGHTS } from './score.ts';

/** One way to buy one offer, as good as it is at one moment. */
export interface Entry {
  /** See Columns. */
  sale: number;
  /** Index into TIERS. */
  tier: number;
  /** The score in millionths. */
  points: number;
  rank: number;
  free: number;
}

/** The best few of one request, kept over a pass. */
export interface Shortlist {
  entries: Entry[];
  /** The worst entry when the list was made; everything that is not on it was no better. Null: it holds everything. */
  bar: Entry | null;
}

const LENGTH = 32;

/**
 * The best sales that have room now, best first, at most `keep`; empty where nothing has.
 *
 * A list of the best 32 answers most questions of a pass: places are only given away, so scores only fall, and
 * whatever on the list is still better than its bar is better than everything that is not. Only when fewer than
 * `keep` are, everything is looked at again. (Scoring ten thousand offers anew for each of a thousand jobs took 4 s.)
 */
export function best(
  request: Request,
  market: Market,
  matching: Matching,
  list: Shortlist,
  keep: number,
): Entry[] {
  const { objective } = request.spec.placement;
  refresh(request, market, matching, list);
  const worth = (entry: Entry | undefined) =>
    entry !== undefined && list.bar !== null && better(objective, entry, list.bar);
  if (list.bar !== null && !worth(list.entries[keep - 1])) survey(request, market, matching, list);
  return list.entries.slice(0, keep);
}

export function emptyShortlist(): Shortlist {
  // A bar that nothing beats: the first question makes the list.
  return { entries: [], bar: { sale: 0, tier: -1, points: 0, rank: 0, free: 0 } };
}

/**
 * A total order, so that the same snapshot always gives the same plan: tier; score (for `cheapest` the price
 * itself); price; on-demand before spot; more free places; names.
 */
export function better(objective: Objective, a: Entry, b: Entry): boolean {
  if (a.tier !== b.tier) return a.tier < b.tier;
  if (objective !== 'cheapest' && a.points !== b.points) return a.points > b.points;
  if (a.rank !== b.rank) return a.rank < b.rank;
  if ((a.sale & 1) !== (b.sale & 1)) return (a.sale & 1) < (b.sale & 1);
  if (a.free !== b.free) return a.free > b.free;
  return a.sale < b.sale;
}

/** Looks at everything and keeps the best. */
function survey(request: Request, market: Market, matching: Matching, list: Shortlist): void {
  const { objective } = request.spec.placement;
  const entries: Entry[] = [];
  const probe: Entry = { sale: 0, tier: 0, points: 0, rank: 0, free: 0 };
  for (const sale of matching.sales) {
    if (market.free[sale >> 1] === 0) continue;
    judge(request, market, matching, sale, probe);
    const last = entries[LENGTH - 1];
    if (last === undefined || better(objective, probe, last)) insert(objective, entries, { ...probe });
  }
  list.entries = entries;
  list.bar = entries.length < LENGTH ? null : { ...(entries[LENGTH - 1] as Entry) };
}

function refresh(request: Request, market: Market, matching: Matching, list: Shortlist): void {
  const { objective } = request.spec.placement;
  const changed = list.entries.some((entry) => entry.free !== market.free[entry.sale >> 1]);
  if (!changed) return;
  list.entries = list.entries.filter((entry) => market.free[entry.sale >> 1] !== 0);
  for (const entry of list.entries) judge(request, market, matching, entry.sale, entry);
  list.entries.sort((a, b) => (better(objective, a, b) ? -1 : 1));
}

/** Fills in how good a sale is now. */
function judge(request: Request, market: Market, matching: Matching, sale: number, into: Entry): void {
  const { columns } = market;
  const position = sale >> 1;
  const provider = columns.provider[position] ?? 0;
  const free = market.free[position] ?? 0;
  into.sale = sale;
  into.tier = request.tiers[provider] ?? 1;
  into.rank = columns.rank[sale] ?? 0;
  into.free = free;
  into.points = pointsOf(
    WEIGHTS[request.spec.placement.objective],
    priceShare(columns.price[sale] ?? 0, matching.cheapest),
    roomShare(free, columns.capacity[position] ?? 0),
    columns.steady[provider] ?? 0,
    columns.accepting[provider] ?? 0,
    1 - (sale & 1),
  );
}

function insert(objective: Objective, entries: Entry[], entry: Entry): void {
  let at = entries.length;
  while (at > 0 && better(objective, entry, entries[at - 1] as Entry)) at -= 1;
  entries.splice(at, 0, entry);
  if (entries.length > LENGTH) entries.length = LENGTH;
}
