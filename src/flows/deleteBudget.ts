import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { changePeriods, everMoved, lockAccountsOf } from '../store/apply/budget-accounts.ts';
import { changeBudget, lockBudget } from '../store/apply/budgets.ts';
import { wakeUnpaid } from '../store/apply/unpaid.ts';

/**
 * Takes back a budget that nothing was ever held by. Its caps go back to where they came from, and its entries stay.
 * Problems: not-found, state-conflict (it has entries beyond its caps).
 */
export async function deleteBudget(deps: Deps, actor: Actor, id: string, requestId: string): Promise<void> {
  const now = deps.clock.now();
  await deps.store.transaction(async (tx) => {
    const budget = await lockBudget(tx, id);
    if (budget === null) throw new Problem('not-found', 'There is no such budget.');
    const accounts = await lockAccountsOf(tx, id);
    const ids = accounts.map((account) => account.id);
    if (await everMoved(tx, ids))
      throw new Problem('state-conflict', 'The budget has entries: end it with `until` instead.');
    const emptied = accounts.map((account) => {
      const nothing = { capMicros: 0n, allottedMicros: 0n, disasterMicros: 0n, overdrawn: null };
      return { ...account, ...nothing, deltaMicros: -account.capMicros };
    });
    await changePeriods(tx, emptied, { now, actor: actor.id, reason: 'the budget was deleted' });
    await changeBudget(tx, id, { deletedAt: now });
    const { name, organization, project } = budget;
    const data = { name, organization, project };
    await appendAudit(tx, now, [{ actor, action: 'budget.delete', target: id, requestId, data }]);
  });
  await wakeUnpaid(deps.store.db, null);
  deps.bell.ring('place');
}
