import type { Objective } from '../job.ts';
import type { Candidate, Matching } from './match.ts';
import { scoreOf, WEIGHTS, type Rated } from './score.ts';

export interface Scored {
  readonly candidate: Candidate;
  readonly score: number;
}

export interface Choice {
  /** Best first, at most `keep`. Empty: nothing has room. */
  readonly best: readonly Scored[];
  /** What the price part is relative to. */
  readonly cheapest: number;
}

/**
 * The best candidates that have room at this moment. A walk over all of them that keeps the few best: sorting ten
 * thousand for each of a thousand jobs would cost twenty times as much.
 */
export function choose(matching: Matching, keep: number): Choice {
  const { objective } = matching.request.spec.placement;
  const weights = WEIGHTS[objective];
  const cheapest = cheapestFree(matching.candidates);
  const best: Scored[] = [];
  for (const candidate of matching.candidates) {
    if (candidate.lot.free === 0) continue;
    const scored = { candidate, score: scoreOf(weights, ratedOf(candidate), cheapest) };
    const last = best[keep - 1];
    if (last === undefined || better(objective, scored, last)) insert(objective, best, scored, keep);
  }
  return { best, cheapest };
}

export function ratedOf({ lot, sale, price }: Candidate): Rated {
  const { free, steady, accepting, offer } = lot;
  return { price, free, capacity: offer.capacity, steady, accepting, spot: sale.spot };
}

/**
 * A total order, so that the same snapshot always gives the same plan: tier; score (for `cheapest` the price
 * itself); price; on-demand before spot; more free places; names.
 */
export function better(objective: Objective, a: Scored, b: Scored): boolean {
  const { candidate: x } = a;
  const { candidate: y } = b;
  if (x.tier !== y.tier) return x.tier < y.tier;
  if (objective !== 'cheapest' && a.score !== b.score) return a.score > b.score;
  if (x.sale.rank !== y.sale.rank) return x.sale.rank < y.sale.rank;
  if (x.sale.spot !== y.sale.spot) return y.sale.spot;
  if (x.lot.free !== y.lot.free) return x.lot.free > y.lot.free;
  return x.lot.position < y.lot.position;
}

function cheapestFree(candidates: readonly Candidate[]): number {
  let cheapest = Number.POSITIVE_INFINITY;
  for (const { lot, price } of candidates) if (lot.free > 0 && price < cheapest) cheapest = price;
  return cheapest;
}

function insert(objective: Objective, best: Scored[], scored: Scored, keep: number): void {
  let at = best.length;
  while (at > 0 && better(objective, scored, best[at - 1] as Scored)) at -= 1;
  best.splice(at, 0, scored);
  if (best.length > keep) best.length = keep;
}
