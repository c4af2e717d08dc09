import { availableMicros, forecast, reserveUsedMicros, type Balances } from '../../src/core/ledger/budget.ts';
import { Calendar } from '../../src/core/ledger/calendar.ts';
import { toWire } from '../../src/core/money.ts';
import type { AccountRow, BudgetRow, Standing } from '../../src/store/read/budgets.ts';
import { time } from './time.ts';

/** What amounts and days are shown in. */
export interface Books {
  readonly currency: string;
  readonly timeZone: string;
}

/** Of a budget that has no period now. */
export const NOTHING: Balances = {
  capMicros: 0n,
  allottedMicros: 0n,
  disasterMicros: 0n,
  reservedMicros: 0n,
  chargedMicros: 0n,
  failoverMicros: 0n,
};

export function renderBudget(
  row: BudgetRow,
  { account, burnMicrosPerHour }: Standing,
  now: Date,
  books: Books,
) {
  const { currency } = books;
  const money = (micros: bigint) => toWire(micros, currency);
  const balances = account ?? NOTHING;
  const { atEndMicros, exhaustedAt } = forecast(balances, burnMicrosPerHour, now, account?.endsAt ?? null);
  return {
    id: row.id,
    name: row.name,
    organization: row.organization,
    project: row.project,
    period: {
      kind: row.periodKind,
      from: row.fromDay,
      until: row.untilDay,
      current: account === null ? null : daysOf(account, books),
    },
    cap: money(row.capMicros),
    currentCap: money(balances.capMicros),
    allotted: money(balances.allottedMicros),
    reserved: money(balances.reservedMicros),
    charged: money(balances.chargedMicros),
    available: money(availableMicros(balances)),
    disasterReserve: { amount: money(row.disasterMicros), used: money(reserveUsedMicros(balances)) },
    burnPerHour: money(burnMicrosPerHour),
    forecast: money(atEndMicros),
    exhaustedAt: time(exhaustedAt),
    thresholds: row.thresholds,
    onExhausted: row.onExhausted,
    allotments: row.allotments.map(({ afterMonths, micros }) => ({
      afterMonths,
      amount: money(BigInt(micros)),
    })),
    carryOver: row.carryOver,
    approvalAbove: row.approvalAboveMicros === null ? null : money(row.approvalAboveMicros),
    version: row.version,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
  };
}

/** The days of a budget's account. */
export function daysOf({ startsAt, endsAt }: Pick<AccountRow, 'startsAt' | 'endsAt'>, { timeZone }: Books) {
  const calendar = new Calendar(timeZone);
  return { from: calendar.dayOf(startsAt), until: calendar.dayOf(endsAt ?? startsAt) };
}
