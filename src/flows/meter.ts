import { SYSTEM } from '../core/access.ts';
import type { Account } from '../core/ledger/account.ts';
import type { Shortage } from '../core/ledger/plan.ts';
import { describe, stopUnpaid, victimsFor, type Unpaid } from '../core/ledger/unpaid.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { noteExhausted, openException, type ExceptionRow } from '../store/apply/exceptions.ts';
import { settle, type Settled } from '../store/apply/settle.ts';
import { tellAll } from '../store/apply/webhooks.ts';
import { loadPayees } from '../store/load/payees.ts';
import { loadDue, type PayingRow } from '../store/load/paying.ts';
import type { Tx } from '../store/store.ts';

/** Allocations of one transaction: it holds the accounts' rows, for which placements and releases wait. */
const PAGE = 2_000;

/**
 * Charges what was used since the last look, and holds what is needed until the one after the next. What cannot be held
 * any longer is stopped in time; what it spends until then was held before. Killed at any point, the next pass does the
 * rest: charges are those of the whole run, less what was charged.
 *
 * @returns how many were looked at
 */
export async function meterPass(deps: Deps): Promise<number> {
  for (let metered = 0; ;) {
    const now = deps.clock.now();
    const page = await deps.store.transaction(async (tx) =>
      settle(tx, now, deps.terms, await loadDue(tx, now, PAGE)),
    );
    for (const one of page) await stopIfUnpaid(deps, now, one);
    metered += page.length;
    if (page.length < PAGE) return metered;
  }
}

async function stopIfUnpaid(deps: Deps, now: Date, { row, metered }: Settled): Promise<void> {
  const { shortage, stop } = metered;
  if (shortage === null || row.phase !== 'goes') return;
  const { currency } = deps.config;
  const stopped = await deps.store.transaction(async (tx) => {
    // Work that must not stop is not stopped while others may be, and not without somebody who has to answer for it.
    if (row.guarded && row.role === 'run' && shortage.account.budgetId !== null) {
      const others = await makeRoom(deps, tx, now, row, shortage);
      if (others > 0 || !stop) return others;
    }
    if (!stop) return 0;
    const changes = stopUnpaid(row, shortage, now, currency);
    const applied = await applyChanges(tx, now, deps.terms, changes);
    if (applied.releasing > 0) await tell(deps, tx, now, row, shortage, [row]);
    return applied.releasing;
  });
  if (stopped === 0) return;
  deps.metrics.countMoves('unpaid', stopped);
  deps.watch.changed();
  deps.bell.ring('effects');
}

/**
 * Stops ordinary work of the account, so that what it holds comes back.
 *
 * @returns how many were told to go, or are going already
 */
async function makeRoom(deps: Deps, tx: Tx, now: Date, row: PayingRow, shortage: Shortage): Promise<number> {
  const { account, missingMicros } = shortage;
  const exception = {
    id: deps.ids.next('exc', now),
    accountId: account.id,
    jobId: row.jobId,
    detail: describe(shortage, deps.config.currency),
  };
  if (await openException(tx, now, exception)) await tellException(deps, tx, now, row, account, exception);
  const payees = await loadPayees(tx, account.id);
  const victims = victimsFor(missingMicros, payees);
  const changes = victims.flatMap((victim) => stopUnpaid(victim, shortage, now, deps.config.currency));
  const { releasing } = await applyChanges(tx, now, deps.terms, changes);
  if (victims.length > 0) await tell(deps, tx, now, row, shortage, victims);
  return releasing + payees.filter(({ leaving }) => leaving).length;
}

/** The record of those that were stopped, and word to whoever wants it: of each, and once that the money is used up. */
async function tell(
  deps: Deps,
  tx: Tx,
  now: Date,
  { organization, project, jobId }: PayingRow,
  shortage: Shortage,
  stopped: readonly Unpaid[],
): Promise<void> {
  const { account, why } = shortage;
  const detail = describe(shortage, deps.config.currency);
  const about = { budget: account.budgetId, project, why: detail };
  await appendAudit(
    tx,
    now,
    stopped.map((one) => ({
      actor: SYSTEM,
      action: 'job.stop-unpaid',
      target: one.jobId,
      requestId: null,
      data: { allocation: one.allocationId, why: detail, ...(one.jobId !== jobId && { for: jobId }) },
    })),
  );
  const isNews = why === 'money' && (await noteExhausted(tx, now, account.id));
  const news = [
    ...stopped.map((one) => ({
      event: 'job.stopped-for-money' as const,
      data: { ...about, job: one.jobId },
    })),
    ...(isNews ? [{ event: 'budget.exhausted' as const, data: about }] : []),
  ];
  const told = news.map((one) => ({ ...one, organization }));
  await tellAll(tx, now, () => deps.ids.next('dlv', now), told);
}

async function tellException(
  deps: Deps,
  tx: Tx,
  now: Date,
  { organization, project }: PayingRow,
  account: Account,
  { id, jobId, detail }: ExceptionRow,
): Promise<void> {
  const data = { budget: account.budgetId, project, exception: id, job: jobId, why: detail };
  await tellAll(tx, now, () => deps.ids.next('dlv', now), [
    { event: 'budget.exception', organization, data },
  ]);
}
