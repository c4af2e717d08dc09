import { Fronts, ROUNDING, tierOf } from './fronts.ts';
import { ON_DEMAND, SPOT } from './market.ts';
import { brokenBySale, costOf } from './match.ts';
import { scoreOf } from './objective.ts';
import { availabilityAt } from './orders.ts';
import { hasRoom, placesAt, type Pass } from './pass.ts';
import { NORMAL, type Request } from './request.ts';
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

/** The best sales that have room now, best first, at most `keep`; empty where nothing has. */
export function bestNow(request: Request, pass: Pass, keep: number): Entry[] {
  const { tiers } = request;
  if (tiers === null) return bestOfTier(request, pass, NORMAL, keep);
  const found: Entry[] = [];
  for (let tier = 0; tier < TIERS.length && found.length < keep; tier += 1) {
    if (tiers.includes(tier)) found.push(...bestOfTier(request, pass, tier, keep - found.length));
  }
  return found;
}

/**
 * A total order, so that the same snapshot always gives the same plan: tier; score; price; on demand before spot;
 * fewer GPUs that nobody asked for; the pool of which others lose least; more places; names.
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
  const cost = costOf(request, pass, sale);
  const availability = availabilityAt(pass, sale);
  return {
    sale,
    tier,
    score: scoreOf(request.spec.placement.objective, cost, availability),
    cost,
    availability,
    waste: gpus - request.spec.resources.gpu.count,
    fit: fitAt(pass, position, request.needs),
    places: placesAt(pass, position),
  };
}

// ---- the search ---------------------------------------------------------------------------------------------

interface Search {
  readonly request: Request;
  readonly pass: Pass;
  readonly tier: number;
  readonly keep: number;
  /** Best first. */
  readonly found: Entry[];
}

/**
 * Merges the groups whose shape fits by what their next sale scores, and ends where nothing further on can be better
 * than the worst of those that were found, ties included.
 */
function bestOfTier(request: Request, pass: Pass, tier: number, keep: number): Entry[] {
  const search: Search = { request, pass, tier, keep, found: [] };
  if (request.always !== 0) return search.found;
  for (const sale of request.held.keys()) if (isAskedFor(request, pass, sale)) consider(search, sale);
  const fronts = new Fronts(request, pass);
  for (; fronts.sale !== null && !isBeaten(search, fronts); fronts.advance(tier)) {
    if (request.held.size === 0 || !request.held.has(fronts.sale)) consider(search, fronts.sale);
  }
  return search.found;
}

/** Can nothing from there on come before the worst of those that are kept? */
function isBeaten({ request, found, keep }: Search, { bound, cost }: Fronts): boolean {
  const worst = found[keep - 1];
  if (worst === undefined) return false;
  if (bound > worst.score * (1 + ROUNDING)) return true;
  // Thousands may be as available; points are whole, and of equal ones the cheaper come first.
  const { objective } = request.spec.placement;
  return objective === 'available' && bound === worst.score && cost > worst.cost * (1 + ROUNDING);
}

/** Is it of a shape and a sort that fits? What stands in a front is. */
function isAskedFor({ fitting, wants }: Request, pass: Pass, sale: number): boolean {
  const shape = pass.market.columns.shape[sale >> 1] ?? 0;
  return fitting.byShape[shape] === 0 && (wants & ((sale & 1) === 1 ? SPOT : ON_DEMAND)) !== 0;
}

/** Puts the sale where it belongs among those found, if it is allowed, has room and is good enough. */
function consider({ request, pass, tier, keep, found }: Search, sale: number): void {
  const position = sale >> 1;
  const { columns } = pass.market;
  const provider = columns.provider[position] ?? 0;
  if (tierOf(request, provider) !== tier || (pass.always[provider] ?? 0) !== 0) return;
  if (request.places.brokenAt(provider, columns.region[position] ?? 0) !== 0) return;
  // Whatever has room now is large enough altogether, so of its own rules only these are left.
  if (!hasRoom(pass, position, request.needs) || brokenBySale(request, pass, sale) !== 0) return;
  if ((columns.effectiveFromMs[position] ?? 0) > pass.now.getTime()) return;
  keepInOrder(found, judge(request, pass, sale, tier), keep);
}

function keepInOrder(found: Entry[], entry: Entry, keep: number): void {
  let at = found.length;
  while (at > 0 && compare(entry, found[at - 1] as Entry) < 0) at -= 1;
  if (at >= keep) return;
  found.splice(at, 0, entry);
  if (found.length > keep) found.length = keep;
}
