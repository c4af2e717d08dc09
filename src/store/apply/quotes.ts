import { lt, sql } from 'drizzle-orm';
import { quotes } from '../schema.ts';
import type { Store, Tx } from '../store.ts';
import type { QuoteRow } from '../read/quotes.ts';

/** A quote is written once and never changed. */
export async function insertQuote(tx: Tx, row: QuoteRow): Promise<void> {
  await tx.insert(quotes).values(row);
}

/**
 * Forgets quotes that expired before `before`; what they mean to a job is kept with the job. At most `limit` at once,
 * oldest first; answers how many.
 */
export async function dropOldQuotes(store: Pick<Store, 'db'>, before: Date, limit = 10_000): Promise<number> {
  const doomed = store.db
    .select({ at: sql`ctid` })
    .from(quotes)
    .where(lt(quotes.expiresAt, before))
    .orderBy(quotes.expiresAt)
    .limit(limit);
  const gone = await store.db.delete(quotes).where(sql`ctid = any(array(${doomed}))`);
  return gone.rowCount ?? 0;
}
