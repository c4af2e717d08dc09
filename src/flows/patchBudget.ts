import type { Actor } from '../core/access.ts';
import { budgetContradictions, currencyFaults } from '../core/ledger/budget-check.ts';
import { periodsAfter, type ChangedPeriod } from '../core/ledger/budget-change.ts';
import type { Terms } from '../core/ledger/budget.ts';
import { Calendar, type Day } from '../core/ledger/calendar.ts';
import { formatMicros, parseMicros, type WireMoney } from '../core/money.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { changePeriods, lockAccountsOf } from '../store/apply/budget-accounts.ts';
import { changeBudget, lockBudget, lockOrganization, type BudgetRow } from '../store/apply/budgets.ts';
import { wakeUnpaid } from '../store/apply/unpaid.ts';
import { standingOf } from '../store/read/budgets.ts';
import type { Tx } from '../store/store.ts';
import { copies, refuse, refuseOverlap, toAllotments, type Budget, type NewBudget } from './createBudget.ts';

/** What of a budget may be said anew; what is absent stays. */
export interface BudgetPatch extends Partial<
  Pick<NewBudget, 'cap' | 'thresholds' | 'onExhausted' | 'disasterReserve' | 'allotments' | 'carryOver'>
> {
  readonly approvalAbove?: WireMoney | null;
  readonly until?: Day | null;
  readonly reason?: string;
}

export interface Patched extends Budget {
  /** False: it has changed since it was read, and nothing was changed now. */
  readonly changed: boolean;
}

/**
 * Says something anew about a budget; a changed cap counts for the current period and the later ones. `version`: only if
 * it still is that one (null: whatever it is).
 * Problems: not-found; invalid-request (a cap without a reason); impossible-spec (it contradicts itself, or what is held
 * and charged already does not fit); state-conflict (another of its scope and kind has some of its days).
 */
export async function patchBudget(
  deps: Deps,
  actor: Actor,
  seen: Pick<BudgetRow, 'id' | 'organization'>,
  version: number | null,
  patch: BudgetPatch,
  requestId: string,
): Promise<Patched> {
  const now = deps.clock.now();
  const patched = await deps.store.transaction(async (tx) => {
    await lockOrganization(tx, seen.organization);
    const before = await lockBudget(tx, seen.id);
    if (before === null) throw new Problem('not-found', 'There is no such budget.');
    if (version !== null && before.version !== version)
      return { row: before, standing: await standingOf(tx, now, before), changed: false };
    const row = await change(deps, tx, now, actor, before, patch);
    const standing = await standingOf(tx, now, row);
    const { reason = null } = patch;
    const data = { before: termsIn(before), after: termsIn(row), reason };
    await appendAudit(tx, now, [{ actor, action: 'budget.change', target: row.id, requestId, data }]);
    return { row, standing, changed: true };
  });
  if (patched.changed) {
    await wakeUnpaid(deps.store.db, seen.organization);
    deps.bell.ring('place');
  }
  return patched;
}

async function change(
  deps: Deps,
  tx: Tx,
  now: Date,
  actor: Actor,
  before: BudgetRow,
  patch: BudgetPatch,
): Promise<BudgetRow> {
  const calendar = new Calendar(deps.config.timeZone);
  const today = calendar.dayOf(now);
  const { cap, disasterReserve, approvalAbove, allotments = [] } = patch;
  const amounts = { '/cap': cap, '/disasterReserve': disasterReserve, '/approvalAbove': approvalAbove };
  const inside = Object.fromEntries(
    allotments.map(({ amount }, index) => [`/allotments/${index}/amount`, amount]),
  );
  refuse(currencyFaults(deps.config.currency, { ...amounts, ...inside }));
  const after = termsAfter(before, patch);
  refuse(faultsOf(after, patch, today));
  if (after.capMicros !== before.capMicros && patch.reason === undefined) {
    const errors = [{ pointer: '/reason', detail: 'It is needed where the cap changes.' }];
    throw new Problem('invalid-request', 'Say why the cap changes.', { errors });
  }
  if (patch.until !== undefined) await refuseOverlap(tx, { ...before, ...after });
  const periods = periodsAfter(before, after, await lockAccountsOf(tx, before.id), calendar, today);
  for (const period of periods) refuseOverdrawn(deps, period, patch, calendar);
  await changePeriods(tx, periods, {
    now,
    actor: actor.id,
    reason: patch.reason ?? 'the budget was changed',
  });
  return changeBudget(tx, before.id, { ...after, ...copies(after) });
}

function termsAfter(before: BudgetRow, patch: BudgetPatch): Terms {
  const { cap, thresholds, onExhausted, disasterReserve, allotments, carryOver, approvalAbove, until } =
    patch;
  return {
    ...termsIn(before),
    ...(cap !== undefined && { capMicros: parseMicros(cap.amount) }),
    ...(thresholds !== undefined && { thresholds }),
    ...(onExhausted !== undefined && { onExhausted }),
    ...(disasterReserve !== undefined && { disasterMicros: parseMicros(disasterReserve?.amount ?? '0') }),
    ...(allotments !== undefined && { allotments: toAllotments(allotments) }),
    ...(carryOver !== undefined && { carryOver }),
    ...(approvalAbove !== undefined && {
      approvalAboveMicros: approvalAbove === null ? null : parseMicros(approvalAbove.amount),
    }),
    ...(until !== undefined && { untilDay: until }),
  };
}

function termsIn(row: BudgetRow): Terms {
  const { periodKind, fromDay, untilDay, capMicros, disasterMicros } = row;
  const { allotments, thresholds, onExhausted, carryOver, approvalAboveMicros } = row;
  return {
    periodKind,
    fromDay,
    untilDay,
    capMicros,
    disasterMicros,
    allotments,
    thresholds,
    onExhausted,
    carryOver,
    approvalAboveMicros,
  };
}

/** In the words of a patch. That it is over already is said to whoever sets its end, and not to whoever renames a threshold. */
function faultsOf(after: Terms, { until }: BudgetPatch, today: Day) {
  return budgetContradictions(after, today).flatMap((fault) => {
    if (fault.pointer !== '/period/until') return [fault];
    return until === undefined ? [] : [{ ...fault, pointer: '/until' }];
  });
}

/** Neither the database nor an officer may take back what is spent or promised. */
function refuseOverdrawn(
  { config: { currency } }: Deps,
  period: ChangedPeriod,
  patch: BudgetPatch,
  calendar: Calendar,
): void {
  if (period.overdrawn === null) return;
  const { reservedMicros, chargedMicros, failoverMicros, allottedMicros, disasterMicros } = period;
  const said = (micros: bigint) => `${formatMicros(micros)} ${currency}`;
  const since = `Of the period from ${calendar.dayOf(period.startsAt)}`;
  const detail =
    period.overdrawn === 'cap'
      ? `${since} ${said(chargedMicros)} are charged and ${said(reservedMicros)} reserved, ${said(chargedMicros + reservedMicros)} together; what could be spent would be ${said(allottedMicros < 0n ? 0n : allottedMicros)}.`
      : `${since} ordinary work has ${said(chargedMicros + reservedMicros - failoverMicros)} charged and reserved, which leaves no ${said(disasterMicros)} of ${said(allottedMicros)} for disasters.`;
  throw new Problem('impossible-spec', detail, { errors: [{ pointer: pointerOf(period, patch), detail }] });
}

function pointerOf({ overdrawn }: ChangedPeriod, patch: BudgetPatch): string {
  if (overdrawn === 'disasterReserve' && patch.disasterReserve !== undefined) return '/disasterReserve';
  if (patch.cap !== undefined) return '/cap';
  return patch.until === undefined ? '/allotments' : '/until';
}
