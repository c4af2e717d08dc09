/**
 * The columns of FOCUS 1.2 that are exported, in the order of the specification, and our own (`x_`). Left out is what
 * nothing here could ever fill: availability zones, and discounts for commitments.
 */
export const FOCUS_COLUMNS = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingAccountType',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'CapacityReservationId',
  'CapacityReservationStatus',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedCost',
  'ContractedUnitPrice',
  'EffectiveCost',
  'InvoiceId',
  'InvoiceIssuerName',
  'ListCost',
  'ListUnitPrice',
  'PricingCategory',
  'PricingCurrency',
  'PricingCurrencyContractedUnitPrice',
  'PricingCurrencyEffectiveCost',
  'PricingCurrencyListUnitPrice',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'RegionId',
  'RegionName',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'ServiceCategory',
  'ServiceName',
  'ServiceSubcategory',
  'SkuId',
  'SkuMeter',
  'SkuPriceDetails',
  'SkuPriceId',
  'SubAccountId',
  'SubAccountName',
  'SubAccountType',
  'Tags',
  'x_AllocationId',
  'x_GpuCount',
  'x_GpuModel',
  'x_JobId',
  'x_JobName',
  'x_Offer',
  'x_Provider',
  'x_Purpose',
] as const;
export type FocusColumn = (typeof FOCUS_COLUMNS)[number];

/** Null: an empty cell. Numbers are plain decimals, written as text so that none loses a digit. */
export type FocusRow = Readonly<Record<FocusColumn, string | null>>;

/** A row in which nothing is said yet. */
export const BLANK = Object.fromEntries(FOCUS_COLUMNS.map((column) => [column, null])) as FocusRow;

/** `YYYY-MM-DDTHH:mm:ssZ`; what is beyond the second is dropped. */
export function focusTime(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}
