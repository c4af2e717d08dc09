import type { Chain } from '../../core/ledger/account.ts';
import { Balances } from '../../core/ledger/balances.ts';
import { meter, type Metered } from '../../core/ledger/plan.ts';
import type { Terms } from '../../core/ledger/run.ts';
import { loadAccounts } from '../load/accounts.ts';
import { lockPaying, type PayingRow } from '../load/paying.ts';
import type { Tx } from '../store.ts';
import { writePayments } from './pay.ts';

/** An allocation whose money was looked at. */
export interface Settled {
  readonly row: PayingRow;
  readonly metered: Metered;
  readonly above: readonly Chain[];
}

/**
 * Charges what these allocations used, and holds what those that go on need; of those that are over, all that is left
 * is released. Work that must not stop is served first, then by priority, then the oldest. A look that is repeated, late
 * or missed changes no total.
 */
export async function settle(tx: Tx, now: Date, terms: Terms, ids: readonly string[]): Promise<Settled[]> {
  if (ids.length === 0) return [];
  const rows = await lockPaying(tx, now, terms.leaseSeconds, ids);
  const accounts = await loadAccounts(tx, now, rows, true);
  const balances = new Balances(accounts.all);
  const settled = rows.toSorted(byUrgency).map((row) => {
    const above = accounts.above(row);
    return { row, above, metered: meter(row, above, row.holds, balances, now, terms) };
  });
  await writePayments(tx, now, terms, settled);
  return settled;
}

/** What gives back comes first of all: the others may need it. Ids are in the order of time. */
function byUrgency(a: PayingRow, b: PayingRow): number {
  return rankOf(a) - rankOf(b) || b.priority - a.priority || (a.allocationId < b.allocationId ? -1 : 1);
}

const rankOf = ({ phase, guarded }: PayingRow): number => (phase !== 'goes' ? 0 : guarded ? 1 : 2);
