import { and, eq, lt, sql } from 'drizzle-orm';
import { idempotency } from '../schema.ts';
import type { Store, Tx } from '../store.ts';

/** How long a twin waits for the first request before it is told to come back. */
const TWIN_WAIT = '5s';

export interface FirstAnswer {
  readonly fingerprint: string;
  readonly status: number;
  readonly sealed: string | null;
}

/**
 * Takes the key for this transaction. Null: it is ours, go on. Else: what was answered first.
 * A twin that arrives while the first is under way waits here on the unique index, and sees its answer or, when
 * it was rolled back, takes the key itself. Throws PostgreSQL's lock_not_available (55P03) after `TWIN_WAIT`.
 */
export async function takeKey(
  tx: Tx,
  principal: string,
  key: string,
  fingerprint: string,
  now: Date,
): Promise<FirstAnswer | null> {
  await tx.execute(sql`select set_config('lock_timeout', ${TWIN_WAIT}, true)`);
  const taken = await tx
    .insert(idempotency)
    .values({ principal, key, fingerprint, status: 0, createdAt: now })
    .onConflictDoNothing()
    .returning({ key: idempotency.key });
  await tx.execute(sql`select set_config('lock_timeout', '0', true)`);
  if (taken.length > 0) return null;
  const [first] = await tx
    .select({ fingerprint: idempotency.fingerprint, status: idempotency.status, sealed: idempotency.sealed })
    .from(idempotency)
    .where(and(eq(idempotency.principal, principal), eq(idempotency.key, key)));
  // Gone between the two statements: the sweep took it, being a day old. Once more, then.
  return first ?? (await takeKey(tx, principal, key, fingerprint, now));
}

/** Writes down what was answered, in the transaction that took the key. */
export async function keepAnswer(
  tx: Tx,
  principal: string,
  key: string,
  status: number,
  sealed: string,
): Promise<void> {
  await tx
    .update(idempotency)
    .set({ status, sealed })
    .where(and(eq(idempotency.principal, principal), eq(idempotency.key, key), eq(idempotency.status, 0)));
}

/** Forgets first answers given before `before`. At most `limit` at once, oldest first; answers how many. */
export async function expireIdempotency(
  store: Pick<Store, 'db'>,
  before: Date,
  limit = 10_000,
): Promise<number> {
  const doomed = store.db
    .select({ at: sql`ctid` })
    .from(idempotency)
    .where(lt(idempotency.createdAt, before))
    .orderBy(idempotency.createdAt)
    .limit(limit);
  const gone = await store.db.delete(idempotency).where(sql`ctid = any(array(${doomed}))`);
  return gone.rowCount ?? 0;
}
