import {
  addDays,
  addMonths,
  isDay,
  monthOf,
  type Calendar,
  type Day,
  type Days,
  type Month,
} from './calendar.ts';

/** What costs can be told apart by. */
export const COST_DIMENSIONS = [
  'project',
  'provider',
  'gpu',
  'job',
  'purpose',
  'day',
  'month',
  'organization',
  'vendor',
  'offer',
] as const;
export type CostDimension = (typeof COST_DIMENSIONS)[number];

/** Days are read from here on, so that nobody asks for ten thousand years. */
const FIRST: Day = '1970-01-01';
const LAST: Day = '2200-01-01';

/**
 * A day of the calendar, said as `YYYY-MM-DD` or as the moment (RFC 3339) at which it begins. Null: it is neither, or
 * the moment is in the middle of a day, and a bill is not cut there.
 */
export function readDay(text: string, calendar: Calendar): Day | null {
  const day = isDay(text) ? text : dayAt(text, calendar);
  return day === null || day < FIRST || day > LAST ? null : day;
}

function dayAt(text: string, calendar: Calendar): Day | null {
  const at = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(at) || at < Date.parse(FIRST) || at > Date.parse(LAST)) return null;
  const day = calendar.dayOf(new Date(at));
  return calendar.startOf(day).getTime() === at ? day : null;
}

/** The month that a day is in, as days. */
export function monthAround(day: Day): Days {
  const from = `${monthOf(day)}-01`;
  return { from, until: addMonths(from, 1) };
}

/** Does the span hold every day of every month that it touches? */
export function wholeMonths({ from, until }: Days): boolean {
  return from.endsWith('-01') && until.endsWith('-01');
}

/** The months of which the span holds every day. */
export function monthsWithin({ from, until }: Days): Month[] {
  const months: Month[] = [];
  const first = from.endsWith('-01') ? from : addMonths(from, 1);
  for (let month = first; addMonths(month, 1) <= until; month = addMonths(month, 1))
    months.push(monthOf(month));
  return months;
}

/** First and last month that the span touches. */
export function monthsTouched({ from, until }: Days): { readonly first: Month; readonly last: Month } {
  return { first: monthOf(from), last: monthOf(addDays(until, -1)) };
}

const MONTH = /^(?:19[7-9]\d|20\d\d|21\d\d)-(?:0[1-9]|1[0-2])$/;
export const isMonth = (text: string): text is Month => MONTH.test(text);
