import { eq } from 'drizzle-orm';
import { quotes } from '../schema.ts';
import type { Reader } from '../store.ts';

export type QuoteRow = typeof quotes.$inferSelect;

/** Whosever it is, expired or not; null: there is none, or no more. */
export async function findQuote(reader: Reader, id: string): Promise<QuoteRow | null> {
  const [row] = await reader.select().from(quotes).where(eq(quotes.id, id));
  return row ?? null;
}
