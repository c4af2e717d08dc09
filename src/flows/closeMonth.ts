import type { Actor } from '../core/access.ts';
import { Calendar, daysOfMonth, type Month } from '../core/ledger/calendar.ts';
import { formatMicros } from '../core/money.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { holdLedger, insertClosedMonth } from '../store/apply/months.ts';
import {
  countUnmetered,
  findClosedMonth,
  sealMonth,
  verifyMonth,
  type ClosedMonth,
} from '../store/read/months.ts';
import type { Tx } from '../store/store.ts';

/**
 * Makes a month's bill final. Again: nothing happens. What turns up later is a correction on the bill of a later month.
 * Problems: not-found (nothing was used in it), state-conflict (not over, not metered to its end, or its lines are not
 * what its entries come to).
 */
export async function closeMonth(
  deps: Deps,
  actor: Actor,
  month: Month,
  requestId: string,
): Promise<ClosedMonth> {
  const now = deps.clock.now();
  const end = new Calendar(deps.config.timeZone).startOf(daysOfMonth(month).until);
  return deps.store.transaction(async (tx) => {
    const before = await findClosedMonth(tx, month);
    if (before !== null) return before;
    if (now < end) throw new Problem('state-conflict', `${month} is not over before ${end.toISOString()}.`);
    // The slow look comes before the lock: nobody should wait for it, and what is of a month that is over stays.
    await refuseWrong(tx, month);
    await holdLedger(tx);
    // Somebody else may have closed it while the lock was waited for.
    return (
      (await findClosedMonth(tx, month)) ?? (await close(deps, tx, { actor, month, now, end, requestId }))
    );
  });
}

interface Closing {
  readonly actor: Actor;
  readonly month: Month;
  readonly now: Date;
  readonly end: Date;
  readonly requestId: string;
}

async function close(
  deps: Deps,
  tx: Tx,
  { actor, month, now, end, requestId }: Closing,
): Promise<ClosedMonth> {
  const unmetered = await countUnmetered(tx, end);
  if (unmetered > 0)
    throw new Problem(
      'state-conflict',
      `${unmetered} allocations that ran in ${month} are not metered to its end yet; try again in a while.`,
    );
  const seal = await sealMonth(tx, month);
  if (seal.lines === 0) throw new Problem('not-found', `Nothing was used in ${month}.`);
  const { vatPercent } = deps.config;
  const row = { month, closedAt: now, closedBy: actor.id, vatPercent, ...seal };
  await insertClosedMonth(tx, row);
  const { lines, sha256, totalMicros } = seal;
  const data = { lines, sha256, total: formatMicros(totalMicros), vatPercent };
  await appendAudit(tx, now, [{ actor, action: 'month.close', target: month, requestId, data }]);
  return row;
}

async function refuseWrong(tx: Tx, month: Month): Promise<void> {
  const { wrong, examples } = await verifyMonth(tx, month);
  if (wrong === 0) return;
  const [first] = examples;
  throw new Problem(
    'state-conflict',
    `${wrong} lines of ${month} are not what the ledger's entries come to, ${first?.allocationId ?? ''} on ${first?.day ?? ''} among them.`,
  );
}
