import { formatMicros, type WireMoney } from '../money.ts';
import type { ProblemDetailItem } from '../problem.ts';
import { dueOn, wholePeriodAt, type Terms } from './budget.ts';
import type { Day, Span } from './calendar.ts';

/** Where a budget's terms contradict each other. Empty: nowhere. */
export function budgetContradictions(terms: Terms, today: Day): ProblemDetailItem[] {
  return [...dayFaults(terms, today), ...moneyFaults(terms), ...thresholdFaults(terms)];
}

function dayFaults({ periodKind, fromDay, untilDay }: Terms, today: Day): ProblemDetailItem[] {
  const pointer = '/period/until';
  if (untilDay === null)
    return periodKind === 'once' ? [{ pointer, detail: 'A budget of `once` needs an end.' }] : [];
  if (untilDay <= fromDay) return [{ pointer, detail: `It ends before it starts, on ${fromDay}.` }];
  return untilDay <= today ? [{ pointer, detail: `It is over already: today is ${today}.` }] : [];
}

function moneyFaults({ disasterMicros, capMicros, ...terms }: Terms): ProblemDetailItem[] {
  const errors: ProblemDetailItem[] = [];
  const cap = formatMicros(capMicros);
  if (disasterMicros > capMicros)
    errors.push({ pointer: '/disasterReserve', detail: `It is more than the cap of ${cap}.` });
  const sum = terms.allotments.reduce((all, { micros }) => all + BigInt(micros), 0n);
  if (sum > capMicros)
    errors.push({
      pointer: '/allotments',
      detail: `Together they are ${formatMicros(sum)}, which is more than the cap of ${cap}.`,
    });
  return [...errors, ...allotmentFaults(terms)];
}

function allotmentFaults(terms: Pick<Terms, 'allotments' | keyof Span>): ProblemDetailItem[] {
  const { allotments, fromDay, untilDay } = terms;
  const whole = wholePeriodAt(terms, fromDay);
  const start = whole?.from ?? fromDay;
  const end = whole?.until ?? untilDay;
  return allotments.flatMap(({ afterMonths }, index) => {
    const pointer = `/allotments/${index}/afterMonths`;
    const before = allotments[index - 1]?.afterMonths;
    if (before !== undefined && afterMonths <= before)
      return [{ pointer, detail: 'Each has to come later than the one before.' }];
    if (end !== null && dueOn(start, afterMonths) >= end)
      return [{ pointer, detail: `It is not before the end of the period, ${end}.` }];
    return [];
  });
}

function thresholdFaults({ thresholds }: Terms): ProblemDetailItem[] {
  return thresholds.flatMap((threshold, index) => {
    const before = thresholds[index - 1] ?? 0;
    if (threshold > before) return [];
    return [{ pointer: `/thresholds/${index}`, detail: 'Each has to be greater than the one before.' }];
  });
}

/** Do two budgets share a day? */
export function overlap(
  a: Pick<Span, 'fromDay' | 'untilDay'>,
  b: Pick<Span, 'fromDay' | 'untilDay'>,
): boolean {
  return (b.untilDay === null || a.fromDay < b.untilDay) && (a.untilDay === null || b.fromDay < a.untilDay);
}

/** Amounts that are not in the accounting currency: what is held must not change with a rate. */
export function currencyFaults(
  accounting: string,
  amounts: Readonly<Record<string, WireMoney | null | undefined>>,
): ProblemDetailItem[] {
  return Object.entries(amounts).flatMap(([pointer, money]) => {
    if (money == null || money.currency === accounting) return [];
    const detail = `It has to be in ${accounting}: budgets know no rate for ${money.currency}.`;
    return [{ pointer: `${pointer}/currency`, detail }];
  });
}
