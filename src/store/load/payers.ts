import { asc, inArray, sql } from 'drizzle-orm';
import type { Payer } from '../../core/ledger/correction.ts';
import { accounts } from '../schema.ts';
import type { Tx } from '../store.ts';
import type { PayingRow } from './paying.ts';

/** The accounts that paid for an allocation, locked in the order of ids, as the last rows of a transaction. */
export async function lockPayers(tx: Tx, { holds }: PayingRow): Promise<Payer[]> {
  const rows = await tx
    .select()
    .from(accounts)
    .where(inArray(accounts.id, [...holds.keys()]))
    .orderBy(asc(accounts.id))
    .for('no key update');
  return rows.map((row) => ({ ...row, paidMicros: holds.get(row.id)?.chargedMicros ?? 0n }));
}

/** What corrections so far have added to an allocation's cost; negative: taken off it. */
export async function correctedSoFar(tx: Tx, allocationId: string): Promise<bigint> {
  const { rows } = await tx.execute<{ micros: string }>(sql`
    select coalesce(sum(case when debit = 'project' then amount_micros else -amount_micros end), 0)::text as micros
    from ledger where allocation_id = ${allocationId} and kind = 'adjust' and account_id is null`);
  return BigInt(rows[0]?.micros ?? 0);
}
