import { allottedAt, overdrawn, type Balances, type Terms } from './budget.ts';
import { periodAt, type Calendar, type Day } from './calendar.ts';

/** A period of a budget, as it is kept. */
export interface KeptPeriod extends Balances {
  readonly id: string;
  readonly startsAt: Date;
  readonly endsAt: Date | null;
}

/** The same after the budget's terms have changed. */
export interface ChangedPeriod extends KeptPeriod {
  /** How much the cap has grown; negative: shrunk. */
  readonly deltaMicros: bigint;
  /** What of it does not fit what is held and charged already; null: it fits. */
  readonly overdrawn: 'cap' | 'disasterReserve' | null;
}

/**
 * What becomes of the periods that are not over when a budget's terms change: those that the budget still has get the
 * difference of the caps, and keep what transfers brought or took; those that it has no longer are left with nothing.
 */
export function periodsAfter(
  before: Terms,
  after: Terms,
  periods: readonly KeptPeriod[],
  calendar: Calendar,
  today: Day,
): ChangedPeriod[] {
  return periods.flatMap((period) => {
    const day = calendar.dayOf(period.startsAt);
    const days = periodAt(after, day);
    // What is no period of it any more ends as it begins: it would stand in the way of who pays for that time.
    const endsAt = days === null ? after1Ms(period.startsAt) : calendar.startOf(days.until);
    const isOver = (at: Date | null) => at !== null && at <= calendar.startOf(today);
    if (isOver(period.endsAt) && isOver(endsAt)) return [];
    const base = periodAt(before, day) === null ? 0n : period.capMicros - before.capMicros;
    const capMicros = days === null ? 0n : base + after.capMicros;
    const changed = {
      ...period,
      endsAt,
      capMicros,
      allottedMicros: days === null ? 0n : allottedAt(after, days.from, today, capMicros),
      disasterMicros: days === null ? 0n : after.disasterMicros,
    };
    return [{ ...changed, deltaMicros: capMicros - period.capMicros, overdrawn: overdrawn(changed) }];
  });
}

/** The database keeps no period of nothing. */
const after1Ms = (at: Date): Date => new Date(at.getTime() + 1);
