import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chainsOf, type Account } from '../../src/core/ledger/account.ts';
import { Balances } from '../../src/core/ledger/balances.ts';
import type { Hold, Paying } from '../../src/core/ledger/moves.ts';
import { meter, type Metered } from '../../src/core/ledger/plan.ts';
import { secondsFor, type HoldTiming } from '../../src/core/ledger/run.ts';
import { costMicros } from '../../src/core/money.ts';

const T0 = new Date('2026-12-31T14:00:00.000Z');
const at = (seconds: number) => new Date(T0.getTime() + seconds * 1000);
const TIMING: HoldTiming = { meterSeconds: 5, meterMaxSeconds: 300, leaseSeconds: 6 };
const WON = 1_000_000n;
/** Grace 10: a stop takes at most 10 + 30 + 6 + 1 s, so 57 s are held at first. */
const FIRST = 57;

function account(id: string, cap: bigint, more: Partial<Account> = {}): Account {
  return {
    id,
    budgetId: id,
    name: id,
    startsAt: at(-86_400),
    endsAt: at(86_400 * 30),
    allottedMicros: cap,
    disasterMicros: 0n,
    reservedMicros: 0n,
    chargedMicros: 0n,
    failoverMicros: 0n,
    onExhausted: 'stop',
    frozen: false,
    superseded: false,
    ...more,
  };
}

function paying(more: Partial<Paying> = {}): Paying {
  return {
    allocationId: 'alc-1',
    priceMicrosPerHour: 3_600n * WON,
    startedAt: null,
    ranUntil: T0,
    meteredSeconds: 0,
    paidSeconds: null,
    meterSeconds: 0,
    graceSeconds: 10,
    failover: false,
    guarded: false,
    phase: 'goes',
    maxRuntimeSeconds: null,
    ...more,
  };
}

/** Accounts and one allocation, carried from look to look as the store does. */
class Till {
  readonly accounts: Map<string, Account>;
  holds = new Map<string, Hold>();
  one: Paying;
  last: Metered | null = null;

  constructor(accounts: readonly Account[], one: Paying) {
    this.accounts = new Map(accounts.map((each) => [each.id, each]));
    this.one = one;
  }

  look(now: Date, more: Partial<Paying> = {}): Metered {
    const { startedAt } = { ...this.one, ...more };
    this.one = { ...this.one, ...more, ranUntil: more.ranUntil ?? (startedAt === null ? T0 : now) };
    const accounts = [...this.accounts.values()];
    const result = meter(this.one, chainsOf(accounts), this.holds, new Balances(accounts), now, TIMING);
    for (const { accountId, charge, reserve, release, ...hold } of result.moves) {
      const was = this.accounts.get(accountId)!;
      if ([charge, reserve, release].some((micros) => micros < 0n)) throw new Error('money moved backwards');
      const reservedMicros = was.reservedMicros + reserve - charge - release;
      const chargedMicros = was.chargedMicros + charge;
      if (reservedMicros < 0n) throw new Error('more was charged than reserved');
      if (reservedMicros + chargedMicros > was.allottedMicros) throw new Error('the cap does not hold');
      const failoverMicros = was.failoverMicros + (this.one.failover ? reserve - release : 0n);
      this.accounts.set(accountId, { ...was, reservedMicros, chargedMicros, failoverMicros });
      this.holds.set(accountId, { accountId, ...hold });
    }
    this.one = { ...this.one, ...result };
    this.last = result;
    return result;
  }

  won(id: string): [reserved: number, charged: number] {
    const { reservedMicros, chargedMicros } = this.accounts.get(id)!;
    return [Number(reservedMicros) / 1e6, Number(chargedMicros) / 1e6];
  }
}

describe('metering', () => {
  test('what was reserved is charged, and what was charged reserved anew, for longer and longer', () => {
    const till = new Till([account('a', 10_000n * WON)], paying());
    expect(till.look(T0)).toMatchObject({ paidSeconds: FIRST, meterSeconds: 5, shortage: null, stop: false });
    expect(till.won('a')).toEqual([57, 0]);
    till.look(at(8), { startedAt: at(3) });
    expect(till.one).toMatchObject({ meteredSeconds: 5, paidSeconds: 5 + 20 + 47, meterSeconds: 10 });
    expect(till.won('a')).toEqual([67, 5]);
    till.look(at(18));
    expect(till.one).toMatchObject({ meteredSeconds: 15, paidSeconds: 15 + 40 + 47, meterSeconds: 20 });
    till.look(at(20), { phase: 'over' });
    expect(till.won('a')).toEqual([0, 17]);
  });

  test('all accounts hold it, or none', () => {
    const till = new Till([account('a', 10_000n * WON), account('b', 40n * WON)], paying());
    expect(till.look(T0)).toMatchObject({
      paidSeconds: 0,
      shortage: { why: 'money', account: { id: 'b' }, missingMicros: 17n * WON },
    });
    expect(till.won('a')).toEqual([0, 0]);
  });

  test('where the money ends, shorter times are tried, and then it stops before what is paid is over', () => {
    const till = new Till([account('a', 200n * WON)], paying());
    till.look(T0);
    let now = 0;
    while (!till.look(at(now), { startedAt: T0 }).stop) now += till.one.meterSeconds;
    expect(till.last?.shortage).toMatchObject({ why: 'money' });
    expect(till.one.paidSeconds! - till.one.meteredSeconds).toBeGreaterThanOrEqual(40);
    expect(till.one.paidSeconds).toBeLessThanOrEqual(200);
    // However long the stop takes, nothing is charged beyond what was reserved.
    till.look(at(now + 500), { phase: 'over' });
    expect(till.won('a')).toEqual([0, till.one.paidSeconds]);
  });

  test('a run that crosses the end of a fiscal year is paid by both, each its part', () => {
    const newYear = at(3_600);
    const old = account('y26', 100_000n * WON, { budgetId: 'y', endsAt: newYear });
    const next = account('y27', 100_000n * WON, { budgetId: 'y', startsAt: newYear, endsAt: at(1e7) });
    const till = new Till([old, next], paying());
    till.look(T0);
    till.look(at(10), { startedAt: at(0.5) });
    expect(till.won('y27')).toEqual([0, 0]);
    for (let now = 10; now < 3_590; now += till.one.meterSeconds) till.look(at(now));
    expect(till.won('y26')[1] + till.won('y26')[0]).toBe(3_600);
    expect(till.won('y27')[0]).toBeGreaterThan(0);
    till.look(at(3_700), { phase: 'over' });
    expect([till.won('y26'), till.won('y27')]).toEqual([
      [0, 3_600],
      [0, 100],
    ]);
  });

  test('one that may begin on either side of the end is held by both, and then by the one that it is', () => {
    const newYear = at(30);
    const old = account('y26', 1_000n * WON, { budgetId: 'y', endsAt: newYear });
    const next = account('y27', 1_000n * WON, { budgetId: 'y', startsAt: newYear, endsAt: at(1e7) });
    const till = new Till([old, next], paying());
    till.look(T0);
    expect([till.won('y26'), till.won('y27')]).toEqual([
      [30, 0],
      [FIRST, 0],
    ]);
    till.look(at(35), { startedAt: at(31) });
    expect(till.won('y26')).toEqual([0, 0]);
    expect(till.won('y27')[1]).toBe(4);
  });

  test('a budget that ends pays for nothing after it', () => {
    const till = new Till([account('a', 10_000n * WON, { endsAt: at(40) })], paying());
    expect(till.look(T0).shortage).toMatchObject({ why: 'time' });
  });

  test('a budget that comes later pays from then on', () => {
    const till = new Till([], paying());
    till.look(T0);
    till.look(at(100), { startedAt: T0 });
    expect(till.one.paidSeconds).toBeNull();
    till.accounts.set('late', account('late', 10_000n * WON));
    till.look(at(110));
    till.look(at(130), { phase: 'over' });
    expect(till.won('late')).toEqual([0, 20]);
  });

  test('a budget that comes later is not made to pay for what others have paid: without money it stops the run in time', () => {
    const till = new Till([account('org', 1_000n * WON)], paying());
    till.look(T0);
    till.accounts.set('new', account('new', 8n * WON));
    till.look(at(5), { startedAt: T0 });
    expect(till.won('new')).toEqual([0, 0]);
    expect(till.last).toMatchObject({ paidSeconds: FIRST, stop: false });
    expect(till.last!.shortage).toMatchObject({ why: 'money', account: { id: 'new' } });
    till.look(at(25));
    expect(till.last!.stop).toBe(true);
    till.look(at(40), { phase: 'over' });
    expect([till.won('new'), till.won('org')]).toEqual([
      [0, 0],
      [0, 40],
    ]);
  });

  test('the seconds in which nobody knew whether it had begun are of the year in which it had', () => {
    const end = at(60);
    const accounts = [
      account('y26', 60n * WON, { budgetId: 'y', endsAt: end }),
      account('y27', 1_000n * WON, { budgetId: 'y', startsAt: end }),
    ];
    const till = new Till(accounts, paying());
    till.look(at(20));
    till.look(at(30));
    // Nothing else is left of the old year by then.
    const old = till.accounts.get('y26')!;
    till.accounts.set('y26', { ...old, allottedMicros: old.reservedMicros });
    till.look(at(35), { startedAt: at(21) });
    till.look(at(75), { phase: 'over', ranUntil: at(75) });
    expect([till.won('y26'), till.won('y27')]).toEqual([
      [0, 39],
      [0, 15],
    ]);
  });

  test('the disaster reserve is for what a disaster moved', () => {
    const reserve = account('a', 100n * WON, { disasterMicros: 60n * WON });
    expect(new Till([reserve], paying()).look(T0).shortage).toMatchObject({
      why: 'money',
      missingMicros: 17n * WON,
    });
    expect(new Till([reserve], paying({ failover: true })).look(T0).shortage).toBeNull();
  });

  test('of a frozen account only work that must not stop is paid', () => {
    const frozen = account('a', 1_000n * WON, { frozen: true });
    expect(new Till([frozen], paying()).look(T0).shortage).toMatchObject({ why: 'frozen' });
    expect(new Till([frozen], paying({ guarded: true })).look(T0).shortage).toBeNull();
  });

  test('block: the whole run is held, the stop included, or it does not begin', () => {
    const block = account('a', 700n * WON, { onExhausted: 'block' });
    expect(new Till([block], paying()).look(T0).shortage).toMatchObject({ why: 'unbounded' });
    expect(new Till([block], paying({ maxRuntimeSeconds: 1_000 })).look(T0).shortage).toMatchObject({
      why: 'money',
    });
    const till = new Till([block], paying({ maxRuntimeSeconds: 600 }));
    expect(till.look(T0)).toMatchObject({ paidSeconds: 647, shortage: null });
    till.look(at(300), { startedAt: T0 });
    expect(till.won('a')).toEqual([347, 300]);
  });

  test('its own limit is used up to the last second, and stops it in time', () => {
    const till = new Till([account('own', 100n * WON, { budgetId: null, endsAt: null })], paying());
    till.look(T0);
    let now = 0;
    while (!till.look(at(now), { startedAt: T0 }).stop) now += till.one.meterSeconds;
    expect(till.last?.shortage).toMatchObject({ why: 'limit' });
    expect(till.one.paidSeconds).toBe(100);
    expect(now).toBeGreaterThanOrEqual(45);
    expect(now).toBeLessThanOrEqual(60);
  });

  test('a limit that buys a few seconds buys nothing', () => {
    const own = (won: bigint) => account('own', won * WON, { budgetId: null, endsAt: null });
    expect(new Till([own(10n)], paying()).look(T0).shortage).toMatchObject({ why: 'limit' });
    expect(new Till([own(30n)], paying()).look(T0)).toMatchObject({ paidSeconds: 30, shortage: null });
  });

  test('whatever happens: never above the cap, charges are the cost of what was used, and nothing stays reserved', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 400 }),
      raise: fc.integer({ min: 0, max: 50 }),
    });
    const prices = fc.bigInt({ min: 1n, max: 100_000n * WON });
    fc.assert(
      fc.property(
        prices,
        fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 3 }),
        fc.array(step),
        (price, caps, steps) => {
          const accounts = caps.flatMap((cap, index) => {
            const end = at(100 * (index + 1));
            return [
              account(`a${index}`, BigInt(cap) * WON, { budgetId: `b${index}`, endsAt: end }),
              account(`n${index}`, BigInt(cap) * WON, { budgetId: `b${index}`, startsAt: end }),
            ];
          });
          const till = new Till(accounts, paying({ priceMicrosPerHour: price }));
          let now = 0;
          till.look(T0);
          for (const { wait, raise } of steps) {
            for (const [id, was] of till.accounts)
              till.accounts.set(id, { ...was, allottedMicros: was.allottedMicros + BigInt(raise) * WON });
            till.look(at((now += wait)), { startedAt: at(0.25) });
          }
          till.look(at((now += 3)), { phase: 'over', startedAt: at(0.25) });
          const used = till.one.meteredSeconds;
          expect(used).toBeLessThanOrEqual(till.one.paidSeconds ?? Infinity);
          for (const { reservedMicros } of till.accounts.values()) expect(reservedMicros).toBe(0n);
          if (till.one.paidSeconds === null) return;
          for (let index = 0; index < caps.length; index += 1) {
            const charged = [`a${index}`, `n${index}`].map((id) => till.accounts.get(id)!.chargedMicros);
            const first = Math.min(
              ...[...till.holds.values()].filter((h) => /[an]/.test(h.accountId)).map((h) => h.from),
            );
            expect(charged[0]! + charged[1]!).toBe(
              costMicros(price, used) - costMicros(price, Math.min(first, used)),
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('secondsFor is the most that the money buys', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 13n }),
      fc.bigInt({ min: 100_000n, max: 10n ** 12n }),
      (micros, price) => {
        const seconds = secondsFor(micros, price);
        expect(costMicros(price, seconds)).toBeLessThanOrEqual(micros);
        expect(costMicros(price, seconds + 1)).toBeGreaterThan(micros);
      },
    ),
  );
});
