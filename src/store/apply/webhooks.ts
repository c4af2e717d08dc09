import { and, eq, isNull, lt, ne, sql } from 'drizzle-orm';
import { storableJson } from '../../core/canonical.ts';
import type { WebhookEvent } from '../../core/ledger/words.ts';
import type { Outcome } from '../../core/webhook/outcome.ts';
import { webhookDeliveries, webhooks } from '../schema.ts';
import type { Store, Tx } from '../store.ts';

export type WebhookRow = typeof webhooks.$inferSelect;
export type DeliveryRow = typeof webhookDeliveries.$inferSelect;

export async function insertWebhook(tx: Tx, row: WebhookRow): Promise<void> {
  await tx.insert(webhooks).values(row);
}

/** Ends a webhook and what was still to be told to it. Null: it was deleted before, or there is none. */
export async function deleteWebhook(tx: Tx, id: string, now: Date): Promise<WebhookRow | null> {
  const [row] = await tx
    .update(webhooks)
    .set({ deletedAt: now })
    .where(and(eq(webhooks.id, id), isNull(webhooks.deletedAt)))
    .returning();
  if (row === undefined) return null;
  await tx
    .update(webhookDeliveries)
    .set({ state: 'failed', nextAt: null, lastError: DELETED })
    .where(and(eq(webhookDeliveries.webhookId, id), eq(webhookDeliveries.state, 'pending')));
  return row;
}

export const DELETED = 'The webhook was deleted.';

/** Something that happened, for whoever asked to be told. */
export interface News {
  readonly event: WebhookEvent;
  /** Whose it is; null: the installation's own, told to its own webhooks only. */
  readonly organization: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

const ROWS_PER_INSERT = 1_000;

/**
 * Writes down what is to be told, in the transaction in which it happens: both are there, or neither is. One delivery
 * for each live webhook that wants the event and is of that organization or of the installation. They are sent
 * afterwards. Two statements, whatever the number. @returns how many deliveries there are
 */
export async function tellAll(
  tx: Tx,
  now: Date,
  nextId: () => string,
  news: readonly News[],
): Promise<number> {
  if (news.length === 0) return 0;
  const live = await tx.select().from(webhooks).where(isNull(webhooks.deletedAt));
  const rows = news.flatMap((one) =>
    live.filter((hook) => wants(hook, one)).map((hook) => deliveryOf(hook, one, nextId(), now)),
  );
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT)
    await tx.insert(webhookDeliveries).values(rows.slice(from, from + ROWS_PER_INSERT));
  return rows.length;
}

const wants = (hook: WebhookRow, { event, organization }: News): boolean =>
  hook.events.includes(event) && (hook.organization === null || hook.organization === organization);

function deliveryOf(hook: WebhookRow, { event, organization, data }: News, id: string, now: Date) {
  const body = storableJson({ id, event, createdAt: now, organization, data }) as DeliveryRow['body'];
  return { id, webhookId: hook.id, event, body, state: 'pending', nextAt: now, createdAt: now } as const;
}

/** A delivery that is to be attempted now by who claimed it. */
export interface Claim {
  readonly id: string;
  readonly event: WebhookEvent;
  readonly body: DeliveryRow['body'];
  readonly attempts: number;
  /** When the claim runs out; also what says that it is still this one. */
  readonly claimedUntil: Date;
  readonly url: string;
  readonly secret: string;
  readonly deleted: boolean;
}

/**
 * Takes what is due, the oldest first, by moving it to when the claim runs out: whoever dies with it leaves it to be
 * sent again. So many of one webhook at most, so that one that is slow does not keep all others waiting.
 */
export async function claimDeliveries(
  tx: Tx,
  now: Date,
  claimedUntil: Date,
  limits: { readonly all: number; readonly ofOne: number },
): Promise<Claim[]> {
  const at = now.toISOString();
  const { rows } = await tx.execute<Omit<Claim, 'claimedUntil'>>(sql`
    with due as (
      select d.id from ${webhooks} w cross join lateral (
        select id, next_at from ${webhookDeliveries}
        where webhook_id = w.id and state = 'pending' and next_at <= ${at}
        order by next_at, id limit ${limits.ofOne} for update skip locked
      ) d order by d.next_at, d.id limit ${limits.all}
    )
    update ${webhookDeliveries} t set next_at = ${claimedUntil.toISOString()}
    from due, ${webhooks} w where t.id = due.id and w.id = t.webhook_id
    returning t.id, t.event, t.body, t.attempts, w.url, w.secret, w.deleted_at is not null as deleted`);
  return rows.map((row) => ({ ...row, claimedUntil }));
}

/** @returns false where the claim had run out and somebody else has it, or the webhook was deleted meanwhile */
export async function noteOutcome(
  store: Pick<Store, 'db'>,
  now: Date,
  claim: Claim,
  { state, nextAt, status, error }: Outcome,
): Promise<boolean> {
  const noted = await store.db
    .update(webhookDeliveries)
    .set({
      state,
      nextAt,
      attempts: claim.attempts + 1,
      lastStatus: status,
      lastError: error,
      deliveredAt: state === 'delivered' ? now : null,
    })
    .where(
      and(
        eq(webhookDeliveries.id, claim.id),
        eq(webhookDeliveries.state, 'pending'),
        eq(webhookDeliveries.nextAt, claim.claimedUntil),
      ),
    );
  return noted.rowCount === 1;
}

/** Gives back what was claimed and not sent, or not known to be. */
export async function giveBack(store: Pick<Store, 'db'>, now: Date, claim: Claim): Promise<void> {
  await store.db
    .update(webhookDeliveries)
    .set({ nextAt: now })
    .where(and(eq(webhookDeliveries.id, claim.id), eq(webhookDeliveries.nextAt, claim.claimedUntil)));
}

/** Forgets deliveries of before `before` that are over. At most `limit` at once, oldest first; answers how many. */
export async function dropOldDeliveries(
  store: Pick<Store, 'db'>,
  before: Date,
  limit = 10_000,
): Promise<number> {
  const doomed = store.db
    .select({ at: sql`ctid` })
    .from(webhookDeliveries)
    .where(and(lt(webhookDeliveries.createdAt, before), ne(webhookDeliveries.state, 'pending')))
    .orderBy(webhookDeliveries.createdAt)
    .limit(limit);
  const gone = await store.db.delete(webhookDeliveries).where(sql`ctid = any(array(${doomed}))`);
  return gone.rowCount ?? 0;
}
