import { parse } from 'csv-parse/sync';
import { minorDigits } from '../../src/core/currencies.ts';

/**
 * The rules of FOCUS 1.2 that a file can be held against, written from the specification and not from what writes the
 * file. Each finding is a sentence; a good file has none.
 */
export type Row = Readonly<Record<string, string | null>>;

/** Decimals, times and texts of the 21 mandatory columns; `!`: never null. */
const MANDATORY: Readonly<Record<string, string>> = {
  BilledCost: 'decimal!',
  EffectiveCost: 'decimal!',
  ListCost: 'decimal!',
  ContractedCost: 'decimal!',
  PricingQuantity: 'decimal',
  PricingUnit: 'text',
  BillingAccountId: 'text!',
  BillingAccountName: 'text',
  BillingCurrency: 'currency!',
  BillingPeriodStart: 'time!',
  BillingPeriodEnd: 'time!',
  ChargePeriodStart: 'time!',
  ChargePeriodEnd: 'time!',
  ChargeCategory: 'text!',
  ChargeClass: 'text',
  ChargeDescription: 'text',
  InvoiceIssuerName: 'text!',
  ProviderName: 'text!',
  PublisherName: 'text!',
  ServiceCategory: 'text!',
  ServiceName: 'text!',
};
const OTHERS: Readonly<Record<string, string>> = {
  AvailabilityZone: 'text',
  BillingAccountType: 'text!',
  CapacityReservationId: 'text',
  CapacityReservationStatus: 'text',
  ChargeFrequency: 'text!',
  CommitmentDiscountCategory: 'text',
  CommitmentDiscountId: 'text',
  CommitmentDiscountName: 'text',
  CommitmentDiscountQuantity: 'decimal',
  CommitmentDiscountStatus: 'text',
  CommitmentDiscountType: 'text',
  CommitmentDiscountUnit: 'text',
  ConsumedQuantity: 'decimal',
  ConsumedUnit: 'text',
  ContractedUnitPrice: 'decimal',
  InvoiceId: 'text',
  ListUnitPrice: 'decimal',
  PricingCategory: 'text',
  PricingCurrency: 'currency!',
  PricingCurrencyContractedUnitPrice: 'decimal',
  PricingCurrencyEffectiveCost: 'decimal!',
  PricingCurrencyListUnitPrice: 'decimal',
  RegionId: 'text',
  RegionName: 'text',
  ResourceId: 'text',
  ResourceName: 'text',
  ResourceType: 'text',
  ServiceSubcategory: 'text!',
  SkuId: 'text',
  SkuMeter: 'text',
  SkuPriceDetails: 'object',
  SkuPriceId: 'text',
  SubAccountId: 'text',
  SubAccountName: 'text',
  SubAccountType: 'text',
  Tags: 'object',
};
const KINDS: Readonly<Record<string, string>> = { ...MANDATORY, ...OTHERS };

const ALLOWED: Readonly<Record<string, readonly (string | null)[]>> = {
  ChargeCategory: ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment'],
  ChargeClass: [null, 'Correction'],
  ChargeFrequency: ['One-Time', 'Recurring', 'Usage-Based'],
  PricingCategory: [null, 'Standard', 'Dynamic', 'Committed', 'Other'],
  CapacityReservationStatus: [null, 'Used', 'Unused'],
  ServiceCategory: ['Compute', 'AI and Machine Learning', 'Other'],
  ServiceSubcategory: ['Virtual Machines', 'Containers', 'Serverless Compute', 'Other (Compute)'],
  PricingUnit: [null, 'Hours', 'GPU-Hours'],
  ConsumedUnit: [null, 'Hours', 'GPU-Hours'],
};
const SKU_KEYS = ['CoreCount', 'GpuCount', 'InstanceSeries', 'InstanceType', 'MemorySize'];
const PLACEHOLDERS = ['null', 'NULL', 'None', 'N/A', 'n/a', '-', 'NaN', 'undefined', 'Infinity'];

export function readFocus(text: string): Row[] {
  return parse(text, {
    columns: true,
    cast: (value, { quoting, header }) => (header || value !== '' || quoting ? value : null),
  });
}

export function checkFocus(text: string): string[] {
  const [head = ''] = text.split('\r\n', 1);
  const columns = head.split(',');
  const rows = readFocus(text);
  const found = [
    ...columnFindings(columns),
    ...rows.flatMap((row, at) => rowFindings(row).map((finding) => `row ${at + 1}: ${finding}`)),
  ];
  // Sums of what is no number would say nothing.
  return found.length > 0 ? found : groupFindings(rows);
}

function columnFindings(columns: readonly string[]): string[] {
  const missing = Object.keys(MANDATORY).filter((name) => !columns.includes(name));
  const unknown = columns.filter((name) => KINDS[name] === undefined && !/^x_[A-Z][A-Za-z0-9]*$/.test(name));
  return [
    ...missing.map((name) => `${name} is mandatory`),
    ...unknown.map((name) => `${name} is no column of FOCUS and no x_ one`),
    ...(new Set(columns).size === columns.length ? [] : ['a column comes twice']),
  ];
}

function rowFindings(row: Row): string[] {
  const found: string[] = [];
  const claim = (good: boolean, finding: string) => void (good || found.push(finding));
  for (const [name, cell] of Object.entries(row)) claim(isOfKind(name, cell), `${name} is ${cell}`);
  if (found.length > 0) return found;
  moments(row, claim);
  prices(row, claim);
  things(row, claim);
  return found;
}

type Claim = (good: boolean, finding: string) => void;

function isOfKind(name: string, cell: string | null): boolean {
  const kind = KINDS[name] ?? 'text';
  if (ALLOWED[name] !== undefined && !ALLOWED[name].includes(cell)) return false;
  if (cell === null) return !kind.endsWith('!');
  if (cell === '' || PLACEHOLDERS.includes(cell)) return false;
  switch (kind.replace('!', '')) {
    case 'decimal':
      return /^-?(0|[1-9]\d*)(\.\d*[1-9])?$/.test(cell) && cell !== '-0';
    case 'time':
      return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(cell) && !Number.isNaN(Date.parse(cell));
    case 'currency':
      return /^[A-Z]{3}$/.test(cell);
    case 'object':
      return isFlatObject(cell);
    default:
      return true;
  }
}

function isFlatObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    return Object.values(value).every((member) => typeof member !== 'object' || member === null);
  } catch {
    return false;
  }
}

function moments(row: Row, claim: Claim): void {
  const at = (name: string) => Date.parse(row[name] ?? '');
  const [billing, billed] = [at('BillingPeriodStart'), at('BillingPeriodEnd')];
  const [start, end] = [at('ChargePeriodStart'), at('ChargePeriodEnd')];
  claim(billing < billed && start < end, 'a period ends before it has begun');
  claim((billed - billing) / 86_400_000 >= 28 - 0.1, 'the billing period is no month');
  if (row['ChargeClass'] === 'Correction') claim(end <= billing, 'it corrects what was not invoiced before');
  else claim(start >= billing && end <= billed, 'the charge is not in its billing period');
}

function prices(row: Row, claim: Claim): void {
  const is = (name: string) => row[name] !== null && row[name] !== undefined;
  const category = row['ChargeCategory'];
  const usage = category === 'Usage' && row['ChargeClass'] === null;
  for (const name of [
    'PricingQuantity',
    'PricingUnit',
    'ListUnitPrice',
    'ContractedUnitPrice',
    'PricingCategory',
  ]) {
    claim(!usage || is(name), `${name} is null`);
    claim(category !== 'Tax' || !is(name), `${name} of a tax`);
  }
  claim(!usage || is('ConsumedQuantity'), 'ConsumedQuantity of usage is null');
  claim(category === 'Usage' || !is('ConsumedQuantity'), 'ConsumedQuantity of what is no usage');
  claim(is('ConsumedQuantity') === is('ConsumedUnit'), 'ConsumedQuantity without its unit');
  claim(is('PricingQuantity') === is('PricingUnit'), 'PricingQuantity without its unit');
  claim(category !== 'Purchase' || row['ChargeFrequency'] !== 'Usage-Based', 'a purchase by usage');
  for (const kind of usage ? ['List', 'Contracted'] : []) {
    const product = multiply(row[`${kind}UnitPrice`] ?? '', row['PricingQuantity'] ?? '');
    claim(product === micros(row[`${kind}Cost`] ?? ''), `unit price × quantity is not ${kind}Cost`);
  }
}

function things(row: Row, claim: Claim): void {
  const is = (name: string) => row[name] !== null && row[name] !== undefined;
  for (const [one, other] of [
    ['CapacityReservationId', 'CapacityReservationStatus'],
    ['RegionId', 'RegionName'],
    ['SkuId', 'SkuMeter'],
    ['SkuId', 'SkuPriceId'],
    ['SubAccountId', 'SubAccountType'],
    ['ResourceId', 'ResourceType'],
  ] as const)
    claim(is(one) === is(other), `${one} without ${other}, or the other way round`);
  claim(is('SkuPriceId') || !is('SkuPriceDetails'), 'details of no price');
  const details = Object.keys(JSON.parse(row['SkuPriceDetails'] ?? '{}') as object);
  claim(
    details.every((key) => SKU_KEYS.includes(key) || key.startsWith('x_')),
    'an unknown detail of a price',
  );
}

function groupFindings(rows: readonly Row[]): string[] {
  const found: string[] = [];
  const one = (key: string, name: string) => {
    for (const [id, own] of Map.groupBy(rows, (row) => row[key] ?? null))
      if (id !== null && new Set(own.map((row) => row[name])).size > 1)
        found.push(`${key} ${id} has several ${name}`);
  };
  for (const name of ['BillingAccountId', 'InvoiceIssuerName', 'BillingPeriodStart', 'BillingCurrency'])
    one('InvoiceId', name);
  for (const name of ['SkuId', 'SkuPriceDetails']) one('SkuPriceId', name);
  one('SkuId', 'SkuMeter');
  for (const [id, own] of Map.groupBy(rows, (row) => row['InvoiceId'] ?? null)) {
    if (id === null) continue;
    const payable = own.reduce((sum, row) => sum + micros(row['BilledCost'] ?? ''), 0n);
    const coin = 10n ** BigInt(6 - minorDigits(own[0]?.['BillingCurrency'] ?? ''));
    if (payable % coin !== 0n) found.push(`invoice ${id} comes to ${payable} micros`);
  }
  if (rows.some((row) => row['ChargeCategory'] === 'Tax' && row['InvoiceId'] === null))
    found.push('a tax of no invoice');
  return found;
}

/** A decimal as an integer and the power of ten that it is to be divided by. */
function exact(text: string): { value: bigint; digits: number } {
  const [whole = '', fraction = ''] = text.split('.');
  return { value: BigInt(whole + fraction), digits: fraction.length };
}

export function micros(text: string): bigint {
  const { value, digits } = exact(text);
  return digits <= 6 ? value * 10n ** BigInt(6 - digits) : NaN_MICROS;
}
const NaN_MICROS = -(2n ** 200n);

/** Rounded to micros, half away from zero. */
function multiply(a: string, b: string): bigint {
  const [x, y] = [exact(a), exact(b)];
  const shift = x.digits + y.digits - 6;
  const product = x.value * y.value;
  if (shift <= 0) return product * 10n ** BigInt(-shift);
  const by = 10n ** BigInt(shift);
  const half = product < 0n ? -by / 2n : by / 2n;
  return (product + half) / by;
}
