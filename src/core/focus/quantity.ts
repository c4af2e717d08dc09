const HOUR = 3600n;
/** Enough for prices of a billion an hour; dearer ones get more, one by one. */
const DIGITS = 15;

/** `of` divided by `by` as a plain decimal with at most so many digits after the point, half away from zero. `by` > 0. */
export function decimalOf(of: bigint, by: bigint, digits: number): string {
  return written(scaled(of, by, digits), digits);
}

/**
 * How many hours at this price are exactly this cost: hours × price, rounded to micros, is the cost to the last micro.
 * They are the hours that were used, but for what rounding the pieces of a run moves, which is a micro at most.
 */
export function pricingQuantity(priceMicrosPerHour: bigint, costMicros: bigint, seconds: bigint): string {
  const used = scaled(seconds, HOUR, DIGITS);
  if (priceMicrosPerHour === 0n || costs(priceMicrosPerHour, used, DIGITS) === costMicros)
    return written(used, DIGITS);
  for (let digits = DIGITS; ; digits += 1) {
    const hours = scaled(costMicros, priceMicrosPerHour, digits);
    if (costs(priceMicrosPerHour, hours, digits) === costMicros) return written(hours, digits);
  }
}

/** In micros. */
export function costs(priceMicrosPerHour: bigint, scaledHours: bigint, digits: number): bigint {
  return scaled(priceMicrosPerHour * scaledHours, 10n ** BigInt(digits), 0);
}

function scaled(of: bigint, by: bigint, digits: number): bigint {
  const absolute = of < 0n ? -of : of;
  const rounded = (2n * absolute * 10n ** BigInt(digits) + by) / (2n * by);
  return of < 0n ? -rounded : rounded;
}

function written(value: bigint, digits: number): string {
  const sign = value < 0n ? '-' : '';
  const text = (value < 0n ? -value : value).toString().padStart(digits + 1, '0');
  const fraction = text.slice(text.length - digits).replace(/0+$/, '');
  const whole = text.slice(0, text.length - digits);
  return digits === 0 ? `${sign}${text}` : `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
