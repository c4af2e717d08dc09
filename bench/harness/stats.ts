/** Several measurements of one thing: the middle one counts, the range says how far to trust it. */
export interface Measured {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Of at least one value. */
export function measured(values: readonly number[]): Measured {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}

/** The value below which the share `q` lies, between neighbours by their distance. `sorted` rises. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function rising(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** Ratios round by round: neighbours in time shared the same noise. */
export function ratios(of: readonly number[], to: readonly number[]): Measured {
  return measured(of.map((value, round) => value / (to[round] ?? NaN)));
}

export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `median [min..max]` */
export function spread({ median, min, max }: Measured): string {
  return `${number(median)} [${number(min)}..${number(max)}]`;
}
