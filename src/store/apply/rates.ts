import { exchangeRates } from '../schema.ts';
import type { Tx } from '../store.ts';
import type { RateRow } from '../read/rates.ts';

/** Writes the rate of a currency as of a time; the same time again replaces it. */
export async function putRate(tx: Tx, row: RateRow): Promise<RateRow> {
  const [made] = await tx
    .insert(exchangeRates)
    .values(row)
    .onConflictDoUpdate({
      target: [exchangeRates.currency, exchangeRates.asOf],
      set: { rateMicros: row.rateMicros, createdAt: row.createdAt },
    })
    .returning();
  return made ?? row;
}
