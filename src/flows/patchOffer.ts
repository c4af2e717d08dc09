import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { patchOffer as patchRow, type OfferPatch } from '../store/apply/offers.ts';
import { lockProvider } from '../store/apply/providers.ts';
import { findOffer, type OfferView } from '../store/read/offers.ts';

/**
 * Says something anew about one offer. `version`: only if it still is that one (null: whatever it is).
 * Problems: not-found, precondition-failed, impossible-spec (it would have no price at all).
 */
export async function patchOffer(
  deps: Deps,
  actor: Actor,
  name: { readonly provider: string; readonly offer: string },
  version: number | null,
  patch: OfferPatch,
  requestId: string,
): Promise<OfferView> {
  const now = deps.clock.now();
  const { provider, offer } = name;
  const seen = await deps.store.transaction(async (tx) => {
    const known = await lockProvider(tx, provider);
    const before =
      known && (await findOffer(tx, { now, accountingCurrency: deps.config.currency }, provider, offer));
    if (before === null) throw new Problem('not-found', 'There is no such offer.');
    if (version !== null && before.offer.version !== version) throw changed();
    refuseUnpriced({ ...before.offer, ...patch });
    refuseTwoCurrencies(before, patch);
    if ((await patchRow(tx, now, before.offer, patch)) === null) throw changed();
    const after = await findOffer(tx, { now, accountingCurrency: deps.config.currency }, provider, offer);
    if (after === null) throw changed();
    const target = `${provider}/${offer}`;
    await appendAudit(tx, now, [{ actor, action: 'offer.change', target, requestId, data: { ...patch } }]);
    return after;
  });
  deps.bell.ring('place');
  return seen;
}

const changed = () =>
  new Problem('precondition-failed', 'The offer has changed since you read it; read it again.');

function refuseUnpriced(offer: OfferPatch): void {
  if (offer.priceMicrosPerHour !== null || offer.spotPriceMicrosPerHour !== null) return;
  const errors = [{ pointer: '/price', detail: 'One of `price` and `spotPrice` has to stay.' }];
  throw new Problem('impossible-spec', 'An offer without any price cannot be bought.', { errors });
}

/** An offer has one currency: a new one needs every price that the offer has anew. */
function refuseTwoCurrencies({ offer }: OfferView, patch: OfferPatch): void {
  if (patch.currency === undefined || patch.currency === offer.currency) return;
  const stale =
    (offer.priceMicrosPerHour !== null && patch.priceMicrosPerHour === undefined) ||
    (offer.spotPriceMicrosPerHour !== null && patch.spotPriceMicrosPerHour === undefined);
  if (!stale) return;
  const errors = [
    { pointer: '', detail: `The other price is in ${offer.currency}; give both, or null for one.` },
  ];
  throw new Problem('impossible-spec', 'An offer has one currency.', { errors });
}
