import { availableMicros, forecast } from '../../src/core/ledger/budget.ts';
import { toWire } from '../../src/core/money.ts';
import { isGuarded } from '../../src/core/protection.ts';
import type { VerifiedAccount } from '../../src/flows/verifyBudget.ts';
import type { Correction } from '../../src/store/apply/corrections.ts';
import type { AlertRow, EntryRow, ExceptionRow } from '../../src/store/read/budget-ledger.ts';
import type { RunningRow } from '../../src/store/read/budget-outlook.ts';
import type { AccountRow, Standing } from '../../src/store/read/budgets.ts';
import type { TransferRow } from '../../src/store/read/transfers.ts';
import { daysOf, NOTHING, type Books } from './budget.ts';
import { time } from './time.ts';

/** The days of each of a budget's accounts, by account. */
export type Periods = ReadonlyMap<string, ReturnType<typeof daysOf>>;

export function periodsOf(accounts: readonly AccountRow[], books: Books): Periods {
  return new Map(accounts.map((account) => [account.id, daysOf(account, books)]));
}

const NEVER = { from: '', until: '' };
const periodOf = (periods: Periods, accountId: string | null) => periods.get(accountId ?? '') ?? NEVER;

export function renderEntry(row: EntryRow, periods: Periods, { currency }: Books) {
  const { priceMicrosPerHour: price } = row;
  return {
    seq: row.seq,
    at: row.at.toISOString(),
    kind: row.kind,
    debit: row.debit,
    credit: row.credit,
    amount: toWire(row.amountMicros, currency),
    period: periodOf(periods, row.accountId),
    job: row.jobId,
    allocation: row.allocationId,
    provider: row.provider,
    offer: row.offer,
    pricePerHour: price === null ? null : toWire(price, currency),
    reason: row.reason,
    actor: row.actor,
    transfer: row.transferId,
  };
}

export function renderAlert(row: AlertRow, periods: Periods, { currency }: Books) {
  return {
    threshold: row.threshold,
    at: row.at.toISOString(),
    period: periodOf(periods, row.accountId),
    used: toWire(row.usedMicros, currency),
    allotted: toWire(row.capMicros, currency),
  };
}

export function renderException(row: ExceptionRow, periods: Periods) {
  return {
    id: row.id,
    at: row.at.toISOString(),
    period: periodOf(periods, row.accountId),
    job: row.jobId,
    detail: row.detail,
    closedAt: time(row.closedAt),
    closedBy: row.closedBy,
    resolution: row.resolution,
  };
}

export function renderVerification(verified: readonly VerifiedAccount[], books: Books) {
  const money = (micros: bigint) => toWire(micros, books.currency);
  return {
    ok: verified.every(({ ok }) => ok),
    accounts: verified.map(({ ok, account, derived, sums, heldMicros }) => ({
      ok,
      period: daysOf(account, books),
      cap: money(account.capMicros),
      reserved: money(account.reservedMicros),
      charged: money(account.chargedMicros),
      entries: {
        count: sums.reduce((all, { entries }) => all + entries, 0),
        cap: money(derived.capMicros),
        available: money(derived.availableMicros),
        reserved: money(derived.reservedMicros),
        charged: money(derived.chargedMicros),
      },
      holds: money(heldMicros),
    })),
  };
}

/** What a budget's money is going to, beside what it goes to. */
export function renderOutlook({ account, burnMicrosPerHour }: Standing, now: Date, { currency }: Books) {
  const balances = account ?? NOTHING;
  const { exhaustedAt } = forecast(balances, burnMicrosPerHour, now, account?.endsAt ?? null);
  return {
    exhaustedAt: time(exhaustedAt),
    burnPerHour: toWire(burnMicrosPerHour, currency),
    available: toWire(availableMicros(balances), currency),
  };
}

export function renderRunning(row: RunningRow, { currency }: Books) {
  return {
    job: row.jobId,
    name: row.name,
    project: row.project,
    allocation: row.allocationId,
    role: row.role,
    provider: row.provider,
    pricePerHour: toWire(row.priceMicrosPerHour, currency),
    reserved: toWire(row.reservedMicros, currency),
    heldUntil: time(row.heldUntil),
    mustNotStop: isGuarded(row),
  };
}

export function renderTransfer(row: TransferRow, { currency }: Books) {
  return {
    id: row.id,
    from: row.fromBudgetId,
    to: row.toBudgetId,
    amount: toWire(row.amountMicros, currency),
    reason: row.reason,
    state: row.state,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    decidedAt: time(row.decidedAt),
    decidedBy: row.decidedBy,
    note: row.decisionNote,
  };
}

export function renderCorrection({ row, ...correction }: Correction, { currency }: Pick<Books, 'currency'>) {
  return {
    id: correction.id,
    allocation: row.allocationId,
    job: row.jobId,
    project: row.project,
    provider: row.provider,
    amount: toWire(correction.micros, currency),
    kind: correction.kind,
    month: correction.month,
    day: correction.day,
    reason: correction.reason,
    createdAt: correction.at.toISOString(),
    createdBy: correction.by,
  };
}
