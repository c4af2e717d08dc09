import { SAVE_ALLOWANCE_SECONDS } from '../orders.ts';
import type { Timing } from '../timing.ts';
import { Calendar, type Day } from './calendar.ts';
import type { Account, Chain } from './account.ts';

/** How long money is held for. */
export interface HoldTiming {
  /** Between the first meterings of an allocation; doubles up to `meterMaxSeconds`. */
  readonly meterSeconds: number;
  readonly meterMaxSeconds: number;
  readonly leaseSeconds: number;
}

/** What everything that begins or ends an allocation is told. */
export interface Terms extends HoldTiming {
  /** Added to a lease's end before anybody else may run the job. */
  readonly leaseMarginMs: number;
  readonly calendar: Calendar;
}

export function termsOf(
  { meterMs, meterMaxMs, leaseSeconds, leaseMarginMs }: Timing,
  timeZone: string,
): Terms {
  const calendar = new Calendar(timeZone);
  return {
    meterSeconds: meterMs / 1000,
    meterMaxSeconds: meterMaxMs / 1000,
    leaseSeconds,
    leaseMarginMs,
    calendar,
  };
}

/** Seconds of a run, from the first that counts to the one after the last. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * The longest that a stop can take, seconds: its grace, its last checkpoint, and a provider that hears of nothing and
 * ends it with its lease.
 */
export function stopSeconds(graceSeconds: number, { leaseSeconds }: HoldTiming): number {
  return graceSeconds + SAVE_ALLOWANCE_SECONDS + Math.ceil(leaseSeconds) + 1;
}

/** What a run stands on: the time until the next metering, the one after, and the longest stop. */
export function secondsToHold(meterSeconds: number, graceSeconds: number, timing: HoldTiming): number {
  return 2 * meterSeconds + stopSeconds(graceSeconds, timing);
}

/** When a run whose paid time does not grow is told to stop, so that it has ended, and saved, when it is over. */
export function lastSecond(paidSeconds: number, graceSeconds: number): number {
  return paidSeconds - Math.min(graceSeconds + SAVE_ALLOWANCE_SECONDS, Math.ceil(paidSeconds / 2));
}

/** Whole seconds, begun ones counted. */
export function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, Math.ceil((to.getTime() - from.getTime()) / 1000));
}

const FOR_EVER = 1_000_000_000_000n;

/** The most seconds that cost no more than `micros`, rounding (half up, see costMicros) counted. */
export function secondsFor(micros: bigint, priceMicrosPerHour: bigint): number {
  if (micros < 0n) return 0;
  // Beyond, for ever is as good, and a number would not be exact.
  const most = priceMicrosPerHour === 0n ? FOR_EVER : (3_600n * micros + 1_799n) / priceMicrosPerHour;
  return Number(most < FOR_EVER ? most : FOR_EVER);
}

/** A start may be seen so much later than the last look, and was held by both sides of a period's end all the same. */
const LATE_START_SECONDS = 600;

/**
 * The seconds of a run up to `paidSeconds` that fall into the account's period. Of one that has not started yet it is
 * not known which they will be: as many as may.
 *
 * @param startedAt null: it has not started yet
 */
export function rangeIn(
  { startsAt, endsAt }: Account,
  paidSeconds: number,
  startedAt: Date | null,
  now: Date,
): Range {
  const begins = startedAt ?? (startsAt > now ? startsAt : now);
  const until = endsAt === null ? paidSeconds : Math.min(paidSeconds, secondsBetween(begins, endsAt));
  if (startedAt !== null) return { from: secondsBetween(startedAt, startsAt), to: until };
  const reachable = startsAt.getTime() <= now.getTime() + (paidSeconds + LATE_START_SECONDS) * 1000;
  return { from: 0, to: reachable ? until : 0 };
}

/** Does the chain's time reach so far? A budget that ends pays for nothing after it. */
export function reaches(chain: Chain, paidSeconds: number, startedAt: Date | null, now: Date): boolean {
  const last = chain.at(-1)?.endsAt;
  if (last === undefined) return false;
  return last === null || secondsBetween(startedAt ?? now, last) >= paidSeconds;
}

/** A part of a run that is of one day. */
export interface DayPiece extends Range {
  readonly day: Day;
}

/** Seconds of a run by the days on which they begin. */
export function byDay(calendar: Calendar, startedAt: Date, { from, to }: Range): DayPiece[] {
  const pieces: DayPiece[] = [];
  for (let at = from; at < to;) {
    const day = calendar.dayOf(new Date(startedAt.getTime() + at * 1000));
    const end = Math.min(to, secondsBetween(startedAt, calendar.endOf(day)));
    pieces.push({ day, from: at, to: end });
    at = end;
  }
  return pieces;
}
