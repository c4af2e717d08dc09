import { tenantScope, type Actor } from '../core/access.ts';
import { currencyFaults } from '../core/ledger/budget-check.ts';
import { formatMicros, parseMicros, type WireMoney } from '../core/money.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertTransfer, type TransferRow } from '../store/apply/transfers.ts';
import { findBudgetIn } from '../store/read/budgets.ts';
import { once, type Answer, type Ask } from './once.ts';

/** What is to go where, and why. */
export interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: WireMoney;
  readonly reason: string;
}

/**
 * Asks for money to go from one budget to another. Nothing moves before somebody else has approved it.
 * Problems: not-found (either of them, or it is somebody else's), impossible-spec (of nothing, to itself, in another
 * currency).
 */
export function transferBudget<Body>(
  deps: Deps,
  actor: Actor,
  { from, to, amount, reason }: Transfer,
  ask: Ask<TransferRow, Body>,
): Promise<Answer<Body>> {
  const now = deps.clock.now();
  const errors = currencyFaults(deps.config.currency, { '/amount': amount });
  const amountMicros = parseMicros(amount.amount);
  if (amountMicros === 0n) errors.push({ pointer: '/amount/amount', detail: 'Greater than 0.' });
  if (from === to) errors.push({ pointer: '/to', detail: 'It is the one that the money is to come from.' });
  if (errors.length > 0) throw new Problem('impossible-spec', 'The transfer contradicts itself.', { errors });
  return once(deps, actor, ask, now, async (tx) => {
    const source = await findBudgetIn(tx, tenantScope(actor), from);
    if (source === null) throw new Problem('not-found', 'There is no such budget.');
    if ((await findBudgetIn(tx, tenantScope(actor), to)) === null)
      throw new Problem('not-found', 'There is no such budget to give it to.', {
        errors: [{ pointer: '/to', detail: 'There is no such budget.' }],
      });
    const row = await insertTransfer(tx, {
      id: deps.ids.next('trf', now),
      fromBudgetId: from,
      toBudgetId: to,
      amountMicros,
      reason,
      state: 'requested',
      createdAt: now,
      createdBy: actor.id,
    });
    const data = { from, to, amount: formatMicros(amountMicros), reason };
    const action = 'budget.transfer-request' as const;
    await appendAudit(tx, now, [{ actor, action, target: row.id, requestId: ask.requestId, data }]);
    return row;
  });
}
