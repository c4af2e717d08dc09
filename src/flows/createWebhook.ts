import { tenantScope, type Actor } from '../core/access.ts';
import { refuseReserved } from '../core/drill/reserved.ts';
import type { WebhookEvent } from '../core/ledger/words.ts';
import { Problem } from '../core/problem.ts';
import { refusedUrl, withoutQuery } from '../core/webhook/url.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertWebhook, type WebhookRow } from '../store/apply/webhooks.ts';
import { findOrganizationIn } from '../store/read/people.ts';
import type { Tx } from '../store/store.ts';
import { once, type Answer, type Ask } from './once.ts';

/** What a new webhook is to be. */
export interface WebhookSpec {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  /** Null: the actor's own, or the installation's where the actor is of none. */
  readonly organization: string | null;
}

/**
 * A new webhook. Its secret is in the answer (and, sealed, in its repetition), and in no other.
 * Problems: impossible-spec (a URL that leads nowhere public, a reserved name), not-found (an organization that does
 * not exist, or is somebody else's).
 */
export function createWebhook<Body>(
  deps: Pick<Deps, 'clock' | 'config' | 'ids' | 'store'>,
  actor: Actor,
  spec: WebhookSpec,
  ask: Ask<WebhookRow, Body>,
): Promise<Answer<Body>> {
  const now = deps.clock.now();
  refuseReserved(spec.organization, '/organization');
  const detail = refusedUrl(spec.url, deps.config.webhookLoopback);
  if (detail !== null)
    throw new Problem('impossible-spec', detail, { errors: [{ pointer: '/url', detail }] });
  const row: WebhookRow = {
    id: deps.ids.next('whk', now),
    organization: spec.organization ?? actor.organization,
    url: new URL(spec.url).href,
    events: [...spec.events],
    // The prefix lets secret scanners find one that was leaked.
    secret: `whsec_${deps.ids.secret()}`,
    createdAt: now,
    createdBy: actor.id,
    deletedAt: null,
  };
  return once(deps, actor, ask, now, (tx) => insert(tx, actor, row, ask.requestId));
}

async function insert(tx: Tx, actor: Actor, row: WebhookRow, requestId: string): Promise<WebhookRow> {
  const { id, organization, url, events, createdAt } = row;
  const scope = tenantScope(actor);
  const allowed =
    organization === null
      ? scope.kind === 'all'
      : (await findOrganizationIn(tx, scope, organization)) !== null;
  if (!allowed) {
    const detail = 'There is no such organization.';
    throw new Problem('not-found', detail, { errors: [{ pointer: '/organization', detail }] });
  }
  await insertWebhook(tx, row);
  const data = { organization, url: withoutQuery(url), events };
  await appendAudit(tx, createdAt, [{ actor, action: 'webhook.create', target: id, requestId, data }]);
  return row;
}
