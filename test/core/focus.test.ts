import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PURPOSES } from '../../src/core/allocation.ts';
import { csvLine } from '../../src/core/csv.ts';
import { FOCUS_COLUMNS } from '../../src/core/focus/columns.ts';
import { Invoices } from '../../src/core/focus/invoices.ts';
import { costs, decimalOf, pricingQuantity } from '../../src/core/focus/quantity.ts';
import { rowsOf } from '../../src/core/focus/rows.ts';
import type { CostLine, FocusBook } from '../../src/core/focus/usage.ts';
import { Calendar, addMonths, daysOfMonth, monthOf } from '../../src/core/ledger/calendar.ts';
import { costMicros, divideHalfUp, payableMicros } from '../../src/core/money.ts';
import { checkFocus, micros, readFocus } from './focus-checker.ts';

const zones = fc.constantFrom('Asia/Seoul', 'UTC', 'America/New_York', 'Pacific/Auckland');
const MONTHS = ['2026-09', '2026-10', '2026-11', '2026-12'];

interface Run {
  readonly startedAt: Date;
  readonly seconds: number;
  readonly line: Omit<
    CostLine,
    | 'month'
    | 'usedMonth'
    | 'startedAt'
    | 'fromSeconds'
    | 'untilSeconds'
    | 'seconds'
    | 'micros'
    | 'correctedMicros'
  >;
  /** Parts of it are on the bill of a later month, as corrections. */
  readonly late: boolean;
  readonly credit: boolean;
  /** By hand, of each line. */
  readonly corrected: bigint;
}

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/);
const price = fc.oneof(
  fc.bigInt({ min: 0n, max: 200_000_000_000n }),
  fc.constantFrom(0n, 1n, 3_600n, 40_000_000_000n, 999_999_999_999_999_999n),
);
const run: fc.Arbitrary<Run> = fc
  .record({
    startedAt: fc.date({
      min: new Date('2026-09-01T12:00:00Z'),
      max: new Date('2026-12-20T00:00:00Z'),
      noInvalidDate: true,
    }),
    seconds: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 5_000_000 })),
    late: fc.boolean(),
    credit: fc.boolean(),
    corrected: fc.oneof(fc.constant(0n), fc.bigInt({ min: -1_000_000_000n, max: 1_000_000_000n })),
    price,
    line: fc.record({
      allocationId: fc.uuid(),
      jobId: fc.uuid(),
      jobName: fc
        .string({ minLength: 1, maxLength: 30, unit: 'grapheme' })
        .filter((text) => text.trim().length > 1 && text.toLowerCase() !== 'null'),
      labels: fc.dictionary(name, fc.string({ maxLength: 9 }), { maxKeys: 3 }),
      organization: fc.constantFrom('nia', 'kaist'),
      project: fc.constantFrom('kogpt', 'weather'),
      vendor: fc.constantFrom('nhn', 'kt'),
      provider: fc.constantFrom('pangyo', 'gwangju'),
      region: fc.constantFrom('kr-central', 'kr-south'),
      offer: fc.constantFrom('h100x8', 'cpu'),
      gpuCount: fc.integer({ min: 1, max: 64 }),
      spot: fc.boolean(),
      purpose: fc.constantFrom(...PURPOSES),
      listCurrency: fc.constantFrom('KRW', 'USD'),
      listPriceMicrosPerHour: price,
    }),
  })
  .map(({ price: priceMicrosPerHour, line, ...rest }) => {
    const gpu = line.offer === 'cpu' ? { gpuModel: null, gpuCount: 0 } : { gpuModel: 'H100' };
    return { ...rest, line: { ...line, ...gpu, priceMicrosPerHour } };
  });

/** The run cut at the ends of months, as the ledger does it: whole seconds, cost of the whole span in differences. */
function linesOf({ startedAt, seconds, line, late, credit, corrected }: Run, calendar: Calendar): CostLine[] {
  const lines: CostLine[] = [];
  let from = 0;
  while (from < seconds) {
    const at = new Date(startedAt.getTime() + from * 1000);
    const month = monthOf(calendar.dayOf(at));
    const end = calendar.startOf(daysOfMonth(month).until);
    const until = Math.min(
      seconds,
      Math.max(from + 1, Math.ceil((end.getTime() - startedAt.getTime()) / 1000)),
    );
    const cost = costMicros(line.priceMicrosPerHour, until) - costMicros(line.priceMicrosPerHour, from);
    const correction = late && month < '2026-12';
    lines.push({
      ...line,
      startedAt,
      month: correction ? monthOf(addMonths(`${month}-01`, 1)) : month,
      usedMonth: month,
      fromSeconds: BigInt(from),
      untilSeconds: BigInt(until),
      seconds: BigInt(until - from),
      micros: (correction && credit ? -cost : cost) + corrected,
      correctedMicros: corrected,
    });
    from = until;
  }
  return lines;
}

function write(lines: readonly CostLine[], book: FocusBook): string {
  const invoices = new Invoices(book);
  for (const line of lines) invoices.add(line);
  const rows = [...lines.flatMap((line) => rowsOf(line, book)), ...invoices.rows()];
  return [
    csvLine(FOCUS_COLUMNS),
    ...rows.map((row) => csvLine(FOCUS_COLUMNS.map((column) => row[column]))),
  ].join('');
}

const bookOf = (zone: string, vat: number, currency = 'KRW', closed = MONTHS.slice(0, 3)): FocusBook => ({
  currency,
  calendar: new Calendar(zone),
  invoiced: new Map(closed.map((month) => [month, vat])),
});

describe('an export', () => {
  test('keeps the rules of FOCUS 1.2, whatever ran', () => {
    fc.assert(
      fc.property(
        fc.array(run, { maxLength: 12 }),
        zones,
        fc.constantFrom(0, 7, 10),
        fc.constantFrom('KRW', 'USD', 'KWD'),
        (runs, zone, vat, currency) => {
          const book = bookOf(zone, vat, currency);
          const lines = runs.flatMap((one) => linesOf(one, book.calendar));
          const text = write(lines, book);
          expect(checkFocus(text)).toEqual([]);

          const rows = readFocus(text);
          const sum = (category: string) =>
            rows
              .filter((row) => row['ChargeCategory'] === category)
              .reduce((total, row) => total + micros(row['BilledCost'] ?? ''), 0n);
          const all = lines.reduce((total, line) => total + line.micros, 0n);
          const byHand = lines.reduce((total, line) => total + line.correctedMicros, 0n);
          expect(sum('Usage')).toBe(all - byHand);
          const corrections = rows.filter(
            (row) => row['ChargeCategory'] === 'Adjustment' && row['x_AllocationId'] !== null,
          );
          expect(corrections.reduce((total, row) => total + micros(row['BilledCost'] ?? ''), 0n)).toBe(
            byHand,
          );
          expect(rows.filter((row) => row['ChargeCategory'] === 'Usage')).toHaveLength(lines.length);
          if (vat === 0) expect(sum('Tax')).toBe(0n);
          // From December on there are no invoices yet.
          for (const row of rows)
            expect(row['InvoiceId'] === null).toBe(
              Date.parse(row['BillingPeriodStart'] ?? '') >= book.calendar.startOf('2026-12-01').getTime(),
            );
        },
      ),
      { numRuns: 300 },
    );
  });

  const standby = (more: Partial<CostLine> = {}): CostLine => ({
    month: '2026-11',
    usedMonth: '2026-11',
    allocationId: 'alc-1',
    jobId: 'job-1',
    jobName: '=koelectra, "pretrain"',
    labels: { team: 'nlp' },
    organization: 'nia',
    project: 'kogpt',
    vendor: 'nhn',
    provider: 'pangyo',
    region: 'kr-central',
    offer: 'h100x8',
    gpuModel: 'H100',
    gpuCount: 8,
    spot: false,
    purpose: 'standby',
    priceMicrosPerHour: 40_000_500_000n,
    listPriceMicrosPerHour: 30_000_000n,
    listCurrency: 'USD',
    startedAt: new Date('2026-10-31T14:59:59.500Z'),
    fromSeconds: 1n,
    untilSeconds: 5_401n,
    seconds: 5_400n,
    micros: 60_000_750_000n,
    correctedMicros: 0n,
    ...more,
  });

  test('says of a standby what a person would check first', () => {
    const [row, tax, rounding] = readFocus(write([standby()], bookOf('Asia/Seoul', 10)));
    expect(row).toMatchObject({
      BilledCost: '60000.75',
      BillingAccountId: 'nia',
      BillingPeriodStart: '2026-10-31T15:00:00Z',
      BillingPeriodEnd: '2026-11-30T15:00:00Z',
      ChargePeriodStart: '2026-10-31T15:00:00Z',
      ChargePeriodEnd: '2026-10-31T16:30:00Z',
      CapacityReservationId: 'alc-1',
      CapacityReservationStatus: 'Unused',
      ConsumedQuantity: '12',
      ConsumedUnit: 'GPU-Hours',
      InvoiceId: '2026-11/nia/nhn',
      ListUnitPrice: '40000.5',
      PricingQuantity: '1.5',
      PricingUnit: 'Hours',
      PricingCurrency: 'USD',
      PricingCurrencyListUnitPrice: '30',
      PricingCurrencyEffectiveCost: '45',
      ResourceName: '=koelectra, "pretrain"',
      SubAccountId: 'kogpt',
      Tags: '{"team":"nlp"}',
      x_Purpose: 'standby',
    });
    expect([tax?.['ChargeCategory'], tax?.['BilledCost']]).toEqual(['Tax', '6000.075']);
    expect([rounding?.['ChargeCategory'], rounding?.['BilledCost']]).toEqual(['Adjustment', '0.175']);
  });

  test('has no invoice, tax nor rounding where the month is open', () => {
    const rows = readFocus(write([standby()], bookOf('Asia/Seoul', 10, 'KRW', [])));
    expect(rows.map((row) => [row['ChargeCategory'], row['InvoiceId']])).toEqual([['Usage', null]]);
  });

  test('tells what was credited by hand from what was used', () => {
    const line = standby({ micros: 59_000_750_000n, correctedMicros: -1_000_000_000n });
    const [used, credit] = readFocus(write([line], bookOf('Asia/Seoul', 0)));
    expect(used).toMatchObject({ ChargeCategory: 'Usage', BilledCost: '60000.75', PricingQuantity: '1.5' });
    expect(credit).toMatchObject({
      ChargeCategory: 'Adjustment',
      ChargeClass: null,
      ChargeDescription: expect.stringContaining('Credited by hand'),
      BilledCost: '-1000',
      InvoiceId: '2026-11/nia/nhn',
      PricingQuantity: null,
      ConsumedQuantity: null,
      x_AllocationId: 'alc-1',
    });
    const nothingUsed = standby({
      ...line,
      micros: -5n,
      correctedMicros: -5n,
      seconds: 0n,
      usedMonth: '2026-10',
    });
    const [alone, ...closing] = readFocus(write([nothingUsed], bookOf('Asia/Seoul', 0)));
    expect(alone).toMatchObject({ ChargeCategory: 'Adjustment', ChargeClass: 'Correction' });
    expect(closing.map((row) => row['ChargeCategory'])).toEqual(['Adjustment']);
  });

  test('says which bill a correction is of, and on which it is', () => {
    const line = standby({
      usedMonth: '2026-10',
      micros: -5_000_000n,
      startedAt: new Date('2026-10-20T00:00:00Z'),
    });
    const [row] = readFocus(write([line], bookOf('Asia/Seoul', 10)));
    expect(row).toMatchObject({
      BilledCost: '-5',
      ChargeClass: 'Correction',
      ChargePeriodStart: '2026-10-20T00:00:01Z',
      InvoiceId: '2026-11/nia/nhn',
      ConsumedQuantity: null,
    });
  });

  const text = write(
    [standby(), standby({ allocationId: 'alc-2', purpose: 'run' })],
    bookOf('Asia/Seoul', 10),
  );
  const spoilt: [string, (good: string) => string][] = [
    ['a missing column', (good) => good.replace('ServiceName', 'x_ServiceName')],
    ['a column of nobody', (good) => good.replace('x_Offer', 'Offer')],
    ['a cost with a separator', (good) => good.replace('60000.75', '"60,000.75"')],
    ['a cost with an exponent', (good) => good.replace('60000.75', '6.000075e4')],
    ['a cost that is not price × quantity', (good) => good.replaceAll('60000.75', '60000.750001')],
    ['a quantity of too few digits', (good) => good.replace(',1.5,Hours', ',1.49999,Hours')],
    ['a time with an offset', (good) => good.replace('2026-10-31T15:00:00Z', '2026-11-01T00:00:00+09:00')],
    ['a time with milliseconds', (good) => good.replace('T16:30:00Z', 'T16:30:00.000Z')],
    ['an end that is the start', (good) => good.replace('T16:30:00Z', 'T15:00:00Z')],
    [
      'a charge beyond its billing period',
      (good) => good.replace('2026-10-31T16:30:00Z', '2026-12-31T16:30:00Z'),
    ],
    ['an unknown category', (good) => good.replace(',Usage,', ',Use,')],
    ['a tax with a quantity', (good) => good.replace(',Usage,', ',Tax,')],
    ['a correction of what is not billed yet', (good) => good.replace(',Usage,,', ',Usage,Correction,')],
    ['a placeholder', (good) => good.replace(',alc-1,Unused', ',N/A,Unused')],
    ['an empty text', (good) => good.replace(',alc-1,Unused', ',"",Unused')],
    ['a reservation without a status', (good) => good.replace(',alc-1,Unused', ',alc-1,')],
    ['tags with a list', (good) => good.replace('{""team"":""nlp""}', '{""team"":[1]}')],
    [
      'an invoice that is not whole',
      (good) =>
        good
          .split('\r\n')
          .filter((line) => !line.includes('Adjustment'))
          .join('\r\n'),
    ],
    ['an invoice of two accounts', (good) => good.replace(',nia,nia,', ',kaist,kaist,')],
    ['a price with two sorts of details', (good) => good.replace('""GpuCount"":8', '""GpuCount"":9')],
  ];
  test('is good before it is spoilt', () => expect(checkFocus(text)).toEqual([]));
  test.each(spoilt)('%s would be found', (_, spoil) => {
    expect(spoil(text)).not.toBe(text);
    expect(checkFocus(spoil(text))).not.toEqual([]);
  });
});

describe('a quantity', () => {
  test('times its price is the cost to the last micro, and is the hours that were used', () => {
    fc.assert(
      fc.property(price, fc.nat(40_000_000), fc.nat(40_000_000), (perHour, from, more) => {
        const cost = costMicros(perHour, from + more) - costMicros(perHour, from);
        const [whole = '', fraction = ''] = pricingQuantity(perHour, cost, BigInt(more)).split('.');
        const scaled = BigInt(whole + fraction);
        expect(costs(perHour, scaled, fraction.length)).toBe(cost);
        const hours = Number(`${whole}.${fraction || '0'}`);
        const slack = perHour === 0n ? 0 : 1.5 / Number(perHour);
        expect(Math.abs(hours - more / 3600)).toBeLessThanOrEqual(slack + 1e-9);
      }),
    );
  });

  test.each([
    [1n, 3n, 4, '0.3333'],
    [2n, 3n, 4, '0.6667'],
    [-1n, 2n, 1, '-0.5'],
    [-1n, 3n, 0, '0'],
    [7200n, 3600n, 15, '2'],
    [5n, 10n, 0, '1'],
    [0n, 7n, 9, '0'],
  ])('%s / %s to %s digits is %s', (of, by, digits, text) => expect(decimalOf(of, by, digits)).toBe(text));
});

describe('what is paid', () => {
  test.each([
    [1_499_999n, 'KRW', 1_000_000n],
    [1_500_000n, 'KRW', 2_000_000n],
    [-1_500_000n, 'KRW', -1_000_000n],
    [-1_500_001n, 'KRW', -2_000_000n],
    [1_234_999n, 'USD', 1_230_000n],
    [1_235_000n, 'USD', 1_240_000n],
    [1_234_500n, 'KWD', 1_235_000n],
    [0n, 'JPY', 0n],
  ])('%s micros of %s are %s', (of, currency, paid) => expect(payableMicros(of, currency)).toBe(paid));

  test('is rounded towards plus infinity in the middle', () => {
    expect([
      divideHalfUp(5n, 2n),
      divideHalfUp(-5n, 2n),
      divideHalfUp(-6n, 4n),
      divideHalfUp(-7n, 4n),
    ]).toEqual([3n, -2n, -1n, -2n]);
  });
});
