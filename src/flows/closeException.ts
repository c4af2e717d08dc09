import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { closeException as close, lockException } from '../store/apply/budget-exceptions.ts';
import type { ExceptionRow } from '../store/read/budget-ledger.ts';
import { wakeUnpaid } from '../store/apply/unpaid.ts';

/**
 * Says how it came out that work went on for which there was no money. What was kept waiting for it is looked at again.
 * Problems: not-found (the budget has none of that id), state-conflict (somebody has answered for it before).
 */
export async function closeException(
  deps: Deps,
  actor: Actor,
  budgetId: string,
  id: string,
  resolution: string,
  requestId: string,
): Promise<ExceptionRow> {
  const now = deps.clock.now();
  const row = await deps.store.transaction(async (tx) => {
    const open = await lockException(tx, budgetId, id);
    if (open === null) throw new Problem('not-found', 'The budget has no such exception.');
    if (open.closedAt !== null)
      throw new Problem('state-conflict', `${open.closedBy} has closed it already.`);
    const closed = await close(tx, id, { closedAt: now, closedBy: actor.id, resolution });
    const data = { budget: budgetId, job: open.jobId, resolution };
    await appendAudit(tx, now, [{ actor, action: 'budget.exception-close', target: id, requestId, data }]);
    return closed;
  });
  await wakeUnpaid(deps.store.db, null);
  deps.bell.ring('place');
  return row;
}
