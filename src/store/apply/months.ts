import { sql } from 'drizzle-orm';
import { closedMonths } from '../schema.ts';
import type { Tx } from '../store.ts';
import type { ClosedMonth } from '../read/months.ts';

/**
 * Until the transaction ends nobody writes an entry; reading goes on. What was being written is waited for, so that a
 * month cannot be closed over an entry that its trigger has let through already.
 */
export async function holdLedger(tx: Tx): Promise<void> {
  await tx.execute(sql`lock table ledger in share row exclusive mode`);
}

/** From then on a trigger refuses entries of that month. */
export async function insertClosedMonth(tx: Tx, row: ClosedMonth): Promise<void> {
  await tx.insert(closedMonths).values(row);
}
