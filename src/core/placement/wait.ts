import type { Waiting } from '../job.ts';
import type { Approval } from '../ledger/approval.ts';
import { formatMicros } from '../money.ts';
import { lacking } from './hold.ts';
import { brokenByEach, leftAt } from './match.ts';
import { nearestMiss, some } from './near.ts';
import type { Pass } from './pass.ts';
import type { Request } from './request.ts';
import { MATCH, NO_RATE, type Broken } from './rules.ts';
import { fullnessOf, sickness } from './shut.ts';
import type { QueuedJob } from './types.ts';

/** Waits that have nothing to do with what is offered, and come before everything else. Null: it may be placed. */
export function heldBack(
  job: QueuedJob,
  now: Date,
  currency: string,
): { readonly until: Date | null; readonly waiting: Waiting } | null {
  if (job.approval !== undefined) return { until: null, waiting: forApproval(job.approval, currency) };
  if (job.standbyAt !== undefined) {
    const until = job.fencedUntil ?? now;
    const detail = `where it stands by, ${job.standbyAt}, it goes on by ${until.toISOString()}`;
    return { until, waiting: { reason: 'fencing', detail } };
  }
  if (job.fencedUntil && job.fencedUntil > now) {
    const detail = `its last place may still be running it; that ends by ${job.fencedUntil.toISOString()} at the latest`;
    return { until: job.fencedUntil, waiting: { reason: 'fencing', detail } };
  }
  if (job.notBefore && job.notBefore > now && job.unpaid !== undefined) {
    const detail = `${job.unpaid}; looked at again from ${job.notBefore.toISOString()}`;
    return { until: job.notBefore, waiting: { reason: 'budget', detail } };
  }
  if (job.notBefore && job.notBefore > now) {
    const detail = `tried again from ${job.notBefore.toISOString()}, after ${job.attempts} attempts`;
    return { until: job.notBefore, waiting: { reason: 'backoff', detail } };
  }
  return null;
}

function forApproval({ budget, aboveMicros }: Approval, currency: string): Waiting {
  const limit = formatMicros(BigInt(aboveMicros));
  const detail = `it may cost more than ${limit} ${currency}, above which budget ${budget} asks for an approval: a budget officer has to give it`;
  return { reason: 'approval', detail };
}

/**
 * Why nothing could be chosen. The offer that came furthest decides: one that is only taken beats one whose
 * provider is ill, that beats one without a rate, and only where none of those is there does nothing match.
 */
export function whyWaiting(request: Request, view: Pass): Waiting {
  const broken = brokenByEach(request, view);
  const without = (rules: Broken) =>
    [...broken.keys()].filter((position) => ((broken[position] ?? 0) & rules) === 0);
  const open = without(~0);
  if (open.length > 0) return noCapacity(request, view, open);
  const fitting = without(MATCH);
  const rated = without(MATCH | NO_RATE);
  if (rated.length > 0) return providerHealth(view, rated);
  if (fitting.length > 0) return noRate(request, view, fitting);
  return { reason: 'no-match', detail: nearestMiss(request, view, broken) };
}

/**
 * Of the offer that lacks least, in GPUs where it has any: "needs 8 free H100 in alpha/host-1: 5 are free". A whole offer
 * is what it takes, so a job of three GPUs needs four free where they are sold by fours.
 */
function noCapacity(request: Request, view: Pass, fitting: readonly number[]): Waiting {
  const { nodes } = request.needs;
  const nearest = nearestOf(request, view, fitting);
  const lot = view.market.lots[nearest];
  const gpus = (lot?.offer.gpuCount ?? 0) * nodes;
  const needed =
    gpus > 0 ? `${gpus} free ${lot?.model}` : `${nodes} free ${nodes === 1 ? 'place' : 'places'}`;
  const together = nodes > 1 ? ` on ${nodes} machines at once` : '';
  const where = some(
    fitting.map((position) => nameAt(view, position)),
    3,
  );
  const left = gpus > 0 ? leftAt(view, nearest) : (view.free[nearest] ?? 0);
  const refused = fullnessOf(view.shut.get(nearest));
  if (refused !== null) return { reason: 'no-capacity', detail: `${nameAt(view, nearest)} ${refused}` };
  const why = left >= (gpus || nodes) ? whyNot(request, view, nearest) : elsewhere(view, fitting);
  const detail = `needs ${needed}${together} in ${where}: ${left} ${left === 1 ? 'is' : 'are'} free${why}`;
  return { reason: 'no-capacity', detail };
}

function nearestOf(request: Request, view: Pass, fitting: readonly number[]): number {
  const lacks = new Map(fitting.map((position) => [position, lacking(request, view, position)]));
  return fitting.reduce((a, b) => ((lacks.get(b) ?? 0) < (lacks.get(a) ?? 0) ? b : a));
}

const HELD = 'held for a job that has waited long';

/** Enough is free, and yet there is no room. */
function whyNot(request: Request, view: Pass, position: number): string {
  if (isHeld(view, position)) return `, but ${HELD}`;
  const short = (view.free[position] ?? 0) < request.needs.nodes;
  return short ? ', but no place of the offer' : ', but not the CPUs or memory with them';
}

function elsewhere(view: Pass, fitting: readonly number[]): string {
  return fitting.some((position) => isHeld(view, position)) ? `; some is ${HELD}` : '';
}

function isHeld({ market, lotHeld, poolHeld }: Pass, position: number): boolean {
  return lotHeld[position] === 1 || poolHeld[market.columns.pool[position] ?? -1] === 1;
}

function providerHealth(view: Pass, positions: readonly number[]): Waiting {
  const offers =
    positions.length === 1
      ? '1 offer fits, but its provider takes'
      : `${positions.length} offers fit, but their providers take`;
  const states = positions.map((position) => {
    const provider = view.providers[view.market.columns.provider[position] ?? 0];
    if (!provider) return 'one is not registered any more';
    const part = provider.health === 'healthy' ? sickness(view.shut.get(position)) : null;
    if (part !== null) return `${part} at ${provider.name}`;
    return `${provider.name} is ${provider.health === 'healthy' ? provider.mode : provider.health}`;
  });
  return { reason: 'provider-health', detail: `${offers} no new work: ${some(states)}` };
}

function noRate(request: Request, view: Pass, positions: readonly number[]): Waiting {
  const limits = request.levels.flatMap(({ rules }) => [rules.maxPricePerHour, rules.maxPricePerJob]);
  const unrated = limits.flatMap((limit) =>
    limit !== null && limit.currency !== view.market.currency && !view.market.rates.has(limit.currency)
      ? [limit.currency]
      : [],
  );
  const missing = positions.flatMap((position) => {
    const lot = view.market.lots[position];
    return lot?.rateMicros === null ? [lot.offer.currency] : [];
  });
  const what = unrated.length > 0 ? 'a price ceiling' : 'every offer that fits';
  const currencies = some(unrated.length > 0 ? unrated : missing);
  const detail = `${what} is in ${currencies}, which has no exchange rate to ${view.market.currency}: set one`;
  return { reason: 'no-rate', detail };
}

function nameAt(view: Pass, position: number): string {
  const offer = view.market.lots[position]?.offer;
  return `${offer?.provider}/${offer?.name}`;
}
