/** Always the same numbers for a seed: a made-up world must not be a source of noise. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 … sides - 1. */
  roll(sides: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * sides);
  }

  /** True so many times in a hundred. */
  percent(share: number): boolean {
    return this.roll(100) < share;
  }

  /** One of these; there is at least one. */
  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)] as T;
  }

  /** One of these, by their weights. */
  weighed<T>(from: readonly (readonly [number, T])[]): T {
    let at = this.roll(from.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, one] of from) {
      if (at < weight) return one;
      at -= weight;
    }
    throw new Error('nothing to choose from');
  }
}
