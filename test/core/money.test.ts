import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  convertMicros,
  costMicros,
  formatMicros,
  fromWire,
  parseMicros,
  toWire,
} from '../../src/core/money.ts';

const amount = fc.bigInt({ min: 0n, max: 999_999_999_999_999_999n });
const price = fc.bigInt({ min: 0n, max: 100_000_000_000_000n });

describe('amounts on the wire', () => {
  test('come back as they went', () => {
    fc.assert(
      fc.property(amount, (micros) => {
        expect(parseMicros(formatMicros(micros))).toBe(micros);
      }),
    );
    fc.assert(
      fc.property(amount, (micros) => {
        expect(fromWire(toWire(micros, 'KRW')).amountMicros).toBe(micros);
      }),
    );
  });

  test.each([
    [0n, '0'],
    [1n, '0.000001'],
    [1_234_500_000n, '1234.5'],
    [-1_500_000n, '-1.5'],
    [999_999_999_999_999_999n, '999999999999.999999'],
  ])('%s micros are %s', (micros, text) => expect(formatMicros(micros)).toBe(text));

  test.each(['', ' 1', '01', '1.', '.5', '1.0000001', '-1', '+1', '1e3', '1,5', 'NaN', '1000000000000', '٣'])(
    'refuses %j',
    (text) => expect(() => parseMicros(text)).toThrow(RangeError),
  );
});

describe('conversion', () => {
  test('at the rate 1 changes nothing', () => {
    fc.assert(
      fc.property(amount, (micros) => {
        expect(convertMicros(micros, 1_000_000n)).toBe(micros);
      }),
    );
  });

  test('is off by at most half a micro, and never turns a dearer price into a cheaper one', () => {
    fc.assert(
      fc.property(price, price, fc.bigInt({ min: 1n, max: 10_000_000_000n }), (a, b, rate) => {
        const off = convertMicros(a, rate) * 1_000_000n - a * rate;
        expect(off <= 500_000n && off > -500_000n).toBe(true);
        const [lower, higher] = a <= b ? [a, b] : [b, a];
        expect(convertMicros(lower, rate) <= convertMicros(higher, rate)).toBe(true);
      }),
    );
  });
});

describe('cost', () => {
  test('of an hour is the price', () => {
    fc.assert(
      fc.property(price, (perHour) => {
        expect(costMicros(perHour, 3600)).toBe(perHour);
      }),
    );
  });

  test('does not depend on how often it was metered', () => {
    const spans = fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 50 });
    fc.assert(
      fc.property(price, spans, (perHour, seconds) => {
        let charged = 0n;
        let elapsed = 0;
        for (const span of seconds) {
          elapsed += span;
          // What a metering pass adds: the cost so far, less what was charged.
          charged += costMicros(perHour, elapsed) - charged;
        }
        expect(charged).toBe(costMicros(perHour, elapsed));
        const off = charged * 3600n - perHour * BigInt(elapsed);
        expect(off <= 1800n && off >= -1800n).toBe(true);
      }),
    );
  });
});
