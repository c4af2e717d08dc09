import type { Objective } from '../job.ts';
import type { PlacementProvider } from './types.ts';

/**
 * What a score is made of; each part lies between 0 (worst) and 1 (best).
 *
 * price      cheapest candidate's price / this price, both in the accounting currency and for the whole offer
 * room       free / (capacity + 1): the free share, less so for an offer of few places, which is one claim away
 *            from having none (1 of 1 is 0.5, 90 of 100 is 0.89)
 * steady     0, ½, 1 for a provider that has been healthy for under a minute, under ten minutes, longer. Steps,
 *            so that three seconds more of good health never outweigh a price
 * accepting  1 / (1 + allocations that the provider refused or lost lately)
 * onDemand   1, or 0 for spot, which can be taken away
 */
export const SCORE_PARTS = ['price', 'room', 'steady', 'accepting', 'onDemand'] as const;
export type ScorePart = (typeof SCORE_PARTS)[number];
export type Weights = Readonly<Record<ScorePart, number>>;

/**
 * score = Σ weight × part. `available` looks at prices only to break ties; `balanced` is half of each.
 * `cheapest` is ordered by the exact price, not by the ratio, so that nothing is lost to rounding.
 */
export const WEIGHTS: Readonly<Record<Objective, Weights>> = {
  cheapest: { price: 1, room: 0, steady: 0, accepting: 0, onDemand: 0 },
  available: { price: 0, room: 0.6, steady: 0.15, accepting: 0.15, onDemand: 0.1 },
  balanced: { price: 0.5, room: 0.3, steady: 0.075, accepting: 0.075, onDemand: 0.05 },
};

/** The parts of one way to buy one offer. Prices as numbers: a ratio needs no more than 15 digits. */
export interface Rated {
  readonly price: number;
  readonly free: number;
  readonly capacity: number;
  readonly steady: number;
  readonly accepting: number;
  readonly spot: boolean;
}

export function partsOf(rated: Rated, cheapest: number): Record<ScorePart, number> {
  return {
    price: round(priceShare(rated.price, cheapest)),
    room: round(rated.free / (rated.capacity + 1)),
    steady: rated.steady,
    accepting: round(rated.accepting),
    onDemand: rated.spot ? 0 : 1,
  };
}

/** Rounded to a millionth, so that equal is equal and a stored score is the score that decided. */
export function scoreOf(weights: Weights, rated: Rated, cheapest: number): number {
  return round(
    weights.price * priceShare(rated.price, cheapest) +
      weights.room * (rated.free / (rated.capacity + 1)) +
      weights.steady * rated.steady +
      weights.accepting * rated.accepting +
      (rated.spot ? 0 : weights.onDemand),
  );
}

export function steadiness(provider: Pick<PlacementProvider, 'healthSince'>, now: Date): number {
  const seconds = (now.getTime() - provider.healthSince.getTime()) / 1000;
  return seconds < 60 ? 0 : seconds < 600 ? 0.5 : 1;
}

export function accepting(provider: Pick<PlacementProvider, 'recentRefusals'>): number {
  return 1 / (1 + Math.max(0, provider.recentRefusals));
}

function priceShare(price: number, cheapest: number): number {
  return price === 0 ? 1 : cheapest / price;
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
