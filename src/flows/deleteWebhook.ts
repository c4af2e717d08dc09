import { tenantScope, type Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import { withoutQuery } from '../core/webhook/url.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { deleteWebhook as end } from '../store/apply/webhooks.ts';
import { findWebhookIn } from '../store/read/webhooks.ts';

/**
 * Nothing is told there any more, not even what waits to be; what was told can still be read. Again: does nothing.
 * Problem: not-found.
 */
export async function deleteWebhook(
  deps: Pick<Deps, 'clock' | 'store'>,
  actor: Actor,
  id: string,
  requestId: string,
): Promise<void> {
  const now = deps.clock.now();
  await deps.store.transaction(async (tx) => {
    if ((await findWebhookIn(tx, tenantScope(actor), id)) === null)
      throw new Problem('not-found', 'There is no such webhook.');
    const row = await end(tx, id, now);
    if (row === null) return;
    const data = { organization: row.organization, url: withoutQuery(row.url) };
    await appendAudit(tx, now, [{ actor, action: 'webhook.delete', target: id, requestId, data }]);
  });
}
