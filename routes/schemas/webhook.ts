import { z } from 'zod';
import { DELIVERY_STATES, WEBHOOK_EVENTS } from '../../src/core/ledger/words.ts';
import { misspelt, URL_LENGTH_MAX } from '../../src/core/webhook/url.ts';
import { field, id, safeLine, slug, utcTime } from './fields.ts';

const event = () => z.enum(WEBHOOK_EVENTS);

export const webhookRequest = z
  .strictObject({
    url: field(
      safeLine(URL_LENGTH_MAX, 0).superRefine((url, context) => {
        const message = misspelt(url);
        if (message !== null) context.addIssue({ code: 'custom', message });
      }),
      'Where to POST. HTTPS, to a public address; on an installation that only its own machine reaches, loopback too. No user name, no fragment.',
      'https://hooks.example.org/naru?team=money',
    ),
    events: field(
      z
        .array(event())
        .min(1)
        .max(WEBHOOK_EVENTS.length)
        .refine((events) => new Set(events).size === events.length, 'names an event twice')
        .nullish(),
      'What to be told of; absent: everything that there is now.',
      ['budget.threshold', 'budget.exhausted'],
    ),
    organization: field(
      slug().nullish(),
      "Whose events. Absent: a budget officer's own organization; for an admin, everybody's.",
      'acme',
    ),
  })
  .meta({ id: 'WebhookRequest', description: 'A new webhook.' });

const webhookFields = {
  id: field(z.string(), 'Names the webhook.', 'whk-01jd3m7a'),
  url: field(
    z.string(),
    'Where it leads; without its query for whoever may only read.',
    'https://hooks.example.org/naru?team=money',
  ),
  events: field(z.array(event()), 'What it is told of.', ['budget.threshold', 'budget.exhausted']),
  organization: field(z.string().nullable(), "Whose events; null: everybody's.", 'acme'),
  createdAt: field(utcTime(), 'When it was made, RFC 3339.', '2026-11-22T10:00:00.000Z'),
  createdBy: field(z.string(), 'Id of the key that made it.', 'key-admin'),
  deletedAt: field(utcTime().nullable(), 'When it was deleted, RFC 3339; null: it was not.', null),
};

export const webhook = z
  .object(webhookFields)
  .meta({ id: 'Webhook', description: 'Who is told of what, without the secret.' });

export const newWebhook = z
  .object({
    ...webhookFields,
    secret: field(
      z.string(),
      'What requests are signed with. Shown this once.',
      'whsec_EXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPL',
    ),
  })
  .meta({ id: 'NewWebhook', description: 'A webhook and, this once, its secret.' });

export const delivery = z
  .object({
    id: field(z.string(), 'In the body and in `Naru-Delivery`; the same in every attempt.', 'dlv-01jd3m7a'),
    event: field(event(), 'What was to be told.', 'budget.threshold'),
    state: field(
      z.enum(DELIVERY_STATES),
      'pending: it will be attempted, again or for the first time; delivered: a 2xx came back; failed: given up.',
      'delivered',
    ),
    attempts: field(z.int(), 'How many ended.', 1),
    lastStatus: field(z.int().nullable(), 'HTTP status of the last attempt; null: none came.', 204),
    lastError: field(
      z.string().nullable(),
      'Why the last attempt failed; null: it did not.',
      'It answered 500.',
    ),
    createdAt: field(utcTime(), 'When it happened, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    nextAt: field(
      utcTime().nullable(),
      'Of the next attempt, RFC 3339 (while one is going on: of the one after a crash); null: there is none.',
      null,
    ),
    deliveredAt: field(
      utcTime().nullable(),
      'When the 2xx came, RFC 3339; null: it did not.',
      '2026-11-22T10:00:01.000Z',
    ),
  })
  .meta({ id: 'WebhookDelivery', description: 'One thing told to one webhook, and how that went.' });

export const webhookParams = z.object({ id: field(id(), 'Id of the webhook.', 'whk-01jd3m7a') });
