import { minorDigits } from './currencies.ts';

/**
 * Money is a bigint of micros (millionths of one unit of a currency) inside, and a decimal string with an
 * ISO 4217 code on the wire. Unit prices keep their decimals (0.14 KRW per GiB·h is real); bills are rounded
 * to the currency's minor unit only where a bill is made.
 */
export interface Money {
  readonly amountMicros: bigint;
  /** ISO 4217, upper case. */
  readonly currency: string;
}

/** Money on the wire. */
export interface WireMoney {
  readonly amount: string;
  readonly currency: string;
}

const MICROS = 1_000_000n;
/** Up to 12 digits before the point and 6 after: one billion times the dearest hour on any market, and far inside int8. */
export const AMOUNT_PATTERN = /^(0|[1-9]\d{0,11})(\.\d{1,6})?$/;

/** "1234.5" → 1234500000n. Throws RangeError on anything that AMOUNT_PATTERN refuses. */
export function parseMicros(amount: string): bigint {
  if (!AMOUNT_PATTERN.test(amount)) throw new RangeError(`not an amount: ${amount.slice(0, 40)}`);
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole) * MICROS + BigInt(fraction.padEnd(6, '0'));
}

/** 1234500000n → "1234.5"; no trailing zeros, no exponent. */
export function formatMicros(micros: bigint): string {
  const sign = micros < 0n ? '-' : '';
  const absolute = micros < 0n ? -micros : micros;
  const fraction = (absolute % MICROS).toString().padStart(6, '0').replace(/0+$/, '');
  return `${sign}${absolute / MICROS}${fraction === '' ? '' : `.${fraction}`}`;
}

export function toWire(micros: bigint, currency: string): WireMoney {
  return { amount: formatMicros(micros), currency };
}

export function fromWire(money: WireMoney): Money {
  return { amountMicros: parseMicros(money.amount), currency: money.currency };
}

/**
 * `micros` of one currency in another: times the rate (price of one unit of the first in the second, as micros),
 * half up.
 */
export function convertMicros(micros: bigint, rateMicros: bigint): bigint {
  return (micros * rateMicros + MICROS / 2n) / MICROS;
}

/**
 * Cost of a span at a price per hour, half up. Always computed over the whole span since the start, never added
 * up from pieces, so that rounding does not drift.
 */
export function costMicros(priceMicrosPerHour: bigint, seconds: number): bigint {
  return (priceMicrosPerHour * BigInt(seconds) + 1800n) / 3600n;
}

/** `of` divided by `by`, rounded half up: towards plus infinity where it is in the middle. `by` > 0. */
export function divideHalfUp(of: bigint, by: bigint): bigint {
  const twice = 2n * of + by;
  const whole = twice / (2n * by);
  return twice % (2n * by) < 0n ? whole - 1n : whole;
}

/** The one rounding of bills: what is paid of an invoice is a whole number of the currency's smallest coin, half up. */
export function payableMicros(micros: bigint, currency: string): bigint {
  const coin = 10n ** BigInt(6 - minorDigits(currency));
  return divideHalfUp(micros, coin) * coin;
}
