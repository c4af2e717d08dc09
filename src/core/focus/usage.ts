import type { Purpose } from '../allocation.ts';
import { canonicalJson } from '../canonical.ts';
import { daysOfMonth, type Calendar, type Month } from '../ledger/calendar.ts';
import { formatMicros } from '../money.ts';
import { BLANK, focusTime, type FocusRow } from './columns.ts';
import { decimalOf, pricingQuantity } from './quantity.ts';

/** What one allocation cost on the bill of one month. */
export interface CostLine {
  /** Of whose bill it is. */
  readonly month: Month;
  /** In which it was used. An earlier one: it corrects a bill that was closed. */
  readonly usedMonth: Month;
  readonly allocationId: string;
  readonly jobId: string;
  readonly jobName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly organization: string;
  readonly project: string;
  readonly vendor: string;
  readonly provider: string;
  readonly region: string;
  readonly offer: string;
  readonly gpuModel: string | null;
  /** All nodes together. */
  readonly gpuCount: number;
  readonly spot: boolean;
  readonly purpose: Purpose;
  readonly priceMicrosPerHour: bigint;
  /** The same in the currency of the offer. */
  readonly listPriceMicrosPerHour: bigint;
  readonly listCurrency: string;
  readonly startedAt: Date;
  /** Seconds of the run, from its start: the first of this part, and the one after its last. */
  readonly fromSeconds: bigint;
  readonly untilSeconds: bigint;
  /** Whole seconds that are charged. */
  readonly seconds: bigint;
  readonly micros: bigint;
  /** Of them, what somebody has charged or credited by hand: it is no price times quantity. */
  readonly correctedMicros: bigint;
}

/** What is said of a whole export. */
export interface FocusBook {
  /** The accounting currency. */
  readonly currency: string;
  readonly calendar: Calendar;
  /** Months whose invoices are issued and wholly in the export, with the VAT on them, percent. */
  readonly invoiced: ReadonlyMap<Month, number>;
}

export const isCorrection = ({ month, usedMonth }: Pick<CostLine, 'month' | 'usedMonth'>): boolean =>
  month !== usedMonth;

/** Of what one organization owes one vendor for one month: that is what the ledger says, project → vendor. */
export interface Invoice {
  readonly month: Month;
  readonly organization: string;
  readonly vendor: string;
}

/** None of the three has a slash in it, so no two invoices share an id. */
export const invoiceId = ({ month, organization, vendor }: Invoice): string =>
  `${month}/${organization}/${vendor}`;

/** What was used of a line, as a row of the export. See `rowsOf`. */
export function usageRow(line: CostLine, book: FocusBook): FocusRow {
  return {
    ...accountOf(line, book),
    ...costsOf(line.micros, book.currency),
    ...pricesOf(line),
    ...timeOf(line, book.calendar),
    ...thingOf(line),
    ChargeCategory: 'Usage',
    ChargeClass: isCorrection(line) ? 'Correction' : null,
    ChargeFrequency: 'Usage-Based',
    SubAccountId: line.project,
    SubAccountName: line.project,
    SubAccountType: 'Project',
  };
}

/**
 * Who pays whom. The vendor made, sells and bills the capacity: the ledger knows a debt of a project to a vendor and
 * nobody between them, so a statement of the vendor and these rows are the same money.
 */
export function accountOf(invoice: Invoice, { calendar, currency, invoiced }: FocusBook): FocusRow {
  const { month, organization, vendor } = invoice;
  const { from, until } = daysOfMonth(month);
  return {
    ...BLANK,
    BillingAccountId: organization,
    BillingAccountName: organization,
    BillingAccountType: 'Organization',
    BillingCurrency: currency,
    BillingPeriodStart: focusTime(calendar.startOf(from)),
    BillingPeriodEnd: focusTime(calendar.startOf(until)),
    InvoiceId: invoiced.has(month) ? invoiceId(invoice) : null,
    InvoiceIssuerName: vendor,
    ProviderName: vendor,
    PublisherName: vendor,
    ServiceCategory: 'Compute',
    ServiceName: 'GPU jobs',
    ServiceSubcategory: 'Other (Compute)',
  };
}

/** There are no discounts and nothing is paid ahead: all four costs are one. */
export function costsOf(micros: bigint, currency: string) {
  const cost = formatMicros(micros);
  return {
    BilledCost: cost,
    ContractedCost: cost,
    EffectiveCost: cost,
    ListCost: cost,
    PricingCurrency: currency,
    PricingCurrencyEffectiveCost: cost,
  };
}

function pricesOf(line: CostLine) {
  const { priceMicrosPerHour, listPriceMicrosPerHour, micros, seconds, gpuCount } = line;
  const quantity = pricingQuantity(priceMicrosPerHour, micros, seconds);
  const price = formatMicros(priceMicrosPerHour);
  const listed = formatMicros(listPriceMicrosPerHour);
  const [digits = '', fraction = ''] = quantity.split('.');
  const inListed = decimalOf(
    listPriceMicrosPerHour * BigInt(digits + fraction),
    10n ** BigInt(6 + fraction.length),
    6,
  );
  return {
    ...(isCorrection(line) ? {} : consumed(seconds, gpuCount)),
    ContractedUnitPrice: price,
    ListUnitPrice: price,
    PricingCategory: line.spot ? 'Dynamic' : 'Standard',
    PricingCurrency: line.listCurrency,
    PricingCurrencyContractedUnitPrice: listed,
    PricingCurrencyEffectiveCost: inListed,
    PricingCurrencyListUnitPrice: listed,
    PricingQuantity: quantity,
    PricingUnit: 'Hours',
  };
}

/** A correction consumes nothing: what was used is on the bill that it corrects. */
function consumed(seconds: bigint, gpuCount: number) {
  const count = gpuCount === 0 ? 1n : BigInt(gpuCount);
  return {
    ConsumedQuantity: decimalOf(seconds * count, 3600n, 9),
    ConsumedUnit: gpuCount === 0 ? 'Hours' : 'GPU-Hours',
  };
}

/**
 * When it was used, whole seconds. A second that a month's end cuts is charged whole, so a bill's first and last line
 * may reach over its ends by less than one: they are cut there. A correction lies in an earlier month.
 */
export function timeOf(line: CostLine, calendar: Calendar) {
  const { from, until } = daysOfMonth(line.usedMonth);
  const [first, last] = [calendar.startOf(from).getTime(), calendar.startOf(until).getTime()];
  const at = (seconds: bigint) => secondAt(line.startedAt.getTime() + Number(seconds) * 1000);
  const start = Math.min(Math.max(at(line.fromSeconds), first), last - 1000);
  const end = Math.max(Math.min(at(line.untilSeconds), last), start + 1000);
  return {
    ChargePeriodStart: focusTime(new Date(start)),
    ChargePeriodEnd: focusTime(new Date(end)),
  };
}

const secondAt = (ms: number) => Math.floor(ms / 1000) * 1000;

/** What was used. */
export function thingOf(line: CostLine) {
  const { provider, offer, gpuModel, gpuCount, purpose, spot, labels } = line;
  const sku = `${provider}/${offer}`;
  const standby = purpose === 'standby';
  return {
    CapacityReservationId: standby ? line.allocationId : null,
    CapacityReservationStatus: standby ? 'Unused' : null,
    ChargeDescription: describe(line),
    RegionId: line.region,
    RegionName: line.region,
    ResourceId: line.allocationId,
    ResourceName: line.jobName,
    ResourceType: 'Allocation',
    SkuId: sku,
    SkuMeter: 'Compute Usage',
    SkuPriceDetails: canonicalJson({
      GpuCount: gpuCount,
      InstanceType: offer,
      x_GpuModel: gpuModel ?? undefined,
    }),
    // Not the price itself: the specification wants it to last, so that a price can be followed as it changes.
    SkuPriceId: `${sku}/${spot ? 'spot' : 'on-demand'}/${gpuCount}`,
    Tags: Object.keys(labels).length === 0 ? null : canonicalJson(labels),
    x_AllocationId: line.allocationId,
    x_GpuCount: String(gpuCount),
    x_GpuModel: gpuModel,
    x_JobId: line.jobId,
    x_JobName: line.jobName,
    x_Offer: offer,
    x_Provider: provider,
    x_Purpose: purpose,
  };
}

function describe({
  month,
  usedMonth,
  gpuModel,
  gpuCount,
  offer,
  provider,
  spot,
  purpose,
}: CostLine): string {
  const what = gpuModel === null ? 'CPU' : `${gpuCount} × ${gpuModel}`;
  const corrects = month === usedMonth ? '' : `Correction of ${usedMonth}: `;
  const held = purpose === 'standby' ? ', held ready' : '';
  return `${corrects}${what} (${offer} at ${provider}), ${spot ? 'spot' : 'on demand'}${held}`;
}
