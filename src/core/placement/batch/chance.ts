/** Numbers that look random and are always the same. */
export interface Chance {
  /** From 0 to 1, without 1. */
  next(): number;
  /** A whole number from 0 to `sides` - 1. */
  roll(sides: number): number;
  /** The same, low ones more often: the product of two. */
  low(sides: number): number;
}

/** mulberry32 (Tommy Ettinger, public domain): 32 bits of state, good enough to vary a search. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    roll: (sides) => Math.floor(next() * sides),
    low: (sides) => Math.floor(next() * next() * sides),
  };
}
