import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { budgetContradictions, overlap } from '../../src/core/ledger/budget-check.ts';
import { periodsAfter } from '../../src/core/ledger/budget-change.ts';
import {
  allottedAt,
  availableMicros,
  forecast,
  overdrawn,
  periodOf,
  periodsDue,
  reserveUsedMicros,
  spareMicros,
  thresholdsReached,
  type Balances,
  type Terms,
} from '../../src/core/ledger/budget.ts';
import { addDays, Calendar } from '../../src/core/ledger/calendar.ts';
import { leftOf, upkeepOf } from '../../src/core/ledger/upkeep.ts';
import { agrees, derive, type EntrySum } from '../../src/core/ledger/verify.ts';
import { PERIOD_KINDS } from '../../src/core/ledger/words.ts';

const seoul = new Calendar('Asia/Seoul');
const TODAY = '2026-11-24';

const terms = (over: Partial<Terms> = {}): Terms => ({
  periodKind: 'fiscal-year',
  fromDay: '2026-01-01',
  untilDay: null,
  capMicros: 1_000n,
  disasterMicros: 0n,
  allotments: [],
  thresholds: [50, 80, 100],
  onExhausted: 'stop',
  carryOver: false,
  approvalAboveMicros: null,
  ...over,
});
const quarters = [0, 3, 6, 9].map((afterMonths) => ({ afterMonths, micros: '250' }));

const micros = fc.bigInt({ min: 0n, max: 10_000n });
/** Every account that the database's CHECKs let be. */
const account: fc.Arbitrary<Balances> = fc
  .record({
    capMicros: micros,
    allottedMicros: micros,
    disasterMicros: micros,
    reservedMicros: micros,
    chargedMicros: micros,
    failoverMicros: micros,
  })
  .filter((one) => overdrawn(one) === null && one.failoverMicros <= one.reservedMicros + one.chargedMicros);
const day = fc.integer({ min: 0, max: 4_000 }).map((days) => addDays('2024-01-01', days));

describe('what may be spent by a day', () => {
  test('grows with the quarters of the calendar, also of a budget that began in August', () => {
    const of = (today: string, from = '2026-01-01') =>
      allottedAt(terms({ allotments: quarters, fromDay: from }), from, today, 1_000n);
    expect(
      ['2026-01-01', '2026-03-31', '2026-04-01', '2026-09-30', '2026-10-01'].map((on) => of(on)),
    ).toEqual([250n, 250n, 500n, 750n, 1_000n]);
    expect(of('2026-08-15', '2026-08-01')).toBe(750n);
  });

  test('what a transfer brought may be spent at once, and what it took is missing at once', () => {
    const of = (cap: bigint) => allottedAt(terms({ allotments: quarters }), '2026-01-01', '2026-02-01', cap);
    expect([of(1_100n), of(900n), of(700n)]).toEqual([350n, 150n, 0n]);
  });

  test('is never above the cap, never shrinks with time, and is all of it without allotments', () => {
    fc.assert(
      fc.property(day, day, micros, fc.boolean(), (a, b, cap, some) => {
        const [first = a, last = b] = [a, b].sort();
        const of = (on: string) =>
          allottedAt(terms({ allotments: some ? quarters : [] }), '2024-01-01', on, cap);
        expect(of(first)).toBeLessThanOrEqual(of(last));
        expect(of(last)).toBeLessThanOrEqual(cap);
        if (!some) expect(of(first)).toBe(cap);
      }),
    );
  });
});

describe('periods', () => {
  test('the one of now and the next follow each other without a gap, and today is in the first', () => {
    const kinds = fc.constantFrom(...PERIOD_KINDS.filter((kind) => kind !== 'once'));
    fc.assert(
      fc.property(kinds, day, day, (periodKind, fromDay, today) => {
        const [first, second] = periodsDue(terms({ periodKind, fromDay }), today);
        if (today < fromDay) {
          expect([first?.from, second]).toEqual([fromDay, undefined]);
          return;
        }
        expect(first!.from <= today && today < first!.until).toBe(true);
        expect(second!.from).toBe(first!.until);
      }),
    );
  });

  test('that are there are not made again, and of one that is over there are none', () => {
    const [days] = periodsDue(terms(), TODAY);
    const kept = { id: 'a', ...periodOf(terms(), seoul, days!, TODAY), ...unused };
    expect(
      upkeepOf(terms(), [kept], seoul, TODAY).missing.map(({ startsAt }) => startsAt.toISOString()),
    ).toEqual(['2026-12-31T15:00:00.000Z']);
    expect(periodsDue(terms({ untilDay: TODAY }), TODAY)).toEqual([]);
  });
});
const unused = { reservedMicros: 0n, chargedMicros: 0n, failoverMicros: 0n };

describe('an account', () => {
  test('has at least as much for everybody as for ordinary work, and what it can spare can go', () => {
    fc.assert(
      fc.property(account, (one) => {
        const spare = spareMicros(one);
        expect(spare).toBeGreaterThanOrEqual(0n);
        expect(availableMicros(one)).toBeGreaterThanOrEqual(spare);
        const less = { capMicros: one.capMicros - spare, allottedMicros: one.allottedMicros - spare };
        expect(overdrawn({ ...one, ...less })).toBeNull();
      }),
    );
  });

  test('shows of its disaster reserve as used what failover work took beyond the rest', () => {
    const of = (reservedMicros: bigint, failoverMicros: bigint) =>
      reserveUsedMicros({
        capMicros: 100n,
        allottedMicros: 100n,
        disasterMicros: 30n,
        reservedMicros,
        chargedMicros: 0n,
        failoverMicros,
      });
    expect([of(70n, 0n), of(70n, 50n), of(80n, 10n), of(100n, 90n)]).toEqual([0n, 0n, 10n, 30n]);
  });

  test('has reached a threshold when it has used as much, and none while it has used nothing', () => {
    const used = (reservedMicros: bigint, chargedMicros: bigint, allottedMicros = 1_000n) => ({
      ...unused,
      capMicros: 1_000n,
      disasterMicros: 0n,
      allottedMicros,
      reservedMicros,
      chargedMicros,
    });
    expect(thresholdsReached([50, 80, 100], used(300n, 199n))).toEqual([]);
    expect(thresholdsReached([50, 80, 100], used(300n, 200n))).toEqual([50]);
    expect(thresholdsReached([50, 80, 100], used(0n, 1_000n))).toEqual([50, 80, 100]);
    expect(thresholdsReached([50], used(0n, 0n, 0n))).toEqual([]);
  });

  test('leaves what it did not charge, all of it, and stays one that can be', () => {
    fc.assert(
      fc.property(account, (one) => {
        const over = { ...one, reservedMicros: 0n };
        fc.pre(over.failoverMicros <= over.chargedMicros && overdrawn(over) === null);
        const { leftMicros, stays } = leftOf(over);
        expect(leftMicros + over.chargedMicros).toBe(over.capMicros);
        expect(overdrawn({ ...over, ...stays })).toBeNull();
        expect(availableMicros({ ...over, ...stays })).toBe(0n);
      }),
    );
  });
});

test('a forecast is what is charged and what burns until the end', () => {
  const now = new Date('2026-11-24T00:00:00Z');
  const ends = new Date('2026-11-25T00:00:00Z');
  const one = {
    ...unused,
    capMicros: 1_000n,
    allottedMicros: 1_000n,
    disasterMicros: 100n,
    chargedMicros: 600n,
  };
  expect(forecast(one, 10n, now, ends)).toEqual({ atEndMicros: 840n, exhaustedAt: null });
  expect(forecast(one, 30n, now, ends)).toEqual({
    atEndMicros: 1_320n,
    exhaustedAt: new Date('2026-11-24T10:00:00Z'),
  });
  expect(forecast({ ...one, reservedMicros: 200n }, 30n, now, ends).exhaustedAt).toEqual(
    new Date('2026-11-24T10:00:00Z'),
  );
  expect(forecast(one, 0n, now, ends)).toEqual({ atEndMicros: 600n, exhaustedAt: null });
  expect(forecast(one, 30n, now, null)).toEqual({ atEndMicros: 600n, exhaustedAt: null });
});

describe('a change of terms', () => {
  const [days] = periodsDue(terms(), TODAY);
  const kept = (over: Partial<Balances> = {}) => ({
    id: 'acc-1',
    ...periodOf(terms(), seoul, days!, TODAY),
    ...unused,
    ...over,
  });

  test('gives the difference, and leaves alone what transfers brought', () => {
    const [changed] = periodsAfter(
      terms(),
      terms({ capMicros: 1_500n }),
      [kept({ capMicros: 1_200n })],
      seoul,
      TODAY,
    );
    expect(changed).toMatchObject({ capMicros: 1_700n, deltaMicros: 500n, overdrawn: null });
  });

  test('is found overdrawn wherever the database would refuse it', () => {
    fc.assert(
      fc.property(account, micros, micros, (one, capMicros, reserve) => {
        const before = terms({ capMicros: one.capMicros });
        const disasterMicros = reserve < capMicros ? reserve : capMicros;
        const period = kept({ ...one, allottedMicros: one.capMicros });
        const [changed] = periodsAfter(before, terms({ capMicros, disasterMicros }), [period], seoul, TODAY);
        const used = one.reservedMicros + one.chargedMicros;
        const open = capMicros > disasterMicros ? capMicros - disasterMicros : 0n;
        const fits = used <= capMicros && used - one.failoverMicros <= open;
        expect(changed?.overdrawn === null).toBe(fits);
      }),
    );
  });

  test('of the end takes everything from a period that is none any more, and gives it back to one that is again', () => {
    const next = { ...kept(), startsAt: seoul.startOf('2027-01-01'), endsAt: seoul.startOf('2028-01-01') };
    const cut = terms({ untilDay: '2026-12-15' });
    const [current, gone] = periodsAfter(terms(), cut, [kept(), next], seoul, TODAY);
    expect(current).toMatchObject({ deltaMicros: 0n, endsAt: seoul.startOf('2026-12-15') });
    expect(gone).toMatchObject({ capMicros: 0n, deltaMicros: -1_000n });
    const [, again] = periodsAfter(cut, terms(), [current!, gone!], seoul, TODAY);
    expect(again).toMatchObject({ capMicros: 1_000n, deltaMicros: 1_000n, endsAt: next.endsAt });
  });

  test('of the end ends a period that is none any more as it begins, so that what comes after the budget pays for its time', () => {
    const next = { ...kept(), startsAt: seoul.startOf('2027-01-01'), endsAt: seoul.startOf('2028-01-01') };
    const [, gone] = periodsAfter(terms(), terms({ untilDay: '2027-01-01' }), [kept(), next], seoul, TODAY);
    expect(gone!.endsAt!.getTime() - gone!.startsAt.getTime()).toBe(1);
  });
});

test('two budgets overlap where a day is in both', () => {
  const span = fc.tuple(day, fc.option(fc.integer({ min: 1, max: 300 }))).map(([fromDay, days]) => ({
    fromDay,
    untilDay: days === null ? null : addDays(fromDay, days),
  }));
  const has = ({ fromDay, untilDay }: { fromDay: string; untilDay: string | null }, on: string) =>
    fromDay <= on && (untilDay === null || on < untilDay);
  fc.assert(
    fc.property(span, span, (a, b) => {
      expect(overlap(a, b)).toBe(overlap(b, a));
      // If they share any day, they share the first day of the later one.
      const later = a.fromDay > b.fromDay ? a.fromDay : b.fromDay;
      expect(overlap(a, b)).toBe(has(a, later) && has(b, later));
    }),
  );
});

test('terms that fit are not found at fault', () => {
  expect(budgetContradictions(terms({ allotments: quarters, disasterMicros: 1_000n }), TODAY)).toEqual([]);
  expect(
    budgetContradictions(terms({ periodKind: 'once', untilDay: '2026-12-01', fromDay: TODAY }), TODAY),
  ).toEqual([]);
});

test('what entries come to is what was moved, whatever the order, and a missing one is noticed', () => {
  const entry = (
    kind: EntrySum['kind'],
    debit: EntrySum['debit'],
    credit: EntrySum['credit'],
    amount: bigint,
  ) => ({
    kind,
    debit,
    credit,
    micros: amount,
    entries: 1,
  });
  const sums = [
    entry('appropriate', 'appropriation', 'available', 1_000n),
    entry('transfer', 'available', 'appropriation', 100n),
    entry('reserve', 'available', 'reserved', 500n),
    entry('charge', 'reserved', 'charged', 300n),
    entry('release', 'reserved', 'available', 150n),
  ];
  const derived = derive(sums);
  expect(derived).toEqual({
    capMicros: 900n,
    availableMicros: 550n,
    reservedMicros: 50n,
    chargedMicros: 300n,
  });
  const claimed = { ...derived, heldMicros: 50n };
  expect(agrees(derived, claimed)).toBe(true);
  expect(agrees(derived, { ...claimed, heldMicros: 49n })).toBe(false);
  for (const left of sums.keys()) expect(agrees(derive(sums.toSpliced(left, 1)), claimed)).toBe(false);
});
