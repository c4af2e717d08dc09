/** Helpers for the arrays of numbers that a market is made of. Positions follow the order of names. */

/** Code unit order: the same on every machine, unlike a locale's. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Numbers for names: the column, and where each name stands first. */
export function interned<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
): {
  readonly column: Int32Array;
  readonly first: readonly T[];
} {
  const first: T[] = [];
  const indexes = new Map<string, number>();
  const column = Int32Array.from(items, (item) => {
    const name = nameOf(item);
    const index = indexes.get(name) ?? first.push(item) - 1;
    indexes.set(name, index);
    return index;
  });
  return { column, first };
}

/** The order of prices, equal ones equal; -1 for none. `values` rise: what the column counts. */
export function ranked(prices: readonly (bigint | null)[]): {
  readonly column: Int32Array;
  readonly values: readonly bigint[];
} {
  const values = [...new Set(prices.filter((price) => price !== null))].sort((a, b) =>
    a < b ? -1 : a > b ? 1 : 0,
  );
  const ranks = new Map(values.map((price, rank) => [price, rank]));
  return {
    column: Int32Array.from(prices, (price) => (price === null ? -1 : (ranks.get(price) ?? -1))),
    values,
  };
}

/** How many of the rising prices are at most `limit`. */
export function countUpTo(prices: readonly bigint[], limit: bigint): number {
  let from = 0;
  let to = prices.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((prices[middle] ?? 0n) <= limit) from = middle + 1;
    else to = middle;
  }
  return from;
}
