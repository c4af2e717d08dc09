import { eq } from 'drizzle-orm';
import { budgetTransfers } from '../schema.ts';
import type { Tx } from '../store.ts';

export type TransferRow = typeof budgetTransfers.$inferSelect;

export async function insertTransfer(tx: Tx, row: typeof budgetTransfers.$inferInsert): Promise<TransferRow> {
  const [made] = await tx.insert(budgetTransfers).values(row).returning();
  if (made === undefined) throw new Error('an insert of a transfer returned nothing');
  return made;
}

/** Held until the transaction ends, so that it is decided once. Null: there is none of that id. */
export async function lockTransfer(tx: Tx, id: string): Promise<TransferRow | null> {
  const [row] = await tx.select().from(budgetTransfers).where(eq(budgetTransfers.id, id)).for('update');
  return row ?? null;
}

/** Writes what was decided of one that is locked by the caller. */
export async function noteDecision(
  tx: Tx,
  id: string,
  set: Pick<TransferRow, 'state' | 'decidedAt' | 'decidedBy' | 'decisionNote'>,
): Promise<TransferRow> {
  const [row] = await tx.update(budgetTransfers).set(set).where(eq(budgetTransfers.id, id)).returning();
  if (row === undefined) throw new Error(`the transfer ${id} was locked and is gone`);
  return row;
}
