import { and, desc, eq, gt, lte } from 'drizzle-orm';
import { exchangeRates } from '../schema.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export type RateRow = typeof exchangeRates.$inferSelect;

/** The rate of each currency that counts at `now`, by currency; `after` is the last one of the page before. */
export async function listRates(
  reader: Reader,
  now: Date,
  after: string | null,
  limit: number,
): Promise<Page<RateRow>> {
  const rows = await reader
    .selectDistinctOn([exchangeRates.currency])
    .from(exchangeRates)
    .where(and(lte(exchangeRates.asOf, now), after === null ? undefined : gt(exchangeRates.currency, after)))
    .orderBy(exchangeRates.currency, desc(exchangeRates.asOf))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** The rate of one currency that counts at `now`; null: it has none. */
export async function findRate(reader: Reader, currency: string, now: Date): Promise<RateRow | null> {
  const [row] = await reader
    .select()
    .from(exchangeRates)
    .where(and(eq(exchangeRates.currency, currency), lte(exchangeRates.asOf, now)))
    .orderBy(desc(exchangeRates.asOf))
    .limit(1);
  return row ?? null;
}
