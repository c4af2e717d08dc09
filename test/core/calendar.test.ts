import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addDays, addMonths, Calendar, isDay, periodAt, type Span } from '../../src/core/ledger/calendar.ts';

const seoul = new Calendar('Asia/Seoul');
const ZONES = [
  'Asia/Seoul',
  'UTC',
  'America/New_York',
  'Asia/Kolkata',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
];

describe('Calendar', () => {
  test('a fiscal year begins in Seoul at 15:00 UTC of the day before', () => {
    expect(seoul.startOf('2027-01-01').toISOString()).toBe('2026-12-31T15:00:00.000Z');
    expect(seoul.dayOf(new Date('2026-12-31T14:59:59.999Z'))).toBe('2026-12-31');
    expect(seoul.dayOf(new Date('2026-12-31T15:00:00Z'))).toBe('2027-01-01');
  });

  test('days of 23 and of 25 hours, and one that begins at one in the morning', () => {
    const york = new Calendar('America/New_York');
    const hours = (day: string) =>
      (york.startOf(addDays(day, 1)).getTime() - york.startOf(day).getTime()) / 3_600_000;
    expect([hours('2026-03-08'), hours('2026-11-01'), hours('2026-06-01')]).toEqual([23, 25, 24]);
    expect(new Calendar('America/Sao_Paulo').startOf('2018-11-04').toISOString()).toBe(
      '2018-11-04T03:00:00.000Z',
    );
  });

  test.each(ZONES)('each moment is in the day that it says, in %s', (zone) => {
    const calendar = new Calendar(zone);
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2040, 0, 1) }), (ms) => {
        const day = calendar.dayOf(new Date(ms));
        expect(calendar.startOf(day).getTime()).toBeLessThanOrEqual(ms);
        expect(calendar.startOf(addDays(day, 1)).getTime()).toBeGreaterThan(ms);
        // Of the day that was asked for last, which it remembers, and of any other.
        expect(calendar.endOf(day)).toEqual(calendar.startOf(addDays(day, 1)));
        expect(new Calendar(zone).endOf(day)).toEqual(calendar.endOf(day));
        expect(new Calendar(zone).dayOf(new Date(ms))).toBe(day);
      }),
    );
  });

  test('a zone that is none is refused', () => {
    expect(() => new Calendar('Asia/Nowhere')).toThrow(RangeError);
  });
});

describe('periods', () => {
  const from = (periodKind: Span['periodKind'], fromDay: string, untilDay: string | null = null): Span => ({
    periodKind,
    fromDay,
    untilDay,
  });

  test.each([
    [from('month', '2026-01-01'), '2026-12-31', { from: '2026-12-01', until: '2027-01-01' }],
    [from('quarter', '2026-01-01'), '2026-05-31', { from: '2026-04-01', until: '2026-07-01' }],
    [from('fiscal-year', '2026-01-01'), '2028-02-29', { from: '2028-01-01', until: '2029-01-01' }],
    [from('once', '2026-03-05', '2026-03-09'), '2026-03-08', { from: '2026-03-05', until: '2026-03-09' }],
    // Cut to the budget's own time.
    [from('month', '2026-03-05'), '2026-03-08', { from: '2026-03-05', until: '2026-04-01' }],
    [
      from('fiscal-year', '2026-01-01', '2026-07-01'),
      '2026-03-08',
      { from: '2026-01-01', until: '2026-07-01' },
    ],
    [from('month', '2026-03-05'), '2026-03-04', null],
    [from('once', '2026-03-05', '2026-03-09'), '2026-03-09', null],
  ])('%j on %s', (span, day, period) => {
    expect(periodAt(span, day)).toEqual(period);
  });

  test('follow each other without a gap', () => {
    const kinds = fc.constantFrom<Span['periodKind']>('month', 'quarter', 'fiscal-year');
    fc.assert(
      fc.property(kinds, fc.integer({ min: 0, max: 5_000 }), (kind, days) => {
        const day = addDays('2026-01-15', days);
        const period = periodAt(from(kind, '2026-01-15'), day);
        expect(period && period.from <= day && day < period.until).toBe(true);
        expect(periodAt(from(kind, '2026-01-15'), period?.until ?? '')?.from).toBe(period?.until);
      }),
    );
  });

  test('months are added over the end of a year, both ways', () => {
    expect([addMonths('2026-11-24', 2), addMonths('2026-01-31', -1)]).toEqual(['2027-01-01', '2025-12-01']);
  });

  test('days that there are', () => {
    expect(['2026-02-28', '2028-02-29', '2026-02-29', '2026-13-01', '2026-1-01', ''].map(isDay)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
