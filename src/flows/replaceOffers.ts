import type { Actor } from '../core/access.ts';
import { diffOfferSet, type OfferSetChange, type OfferTerms } from '../core/offer-set.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { offersOf, putOffers, withdrawOffers } from '../store/apply/offers.ts';
import { lockProvider } from '../store/apply/providers.ts';
import type { Tx } from '../store/store.ts';

/** At most this many names of a kind go into the audit record; the counts are always whole. */
const NAMES_AUDITED = 100;

/**
 * Makes `wanted` (unique names) all that a provider sells. What is missing is withdrawn: nothing new is placed
 * there and what runs goes on. Capacity may be set below what is in use.
 * Problem: not-found.
 */
export async function replaceOffers(
  deps: Deps,
  actor: Actor,
  provider: string,
  wanted: readonly OfferTerms[],
  requestId: string,
): Promise<OfferSetChange<OfferTerms>> {
  const now = deps.clock.now();
  const change = await deps.store.transaction((tx) =>
    replaceIn(tx, actor, provider, now, wanted, 'offers.replace', requestId),
  );
  deps.bell.ring('place');
  return change;
}

/** The same inside a transaction; audits, so it is the last thing in it. */
export async function replaceIn(
  tx: Tx,
  actor: Actor,
  provider: string,
  now: Date,
  wanted: readonly OfferTerms[],
  action: string,
  requestId: string,
): Promise<OfferSetChange<OfferTerms>> {
  if ((await lockProvider(tx, provider)) === null)
    throw new Problem('not-found', 'There is no such provider.');
  const change = diffOfferSet(await offersOf(tx, provider), wanted);
  await putOffers(tx, provider, now, [...change.added, ...change.updated]);
  await withdrawOffers(tx, provider, now, change.withdrawn);
  await appendAudit(tx, now, [{ actor, action, target: provider, requestId, data: summary(change) }]);
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
