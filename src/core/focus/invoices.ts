import { daysOfMonth, type Month } from '../ledger/calendar.ts';
import { divideHalfUp, payableMicros } from '../money.ts';
import { focusTime, type FocusRow } from './columns.ts';
import { accountOf, costsOf, invoiceId, type CostLine, type FocusBook, type Invoice } from './usage.ts';

/** An invoice as far as it was added up. */
interface Sum extends Invoice {
  micros: bigint;
}

/**
 * What invoices have besides usage. Their lines are added one by one, as they go by, because an export may be longer
 * than memory; there are only as many invoices as organizations, vendors and months.
 */
export class Invoices {
  readonly #book: FocusBook;
  readonly #sums = new Map<string, Sum>();

  constructor(book: FocusBook) {
    this.#book = book;
  }

  /** Nothing becomes of a line of a month that has no invoice yet. */
  add(line: Pick<CostLine, 'month' | 'organization' | 'vendor' | 'micros'>): void {
    const { month, organization, vendor, micros } = line;
    if (!this.#book.invoiced.has(month)) return;
    const id = invoiceId(line);
    const sum = this.#sums.get(id);
    if (sum === undefined) this.#sums.set(id, { month, organization, vendor, micros });
    else sum.micros += micros;
  }

  /** VAT, and what rounds it to what is paid: with these, the rows of an invoice come to whole coins. */
  rows(): FocusRow[] {
    return [...this.#sums.values()].flatMap((sum) => closing(sum, this.#book));
  }
}

function closing(sum: Sum, book: FocusBook): FocusRow[] {
  const percent = book.invoiced.get(sum.month) ?? 0;
  const tax = divideHalfUp(sum.micros * BigInt(percent), 100n);
  const rounding = payableMicros(sum.micros + tax, book.currency) - sum.micros - tax;
  const base = { ...accountOf(sum, book), ...periodOf(sum.month, book) };
  return [
    {
      ...base,
      ...costsOf(tax, book.currency),
      ChargeCategory: 'Tax',
      ChargeDescription: `VAT ${percent} %`,
      ChargeFrequency: 'Recurring',
    },
    {
      ...base,
      ...costsOf(rounding, book.currency),
      ChargeCategory: 'Adjustment',
      ChargeDescription: `Rounding of the invoice to the smallest coin of ${book.currency}, half up`,
      ChargeFrequency: 'One-Time',
    },
  ].filter(({ BilledCost }) => BilledCost !== '0');
}

function periodOf(month: Month, { calendar }: FocusBook) {
  const { from, until } = daysOfMonth(month);
  return {
    ChargePeriodStart: focusTime(calendar.startOf(from)),
    ChargePeriodEnd: focusTime(calendar.startOf(until)),
  };
}
