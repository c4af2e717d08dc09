import { z } from 'zod';
import { may, tenantScope, type Actor } from '../src/core/access.ts';
import { WEBHOOK_EVENTS } from '../src/core/ledger/words.ts';
import { Problem } from '../src/core/problem.ts';
import { withoutQuery } from '../src/core/webhook/url.ts';
import { createWebhook } from '../src/flows/createWebhook.ts';
import { deleteWebhook } from '../src/flows/deleteWebhook.ts';
import {
  findWebhookIn,
  listDeliveries,
  listWebhooks,
  type DeliveryRow,
  type WebhookRow,
} from '../src/store/read/webhooks.ts';
import { answer } from './answers.ts';
import { askOf, creatingHeaders, sendCreated } from './creating.ts';
import { aName, readCursor, renderPage } from './cursor.ts';
import type { App, Room } from './room.ts';
import { page, paging } from './schemas/fields.ts';
import { delivery, newWebhook, webhook, webhookParams, webhookRequest } from './schemas/webhook.ts';

const tags = ['Webhooks'];

/** Who is told of what, and what became of the telling. */
export function webhookRoutes(app: App, room: Room): void {
  writing(app, room);
  reading(app, room);
  logged(app, room);
}

function writing(app: App, { deps }: Room): void {
  app.post(
    '/v1/webhooks',
    {
      config: { may: 'webhooks.write' },
      schema: {
        operationId: 'createWebhook',
        tags,
        summary: 'Be told of events',
        description: [
          'Each event is a POST of `{id, event, createdAt, organization, data}` with `Naru-Event`, `Naru-Delivery` (the id) and `Naru-Signature: t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of `<t>.<body>`, keyed with the secret as it is written. Refuse what is older than five minutes.',
          'Anything but a 2xx within 10 seconds is attempted again, for about a day; 410 ends it. It may come twice and in another order: the id says which it is.',
          'The secret is in this answer, and in no other but its repetition by the same `Idempotency-Key`.',
        ].join('\n\n'),
        headers: creatingHeaders,
        body: webhookRequest,
        response: { 201: answer('The webhook and its secret.', newWebhook) },
        problems: ['not-found', 'impossible-spec', 'request-in-progress', 'idempotency-mismatch'],
      },
    },
    async (request, reply) => {
      const { url, events, organization } = request.body;
      const spec = { url, events: events ?? WEBHOOK_EVENTS, organization: organization ?? null };
      const ask = askOf(request, (row: WebhookRow) => ({
        ...renderWebhook(row, request.actor),
        secret: row.secret,
      }));
      const made = await createWebhook(deps, request.actor, spec, ask);
      return sendCreated(reply, made, `/v1/webhooks/${made.body.id}`);
    },
  );

  app.delete(
    '/v1/webhooks/:id',
    {
      config: { may: 'webhooks.write' },
      schema: {
        operationId: 'deleteWebhook',
        tags,
        summary: 'Be told no more',
        description: 'Not even what waits to be told. Its log can still be read. Again: nothing happens.',
        params: webhookParams,
        response: { 204: { description: 'It is deleted.' } },
        problems: ['not-found'],
      },
    },
    async (request, reply) => {
      await deleteWebhook(deps, request.actor, request.params.id, request.id);
      return reply.code(204).send();
    },
  );
}

function reading(app: App, room: Room): void {
  app.get(
    '/v1/webhooks',
    {
      config: { may: 'webhooks.read' },
      schema: {
        operationId: 'listWebhooks',
        tags,
        summary: 'List webhooks',
        description: 'Those that the key may see, newest first, the deleted ones too; never a secret.',
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of webhooks.', page(webhook, 'The webhooks.')) },
      },
    },
    async ({ query: { limit, cursor }, actor }) => {
      const before = readCursor('webhooks', cursor, aName);
      const found = await listWebhooks(room.deps.store.db, tenantScope(actor), before, limit);
      return renderPage(
        'webhooks',
        found,
        (row) => [row.id],
        (row) => renderWebhook(row, actor),
      );
    },
  );

  app.get(
    '/v1/webhooks/:id',
    {
      config: { may: 'webhooks.read' },
      schema: {
        operationId: 'getWebhook',
        tags,
        summary: 'Read a webhook',
        params: webhookParams,
        response: { 200: answer('The webhook.', webhook) },
        problems: ['not-found'],
      },
    },
    async ({ params, actor }) => renderWebhook(await visibleWebhook(room, actor, params.id), actor),
  );
}

function logged(app: App, room: Room): void {
  app.get(
    '/v1/webhooks/:id/deliveries',
    {
      config: { may: 'webhooks.read' },
      schema: {
        operationId: 'listDeliveries',
        tags,
        summary: 'What it was told',
        description: 'Newest first; what is over is kept for 90 days.',
        params: webhookParams,
        querystring: z.strictObject(paging),
        response: { 200: answer('A page of deliveries.', page(delivery, 'The deliveries.')) },
        problems: ['not-found'],
      },
    },
    async ({ params, query: { limit, cursor }, actor }) => {
      const { id } = await visibleWebhook(room, actor, params.id);
      const before = readCursor('deliveries', cursor, aName);
      const found = await listDeliveries(room.deps.store.db, id, before, limit);
      return renderPage('deliveries', found, (row) => [row.id], renderDelivery);
    },
  );
}

/** Throws not-found. */
async function visibleWebhook({ deps }: Room, actor: Actor, id: string): Promise<WebhookRow> {
  const row = await findWebhookIn(deps.store.db, tenantScope(actor), id);
  if (row === null) throw new Problem('not-found', 'There is no such webhook.');
  return row;
}

function renderWebhook(row: WebhookRow, actor: Actor) {
  return {
    id: row.id,
    // People put tokens into queries: only who could have set this one sees it.
    url: may(actor, 'webhooks.write') ? row.url : withoutQuery(row.url),
    events: row.events,
    organization: row.organization,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    deletedAt: row.deletedAt?.toISOString() ?? null,
  };
}

function renderDelivery(row: DeliveryRow) {
  return {
    id: row.id,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    lastStatus: row.lastStatus,
    lastError: row.lastError,
    createdAt: row.createdAt.toISOString(),
    nextAt: row.nextAt?.toISOString() ?? null,
    deliveredAt: row.deliveredAt?.toISOString() ?? null,
  };
}
