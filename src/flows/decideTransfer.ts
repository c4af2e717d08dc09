import { tenantScope, type Actor } from '../core/access.ts';
import { spareMicros } from '../core/ledger/budget.ts';
import { formatMicros } from '../core/money.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { lockCurrentAccounts, moveCap } from '../store/apply/budget-accounts.ts';
import { lockBudgets } from '../store/apply/budgets.ts';
import { lockTransfer, noteDecision, type TransferRow } from '../store/apply/transfers.ts';
import { findBudgetIn } from '../store/read/budgets.ts';
import type { Tx } from '../store/store.ts';
import { wakeUnpaid } from '../store/apply/unpaid.ts';

/** What is decided of which transfer. */
export interface Decision {
  readonly budgetId: string;
  readonly transferId: string;
  readonly approved: boolean;
  readonly note: string | null;
}

/**
 * Lets a transfer happen, or not. What is approved moves at once, from one current period to the other, where the first
 * can spare it: the disaster reserve stays.
 * Problems: not-found; forbidden (it is the actor's own); state-conflict (it is decided, one of the two has no period
 * now, or the money is not there).
 */
export async function decideTransfer(
  deps: Deps,
  actor: Actor,
  decision: Decision,
  requestId: string,
): Promise<TransferRow> {
  const { transferId, approved, note } = decision;
  const now = deps.clock.now();
  const row = await deps.store.transaction(async (tx) => {
    const asked = await undecided(tx, actor, decision);
    const moved = approved ? await move(deps, tx, now, actor, asked) : {};
    const set = { decidedAt: now, decidedBy: actor.id, decisionNote: note };
    const decided = await noteDecision(tx, transferId, { ...set, state: approved ? 'done' : 'rejected' });
    const action = approved ? 'budget.transfer-approve' : 'budget.transfer-reject';
    const { fromBudgetId: from, toBudgetId: to, amountMicros, createdBy } = asked;
    const data = { from, to, amount: formatMicros(amountMicros), requestedBy: createdBy, note, ...moved };
    await appendAudit(tx, now, [{ actor, action, target: transferId, requestId, data }]);
    return decided;
  });
  if (approved) {
    await wakeUnpaid(deps.store.db, null);
    deps.bell.ring('place');
  }
  return row;
}

async function undecided(tx: Tx, actor: Actor, { budgetId, transferId }: Decision): Promise<TransferRow> {
  const row = await lockTransfer(tx, transferId);
  const ends = row === null ? [] : [row.fromBudgetId, row.toBudgetId];
  if (row === null || !ends.includes(budgetId))
    throw new Problem('not-found', 'The budget has no such transfer.');
  for (const id of ends)
    if ((await findBudgetIn(tx, tenantScope(actor), id)) === null)
      throw new Problem('not-found', 'The budget has no such transfer.');
  if (row.createdBy === actor.id)
    throw new Problem('forbidden', 'The requester cannot approve it, nor reject it: somebody else has to.');
  if (row.state !== 'requested')
    throw new Problem('state-conflict', `${row.decidedBy} has decided it already: it is ${row.state}.`);
  return row;
}

/** Both budgets are locked, so that neither ends or goes meanwhile; then both accounts, as everybody locks them. */
async function move(
  { config }: Deps,
  tx: Tx,
  now: Date,
  actor: Actor,
  { id, fromBudgetId, toBudgetId, amountMicros, reason }: TransferRow,
): Promise<{ readonly fromAccount: string; readonly toAccount: string }> {
  const names = new Map((await lockBudgets(tx, [fromBudgetId, toBudgetId])).map((row) => [row.id, row.name]));
  const current = await lockCurrentAccounts(tx, [fromBudgetId, toBudgetId], now);
  const account = (budgetId: string) => {
    const found = current.get(budgetId);
    if (found !== undefined) return found;
    throw new Problem('state-conflict', `The budget ${names.get(budgetId)} has no period now.`);
  };
  const [from, to] = [account(fromBudgetId), account(toBudgetId)];
  const spare = spareMicros(from);
  if (spare < amountMicros) {
    const said = (micros: bigint) => `${formatMicros(micros)} ${config.currency}`;
    const detail = `The budget ${names.get(fromBudgetId)} can spare ${said(spare)}, which is less than ${said(amountMicros)}.`;
    throw new Problem('state-conflict', detail);
  }
  await moveCap(
    tx,
    'transfer',
    id,
    amountMicros,
    { from: from.id, to: to.id },
    { now, actor: actor.id, reason },
  );
  return { fromAccount: from.id, toAccount: to.id };
}
