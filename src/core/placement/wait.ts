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
export function whyWaiting(matching: Matching, market: Market): Waiting {
  const { request } = matching;
  if (matching.matching > 0) return noCapacity(matching);
  const fitting = market.lots
    .map((lot) => ({ lot, broken: brokenBy(request, lot) }))
    .filter(({ broken }) => (broken & MATCH) === 0);
  const rated = fitting.filter(({ broken }) => (broken & NO_RATE) === 0).map(({ lot }) => lot);
  if (rated.length > 0) return providerHealth(rated);
  if (fitting.length > 0)
    return noRate(
      request,
      market,
      fitting.map(({ lot }) => lot),
    );
  return { reason: 'no-match', detail: nearestMiss(request, market) };
}

function noCapacity(matching: Matching): Waiting {
  const lots = [...new Set(matching.candidates.map(({ lot }) => lot))];
  const places = lots.reduce((sum, { offer }) => sum + offer.capacity, 0);
  const names = some(
    lots.map(({ offer }) => `${offer.provider}/${offer.name}`),
    3,
  );
  const detail = `needs 1 free place in ${names}: 0 of ${places} ${places === 1 ? 'is' : 'are'}`;
  return { reason: 'no-capacity', detail };
}

function providerHealth(lots: readonly Lot[]): Waiting {
  const states = lots.map(({ provider }) =>
    provider.health === 'healthy'
      ? `${provider.name} is ${provider.mode}`
      : `${provider.name} is ${provider.health}`,
  );
  const offers =
    lots.length === 1
      ? '1 offer fits, but its provider takes'
      : `${lots.length} offers fit, but their providers take`;
  return { reason: 'provider-health', detail: `${offers} no new work: ${some(states)}` };
}

function noRate(request: Request, market: Market, lots: readonly Lot[]): Waiting {
  const limit = request.spec.placement.maxPricePerHour;
  const asked = limit && !request.ceiling ? [limit.currency] : [];
  const missing = lots.filter((lot) => lot.rateMicros === null).map(({ offer }) => offer.currency);
  const currencies = some([...asked, ...missing]);
  const what = asked.length > 0 ? 'maxPricePerHour' : 'every offer that fits';
  const detail = `${what} is in ${currencies}, with no exchange rate to ${market.currency}: set one for it`;
  return { reason: 'no-rate', detail };
}
