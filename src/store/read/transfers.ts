import { and, desc, eq, lt, or } from 'drizzle-orm';
import type { TransferRow } from '../apply/transfers.ts';
import { budgetTransfers } from '../schema.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export type { TransferRow } from '../apply/transfers.ts';

/** Those from a budget and those to it, newest first; `before` is the last id of the page before. */
export async function listTransfers(
  reader: Reader,
  budgetId: string,
  before: string | null,
  limit: number,
): Promise<Page<TransferRow>> {
  const rows = await reader
    .select()
    .from(budgetTransfers)
    .where(
      and(
        or(eq(budgetTransfers.fromBudgetId, budgetId), eq(budgetTransfers.toBudgetId, budgetId)),
        before === null ? undefined : lt(budgetTransfers.id, before),
      ),
    )
    .orderBy(desc(budgetTransfers.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}
