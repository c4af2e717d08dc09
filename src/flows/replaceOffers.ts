import type { Actor } from '../core/access.ts';
import {
  changedPools,
  diffOfferSet,
  type OfferSetChange,
  type OfferTerms,
  type PoolTerms,
} from '../core/offer-set.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { offersOf, putOffers, withdrawOffers } from '../store/apply/offers.ts';
import { poolsOf, putPools } from '../store/apply/pools.ts';
import { lockProvider } from '../store/apply/providers.ts';

/** At most this many names of a kind go into the audit record; the counts are always whole. */
const NAMES_AUDITED = 100;

/**
 * Makes `wanted` (unique names) all that a provider sells. What is missing is withdrawn: nothing new is placed
 * there and what runs goes on. Capacity, and what a pool has, may be set below what is in use.
 *
 * @param pools totals of every pool that `wanted` draws on, unique names
 * Problem: not-found.
 */
export async function replaceOffers(
  deps: Deps,
  actor: Actor,
  provider: string,
  wanted: readonly OfferTerms[],
  requestId: string,
  pools: readonly PoolTerms[] = [],
): Promise<OfferSetChange<OfferTerms>> {
  const now = deps.clock.now();
  const change = await deps.store.transaction(async (tx) => {
    if ((await lockProvider(tx, provider)) === null)
      throw new Problem('not-found', 'There is no such provider.');
    const newPools = changedPools(await poolsOf(tx, provider), pools);
    const names = newPools.map((pool) => pool.name);
    const made = diffOfferSet(await offersOf(tx, provider), wanted, new Set(names));
    // Pools first: offers refer to them, and who claims capacity locks them in this order.
    await putPools(tx, provider, newPools);
    await putOffers(tx, provider, now, [...made.added, ...made.updated]);
    await withdrawOffers(tx, provider, now, made.withdrawn);
    const data = { ...summary(made), pools: { count: names.length, names: names.slice(0, NAMES_AUDITED) } };
    await appendAudit(tx, now, [{ actor, action: 'offers.replace', target: provider, requestId, data }]);
    return made;
  });
  deps.bell.ring('place');
  return change;
}

function summary(change: OfferSetChange<OfferTerms>): Record<string, unknown> {
  const names = (offers: readonly { readonly name: string }[]) =>
    offers.slice(0, NAMES_AUDITED).map((offer) => offer.name);
  return {
    added: { count: change.added.length, names: names(change.added) },
    updated: { count: change.updated.length, names: names(change.updated) },
    withdrawn: { count: change.withdrawn.length, names: change.withdrawn.slice(0, NAMES_AUDITED) },
    unchanged: change.unchanged,
  };
}
