import type { PeriodKind } from './words.ts';

/** A day of a calendar, `2026-11-24`: compares as text. */
export type Day = string;
/** `2026-11`. */
export type Month = string;

/** From the first day to the one after the last. */
export interface Days {
  readonly from: Day;
  readonly until: Day;
}

const DAY_MS = 86_400_000;

/**
 * Days of one time zone, and when they begin. Money is counted by them: the last hour of a fiscal year in Seoul is
 * 14:00 to 15:00 UTC, and a day may have 23 or 25 hours elsewhere.
 */
export class Calendar {
  readonly zone: string;
  readonly #format: Intl.DateTimeFormat;
  /** The day that was asked for last: nearly always it is asked for again. */
  #last = { day: '', from: Infinity, until: -Infinity };

  /** Throws RangeError where there is no such zone (IANA name). */
  constructor(zone: string) {
    this.zone = zone;
    this.#format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  }

  dayOf(at: Date): Day {
    const ms = at.getTime();
    if (ms >= this.#last.from && ms < this.#last.until) return this.#last.day;
    const day = new Date(this.#local(ms)).toISOString().slice(0, 10);
    this.#last = { day, from: this.startOf(day).getTime(), until: this.startOf(addDays(day, 1)).getTime() };
    return day;
  }

  /** Its first moment. */
  startOf(day: Day): Date {
    const wanted = Date.parse(`${day}T00:00:00Z`);
    // The offset is that of the moment itself, which is not known before: twice is enough, as offsets change by hours.
    let at = wanted - (this.#local(wanted) - wanted);
    at = wanted - (this.#local(at) - at);
    // Where midnight does not exist, the day begins with the first moment that does.
    return new Date(new Date(this.#local(at)).toISOString().slice(0, 10) < day ? at + 3_600_000 : at);
  }

  /** The first moment after it. */
  endOf(day: Day): Date {
    return day === this.#last.day ? new Date(this.#last.until) : this.startOf(addDays(day, 1));
  }

  /** What a clock on the wall shows, as if it were UTC. */
  #local(ms: number): number {
    const whole = Math.floor(ms / 1000) * 1000;
    const parts = new Map(
      this.#format.formatToParts(new Date(whole)).map(({ type, value }) => [type, value]),
    );
    const of = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
    return (
      Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')) + (ms - whole)
    );
  }
}

/** Is it a day that there is? */
export function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The first day of the month that is so many after the day's. */
export function addMonths(day: Day, months: number): Day {
  const count = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1 + months;
  return `${String(Math.floor(count / 12)).padStart(4, '0')}-${String((count % 12) + 1).padStart(2, '0')}-01`;
}

export const monthOf = (day: Day): Month => day.slice(0, 7);
export const daysOfMonth = (month: Month): Days => ({
  from: `${month}-01`,
  until: addMonths(`${month}-01`, 1),
});

const MONTHS: Readonly<Record<Exclude<PeriodKind, 'once'>, number>> = {
  month: 1,
  quarter: 3,
  'fiscal-year': 12,
};

/** A budget's time: what its periods are made from. */
export interface Span {
  readonly periodKind: PeriodKind;
  readonly fromDay: Day;
  /** Null: it goes on. Always there for `once`. */
  readonly untilDay: Day | null;
}

/** The period of the budget that the day is in, cut to the budget's own time; null: the budget is not then. */
export function periodAt({ periodKind, fromDay, untilDay }: Span, day: Day): Days | null {
  if (day < fromDay || (untilDay !== null && day >= untilDay)) return null;
  if (periodKind === 'once') return untilDay === null ? null : { from: fromDay, until: untilDay };
  const months = MONTHS[periodKind];
  const january = `${day.slice(0, 4)}-01-01`;
  const from = addMonths(january, Math.floor((Number(day.slice(5, 7)) - 1) / months) * months);
  const until = addMonths(from, months);
  return {
    from: from < fromDay ? fromDay : from,
    until: untilDay !== null && untilDay < until ? untilDay : until,
  };
}
