import { and, eq } from 'drizzle-orm';
import type { ExceptionRow } from '../read/budget-ledger.ts';
import { accounts, budgetExceptions } from '../schema.ts';
import type { Tx } from '../store.ts';

/** One of a budget's, held until the transaction ends. Null: it has none of that id. */
export async function lockException(tx: Tx, budgetId: string, id: string): Promise<ExceptionRow | null> {
  const [row] = await tx
    .select({ exception: budgetExceptions })
    .from(budgetExceptions)
    .innerJoin(accounts, eq(accounts.id, budgetExceptions.accountId))
    .where(and(eq(budgetExceptions.id, id), eq(accounts.budgetId, budgetId)))
    .for('update', { of: budgetExceptions });
  return row?.exception ?? null;
}

/** Ends one that is locked by the caller. */
export async function closeException(
  tx: Tx,
  id: string,
  set: Pick<ExceptionRow, 'closedAt' | 'closedBy' | 'resolution'>,
): Promise<ExceptionRow> {
  const [row] = await tx.update(budgetExceptions).set(set).where(eq(budgetExceptions.id, id)).returning();
  if (row === undefined) throw new Error(`the exception ${id} was locked and is gone`);
  return row;
}
