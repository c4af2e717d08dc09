import { and, desc, eq, lt, sql, type SQL } from 'drizzle-orm';
import type { Scope } from '../../core/access.ts';
import type { DeliveryRow, WebhookRow } from '../apply/webhooks.ts';
import { webhookDeliveries, webhooks } from '../schema.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export type { DeliveryRow, WebhookRow } from '../apply/webhooks.ts';

/** A webhook inside the scope, deleted or not; null: there is none of that id that may be seen. */
export async function findWebhookIn(reader: Reader, scope: Scope, id: string): Promise<WebhookRow | null> {
  const [row] = await reader
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.id, id), webhooksIn(scope)));
  return row ?? null;
}

/** Newest first; `before` is the last id of the page before. */
export async function listWebhooks(
  reader: Reader,
  scope: Scope,
  before: string | null,
  limit: number,
): Promise<Page<WebhookRow>> {
  const rows = await reader
    .select()
    .from(webhooks)
    .where(and(webhooksIn(scope), before === null ? undefined : lt(webhooks.id, before)))
    .orderBy(desc(webhooks.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** The installation's own are nobody's who is of one organization. */
function webhooksIn(scope: Scope): SQL | undefined {
  if (scope.kind === 'all') return undefined;
  return scope.kind === 'organization' ? eq(webhooks.organization, scope.organization) : sql`false`;
}

/** Newest first; `before` is the last id of the page before. */
export async function listDeliveries(
  reader: Reader,
  webhookId: string,
  before: string | null,
  limit: number,
): Promise<Page<DeliveryRow>> {
  const rows = await reader
    .select()
    .from(webhookDeliveries)
    .where(
      and(
        eq(webhookDeliveries.webhookId, webhookId),
        before === null ? undefined : lt(webhookDeliveries.id, before),
      ),
    )
    .orderBy(desc(webhookDeliveries.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}
