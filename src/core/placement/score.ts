import type { Objective } from '../job.ts';
import type { PlacementProvider } from './types.ts';

/**
 * What a score is made of; each part lies between 0 (worst) and 1 (best).
 *
 * price      price of the cheapest offer that fits (taken or not) / this price; accounting currency, whole offers
 * room       free / (capacity + 1): the free share, less so for an offer of few places, which is one claim away
 *            from having none (1 of 1 is 0.5, 90 of 100 is 0.89)
 * steady     0, ½, 1 for a provider that has been healthy for under a minute, under ten minutes, longer. Steps,
 *            so that three seconds more of good health never outweigh a price
 * accepting  1 / (1 + allocations that the provider refused or lost lately)
 * onDemand   1, or 0 for spot, which can be taken away
 *
 * No part rises while a pass gives places away, which choose.ts relies on.
 */
export const SCORE_PARTS = ['price', 'room', 'steady', 'accepting', 'onDemand'] as const;
export type ScorePart = (typeof SCORE_PARTS)[number];
export type Parts = Readonly<Record<ScorePart, number>>;

/**
 * score = Σ weight × part. `available` looks at prices only to break ties; `balanced` is half of each.
 * `cheapest` is ordered by the exact price, not by the ratio, so that nothing is lost to rounding.
 */
export const WEIGHTS: Readonly<Record<Objective, Parts>> = {
  cheapest: { price: 1, room: 0, steady: 0, accepting: 0, onDemand: 0 },
  available: { price: 0, room: 0.6, steady: 0.15, accepting: 0.15, onDemand: 0.1 },
  balanced: { price: 0.5, room: 0.3, steady: 0.075, accepting: 0.075, onDemand: 0.05 },
};

/** In whole millionths, so that equal is equal and a stored score is the score that decided. */
export function pointsOf(
  weights: Parts,
  price: number,
  room: number,
  steady: number,
  accepts: number,
  onDemand: number,
): number {
  return Math.round(
    1e6 *
      (weights.price * price +
        weights.room * room +
        weights.steady * steady +
        weights.accepting * accepts +
        weights.onDemand * onDemand),
  );
}

export function priceShare(price: number, cheapest: number): number {
  return price === 0 ? 1 : cheapest / price;
}

export function roomShare(free: number, capacity: number): number {
  return free / (capacity + 1);
}

export function steadiness(provider: Pick<PlacementProvider, 'healthSince'>, now: Date): number {
  const seconds = (now.getTime() - provider.healthSince.getTime()) / 1000;
  return seconds < 60 ? 0 : seconds < 600 ? 0.5 : 1;
}

export function accepting(provider: Pick<PlacementProvider, 'recentRefusals'>): number {
  return 1 / (1 + Math.max(0, provider.recentRefusals));
}
