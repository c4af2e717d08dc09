import { addMonths, periodAt, type Calendar, type Day, type Days, type Span } from './calendar.ts';
import type { Allotment, OnExhausted } from './words.ts';

/** What a budget says, as far as its periods are made from it. */
export interface Terms extends Span {
  readonly capMicros: bigint;
  /** Of the cap, what only moves from a disaster may draw on. */
  readonly disasterMicros: bigint;
  readonly allotments: readonly Allotment[];
  readonly thresholds: readonly number[];
  readonly onExhausted: OnExhausted;
  readonly carryOver: boolean;
  readonly approvalAboveMicros: bigint | null;
}

/** One period as it is kept: what money is held against. */
export interface Period {
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly capMicros: bigint;
  readonly allottedMicros: bigint;
  readonly disasterMicros: bigint;
}

/** Balances of an account. */
export interface Balances {
  readonly capMicros: bigint;
  readonly allottedMicros: bigint;
  readonly disasterMicros: bigint;
  readonly reservedMicros: bigint;
  readonly chargedMicros: bigint;
  /** Of what is reserved and charged, that of moves from a disaster. */
  readonly failoverMicros: bigint;
}

/** Before every budget there is: a period that nobody has cut. */
const ALWAYS = { fromDay: '0000-01-01', untilDay: null } as const;

/** The whole period of the calendar that the day is in, whenever the budget itself begins. Of `once` there is none. */
export function wholePeriodAt({ periodKind }: Pick<Span, 'periodKind'>, day: Day): Days | null {
  return periodAt({ periodKind, ...ALWAYS }, day);
}

/** The periods that have to be there: the one that the day is in, and the next. */
export function periodsDue(span: Span, day: Day): Days[] {
  const current = periodAt(span, day);
  const next = periodAt(span, current?.until ?? (day < span.fromDay ? span.fromDay : day));
  return [current, next].filter((period) => period !== null);
}

export function periodOf(terms: Terms, calendar: Calendar, days: Days, today: Day): Period {
  const { capMicros, disasterMicros } = terms;
  return {
    startsAt: calendar.startOf(days.from),
    endsAt: calendar.startOf(days.until),
    capMicros,
    allottedMicros: allottedAt(terms, days.from, today, capMicros),
    disasterMicros,
  };
}

/**
 * What of a period may be spent by a day. Months count from the calendar's period, so that a budget that was made in
 * August has its quarters where everybody has them. What the period was given beyond the budget's own cap (a transfer,
 * what the last one left) may be spent at once; what it gave away is missing at once.
 *
 * @param from the period's first day
 * @param accountCap the cap of the period as it is by now
 */
export function allottedAt(
  { allotments, capMicros, ...span }: Pick<Terms, 'allotments' | 'capMicros' | keyof Span>,
  from: Day,
  today: Day,
  accountCap: bigint,
): bigint {
  if (allotments.length === 0) return accountCap;
  const start = wholePeriodAt(span, from)?.from ?? from;
  const released = allotments.filter(({ afterMonths }) => dueOn(start, afterMonths) <= today);
  const own = released.reduce((sum, { micros }) => sum + BigInt(micros), 0n);
  return clamp(own + accountCap - capMicros, 0n, accountCap);
}

/** At once, or with the first day of the month that is so many after. */
export const dueOn = (start: Day, afterMonths: number): Day =>
  afterMonths === 0 ? start : addMonths(start, afterMonths);

/** What may still be held, disaster reserve included. */
export function availableMicros({ allottedMicros, reservedMicros, chargedMicros }: Balances): bigint {
  return allottedMicros - reservedMicros - chargedMicros;
}

/** What ordinary work may still hold, and what may be given to another budget: the disaster reserve stays. */
export function spareMicros(account: Balances): bigint {
  const { allottedMicros, disasterMicros, reservedMicros, chargedMicros, failoverMicros } = account;
  const ordinary = reservedMicros + chargedMicros - failoverMicros;
  return least(availableMicros(account), most(0n, allottedMicros - disasterMicros) - ordinary);
}

/** What of the disaster reserve is drawn on: failover work takes what is not reserved first. */
export function reserveUsedMicros(account: Balances): bigint {
  const { disasterMicros, failoverMicros } = account;
  const rest = disasterMicros - most(0n, availableMicros(account));
  return clamp(rest, 0n, least(disasterMicros, failoverMicros));
}

/** Why an account cannot become like that; null: it can. The database's CHECKs say the same. */
export function overdrawn(account: Balances): 'cap' | 'disasterReserve' | null {
  const { allottedMicros, capMicros } = account;
  if (allottedMicros > capMicros || availableMicros(account) < 0n) return 'cap';
  const { reservedMicros, chargedMicros, failoverMicros, disasterMicros } = account;
  const ordinary = reservedMicros + chargedMicros - failoverMicros;
  return ordinary > most(0n, allottedMicros - disasterMicros) ? 'disasterReserve' : null;
}

/** The thresholds that what is reserved and charged has come to, percent of what may be spent by now. */
export function thresholdsReached(
  thresholds: readonly number[],
  {
    reservedMicros,
    chargedMicros,
    allottedMicros,
    exhaustedAt = null,
  }: Balances & { readonly exhaustedAt?: Date | null },
): number[] {
  const used = (reservedMicros + chargedMicros) * 100n;
  if (used === 0n) return [];
  // What pays for nothing any more is as good as used.
  return thresholds.filter((threshold) => exhaustedAt !== null || used >= BigInt(threshold) * allottedMicros);
}

/** Where a period is going. */
export interface Forecast {
  /** Charged by its end if all that runs now goes on. */
  readonly atEndMicros: bigint;
  /** When ordinary work has used up what may be spent by now; null: not before the end. */
  readonly exhaustedAt: Date | null;
}

const HOUR_MS = 3_600_000n;

export function forecast(
  account: Balances,
  burnMicrosPerHour: bigint,
  now: Date,
  endsAt: Date | null,
): Forecast {
  const { chargedMicros } = account;
  const restMs = endsAt === null ? 0n : most(0n, BigInt(endsAt.getTime() - now.getTime()));
  const atEndMicros = chargedMicros + (burnMicrosPerHour * restMs) / HOUR_MS;
  if (burnMicrosPerHour === 0n) return { atEndMicros, exhaustedAt: null };
  // What is reserved is money yet to be charged, so only what is charged counts as gone.
  const left = most(0n, spareMicros(account) + account.reservedMicros);
  const lastsMs = (left * HOUR_MS) / burnMicrosPerHour;
  return { atEndMicros, exhaustedAt: lastsMs < restMs ? new Date(now.getTime() + Number(lastsMs)) : null };
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const clamp = (value: bigint, low: bigint, high: bigint): bigint => most(low, least(value, high));
