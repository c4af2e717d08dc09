import {
  allottedAt,
  periodOf,
  periodsDue,
  thresholdsReached,
  type Balances,
  type Period,
  type Terms,
} from './budget.ts';
import type { Calendar, Day } from './calendar.ts';

/** A period that is not over. */
export interface LivePeriod extends Balances {
  readonly id: string;
  readonly startsAt: Date;
}

/** What a budget's periods lack by now. */
export interface Upkeep {
  /** Those that have to be there and are not. */
  readonly missing: readonly Period[];
  /** Those of which more may be spent by now. */
  readonly raised: readonly { readonly id: string; readonly allottedMicros: bigint }[];
}

export function upkeepOf(
  terms: Terms,
  periods: readonly LivePeriod[],
  calendar: Calendar,
  today: Day,
): Upkeep {
  const known = new Set(periods.map(({ startsAt }) => startsAt.getTime()));
  const due = periodsDue(terms, today).map((days) => periodOf(terms, calendar, days, today));
  const raised = periods.flatMap(({ id, startsAt, capMicros, allottedMicros: before }) => {
    const allottedMicros = allottedAt(terms, calendar.dayOf(startsAt), today, capMicros);
    return allottedMicros > before ? [{ id, allottedMicros }] : [];
  });
  return { missing: due.filter(({ startsAt }) => !known.has(startsAt.getTime())), raised };
}

/** Thresholds that were reached and not told yet. */
export function alertsDue(
  thresholds: readonly number[],
  account: Balances & { readonly id: string; readonly exhaustedAt?: Date | null },
  told: ReadonlySet<string>,
): number[] {
  return thresholdsReached(thresholds, account).filter(
    (threshold) => !told.has(`${account.id} ${threshold}`),
  );
}

/**
 * What a period that is over leaves, and what stays with it: what it charged, as all that it could ever have spent. Of
 * its disaster reserve stays what was drawn on.
 */
export function leftOf(account: Balances): {
  readonly leftMicros: bigint;
  readonly stays: Pick<Balances, 'capMicros' | 'allottedMicros' | 'disasterMicros'>;
} {
  const { capMicros, chargedMicros, disasterMicros, failoverMicros } = account;
  const used = disasterMicros < failoverMicros ? disasterMicros : failoverMicros;
  return {
    leftMicros: capMicros - chargedMicros,
    stays: { capMicros: chargedMicros, allottedMicros: chargedMicros, disasterMicros: used },
  };
}
