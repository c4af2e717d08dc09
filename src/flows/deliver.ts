import { outcomeOf, type Outcome } from '../core/webhook/outcome.ts';
import { signWebhook } from '../core/webhook/signature.ts';
import type { Deps } from '../deps.ts';
import { claimDeliveries, DELETED, giveBack, noteOutcome, type Claim } from '../store/apply/webhooks.ts';

const LIMITS = { all: 50, ofOne: 10 } as const;
const AT_ONCE = 10;
/** Longer than a pass in which every receiver takes as long as it may. */
const CLAIM_MS = 120_000;

type Needs = Pick<Deps, 'clock' | 'store' | 'post' | 'log'>;

/**
 * Sends what is due. Claimed in a short transaction, sent outside of any, and then the outcome written: who dies
 * between the two leaves a delivery that is sent again, by the same id, so that its receiver can tell.
 * What `stopping` interrupts is given back at once. @returns how many were attempted
 */
export async function deliverPass(deps: Needs, stopping?: AbortSignal): Promise<number> {
  const now = deps.clock.now();
  const until = new Date(now.getTime() + CLAIM_MS);
  const claims = await deps.store.transaction((tx) => claimDeliveries(tx, now, until, LIMITS));
  const left = claims.values();
  const line = async () => {
    for (const claim of left) await deliver(deps, claim, stopping);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, claims.length) }, line));
  return claims.length;
}

async function deliver(deps: Needs, claim: Claim, stopping?: AbortSignal): Promise<void> {
  const outcome = await attempt(deps, claim, stopping);
  const now = deps.clock.now();
  if (outcome === null) return giveBack(deps.store, now, claim);
  const noted = await noteOutcome(deps.store, now, claim, outcome);
  if (noted && outcome.state === 'failed')
    deps.log.warn({ delivery: claim.id, error: outcome.error }, 'a webhook was not told, and will not be');
}

const isOver = (stopping?: AbortSignal): boolean => stopping?.aborted ?? false;

/** Null: interrupted, so nobody knows. */
async function attempt(deps: Needs, claim: Claim, stopping?: AbortSignal): Promise<Outcome | null> {
  if (claim.deleted) return { state: 'failed', nextAt: null, status: null, error: DELETED };
  if (isOver(stopping)) return null;
  const body = JSON.stringify(claim.body);
  const headers = {
    'content-type': 'application/json',
    'naru-event': claim.event,
    'naru-delivery': claim.id,
    'naru-signature': signWebhook(claim.secret, Math.floor(deps.clock.now().getTime() / 1_000), body),
  };
  const reply = await deps.post(claim.url, body, headers, stopping);
  if (reply.status === null && isOver(stopping)) return null;
  return outcomeOf(reply, claim.attempts + 1, deps.clock.now());
}
