import { agrees, derive, type Derived, type EntrySum } from '../core/ledger/verify.ts';
import type { Deps } from '../deps.ts';
import { accountsOf, sumEntries, sumHolds } from '../store/read/budget-ledger.ts';
import type { AccountRow } from '../store/read/budgets.ts';
import { snapshot } from '../store/snapshot.ts';

/** One period of a budget, held against its entries. */
export interface VerifiedAccount {
  readonly ok: boolean;
  readonly account: AccountRow;
  readonly derived: Derived;
  readonly sums: readonly EntrySum[];
  readonly heldMicros: bigint;
}

/** Adds up every entry of a budget, as of one moment, and holds that against what its accounts say and what they hold. */
export async function verifyBudget(
  { store }: Pick<Deps, 'store'>,
  budgetId: string,
): Promise<VerifiedAccount[]> {
  return snapshot(store, async (tx) => {
    const accounts = await accountsOf(tx, budgetId);
    const ids = accounts.map(({ id }) => id);
    const entries = await sumEntries(tx, ids);
    const holds = await sumHolds(tx, ids);
    return accounts.map((account) => {
      const sums = entries.get(account.id) ?? [];
      const heldMicros = holds.get(account.id) ?? 0n;
      const derived = derive(sums);
      return { ok: agrees(derived, { ...account, heldMicros }), account, derived, sums, heldMicros };
    });
  });
}
