import type { Waiting } from '../job.ts';
import type { Lot, Market } from './market.ts';
import { brokenBy, type Matching } from './match.ts';
import { nearestMiss, some } from './near.ts';
import type { Request } from './request.ts';
import { MATCH, NO_RATE } from './rules.ts';
import type { QueuedJob } from './types.ts';

/** Waits that have nothing to do with what is offered, and come before everything else. Null: it may be placed. */
export function heldBack(
  job: QueuedJob,
  now: Date,
): { readonly until: Date; readonly waiting: Waiting } | null {
  if (job.fencedUntil && job.fencedUntil > now) {
    const detail = `its last place may still be running it; that ends by ${job.fencedUntil.toISOString()} at the latest`;
    return { until: job.fencedUntil, waiting: { reason: 'fencing', detail } };
  }
  if (job.notBefore && job.notBefore > now) {
    const detail = `tried again from ${job.notBefore.toISOString()}, after ${job.attempts} attempts`;
    return { until: job.notBefore, waiting: { reason: 'backoff', detail } };
  }
  return null;
}

/**
 * Why nothing could be chosen. The offer that came furthest decides: one that is only taken beats one whose
 * provider is ill, that beats one without a rate, and only where none of those is there does nothing match.
 */
export function whyWaiting(request: Request, market: Market, matching: Matching): Waiting {
  if (matching.lots > 0) return noCapacity(market, matching);
  const fitting = market.lots.filter((_, position) => (brokenBy(request, market, position) & MATCH) === 0);
  const rated = request.always & NO_RATE ? [] : fitting.filter((lot) => lot.rateMicros !== null);
  if (rated.length > 0) return providerHealth(rated);
  if (fitting.length > 0) return noRate(request, market, fitting);
  return { reason: 'no-match', detail: nearestMiss(request, market) };
}

function noCapacity(market: Market, { sales, places }: Matching): Waiting {
  const names = [...sales].map((sale) => market.lots[sale >> 1]).flatMap((lot) => (lot ? nameOf(lot) : []));
  const detail = `needs 1 free place in ${some(names, 3)}: 0 of ${places} ${places === 1 ? 'is' : 'are'}`;
  return { reason: 'no-capacity', detail };
}

function providerHealth(lots: readonly Lot[]): Waiting {
  const offers =
    lots.length === 1
      ? '1 offer fits, but its provider takes'
      : `${lots.length} offers fit, but their providers take`;
  const states = lots.map(({ provider }) =>
    provider.health === 'healthy'
      ? `${provider.name} is ${provider.mode}`
      : `${provider.name} is ${provider.health}`,
  );
  return { reason: 'provider-health', detail: `${offers} no new work: ${some(states)}` };
}

function noRate(request: Request, market: Market, lots: readonly Lot[]): Waiting {
  const limit = request.spec.placement.maxPricePerHour;
  const asked = limit && !request.ceiling ? [limit.currency] : [];
  const missing = lots.filter((lot) => lot.rateMicros === null).map(({ offer }) => offer.currency);
  const what = asked.length > 0 ? 'maxPricePerHour' : 'every offer that fits';
  const currencies = some(asked.length > 0 ? asked : missing);
  const detail = `${what} is in ${currencies}, which has no exchange rate to ${market.currency}: set one`;
  return { reason: 'no-rate', detail };
}

function nameOf({ offer }: Lot): string {
  return `${offer.provider}/${offer.name}`;
}
