import { ON_DEMAND, SPOT } from './market.ts';
import { paidHours } from './match.ts';
import { ordersOf, type Orders } from './orders.ts';
import type { Pass } from './pass.ts';
import { NORMAL, type Request } from './request.ts';

/** Index into TIERS. */
export function tierOf({ tiers }: Request, provider: number): number {
  return tiers === null ? NORMAL : (tiers[provider] ?? NORMAL);
}

/**
 * The groups that one request may choose from, each at its next sale: a heap in arrays of numbers, by what the sale
 * scores and then by what it costs. Made for every question, so it holds nothing that has to be collected one by one.
 */
export class Fronts {
  readonly #request: Request;
  readonly #pass: Pass;
  readonly #orders: Orders;
  /** Whether a score is what one hour scores, as many times as hours are paid. */
  readonly #factored: boolean;
  /** Numbers of groups; the first is the best. */
  readonly #heap: Int32Array;
  #size = 0;
  // by place in the heap's first filling: `#heap` holds these
  readonly #sales: Int32Array[] = [];
  readonly #at: Int32Array;
  readonly #hours: Float64Array;
  readonly #bounds: Float64Array;
  readonly #costs: Float64Array;

  constructor(request: Request, pass: Pass) {
    const most = 2 * request.fitting.shapes.length;
    this.#request = request;
    this.#pass = pass;
    this.#orders = ordersOf(pass, request.spec.placement.objective);
    this.#factored = request.spec.placement.objective !== 'available';
    this.#heap = new Int32Array(most);
    this.#at = new Int32Array(most);
    this.#hours = new Float64Array(most);
    this.#bounds = new Float64Array(most);
    this.#costs = new Float64Array(most);
    for (const shape of request.fitting.shapes) {
      if ((request.wants & ON_DEMAND) !== 0) this.#open(shape, 0);
      if ((request.wants & SPOT) !== 0) this.#open(shape, 1);
    }
    this.#size = this.#sales.length;
    for (let place = this.#size - 1; place >= 0; place -= 1) this.#heap[place] = place;
    for (let place = (this.#size >> 1) - 1; place >= 0; place -= 1) this.#sink(place);
  }

  /** The next sale in the order of scores; null: that was all. */
  get sale(): number | null {
    if (this.#size === 0) return null;
    const front = this.#heap[0] ?? 0;
    return this.#sales[front]?.[this.#at[front] ?? 0] ?? null;
  }

  /** What it scores at best, and every sale after it. */
  get bound(): number {
    return this.#bounds[this.#heap[0] ?? 0] ?? 0;
  }

  /** Micros, of the whole job. */
  get cost(): number {
    return this.#costs[this.#heap[0] ?? 0] ?? 0;
  }

  /** On to the next; what is not of this tier, or not allowed where it is, is passed over. */
  advance(tier: number): void {
    const front = this.#heap[0] ?? 0;
    const sales = this.#sales[front] ?? NONE;
    let at = (this.#at[front] ?? 0) + 1;
    while (at < sales.length && !this.#mayBe(sales[at] ?? 0, tier)) at += 1;
    if (!this.#stand(front, sales, at)) {
      this.#size -= 1;
      this.#heap[0] = this.#heap[this.#size] ?? 0;
    }
    this.#sink(0);
  }

  #open(shape: number, kind: 0 | 1): void {
    const sales = this.#orders.groups[2 * shape + kind] ?? NONE;
    const front = this.#sales.length;
    this.#hours[front] = paidHours(this.#request, shape, kind);
    const cheapest = this.#pass.market.groups[2 * shape + kind]?.[0];
    if (cheapest === undefined || this.#isTooDear(cheapest, front)) return;
    if (this.#stand(front, sales, 0)) this.#sales.push(sales);
  }

  #stand(front: number, sales: Int32Array, at: number): boolean {
    const sale = sales[at];
    if (sale === undefined) return false;
    const base = this.#orders.base[sale] ?? Infinity;
    // What nobody can have stands last; and where the cheapest come first, all others are dearer still.
    if (base === Infinity) return false;
    if (this.#orders.objective === 'cheapest' && this.#isTooDear(sale, front)) return false;
    const hours = this.#hours[front] ?? 0;
    this.#at[front] = at;
    this.#bounds[front] = this.#factored ? base * hours : base;
    this.#costs[front] = (this.#pass.market.columns.price[sale] ?? 0) * hours;
    return true;
  }

  /** Too dear for sure: close calls are for brokenBySale. What a quote holds the price of is not asked here. */
  #isTooDear(sale: number, front: number): boolean {
    const price = this.#pass.market.columns.price[sale] ?? 0;
    const { ceilingMicros, jobCeilingMicros } = this.#request;
    return price > ceilingMicros || price * (this.#hours[front] ?? 0) > jobCeilingMicros;
  }

  #mayBe(sale: number, tier: number): boolean {
    const { provider, region } = this.#pass.market.columns;
    const at = provider[sale >> 1] ?? 0;
    if (this.#orders.base[sale] === Infinity) return true;
    return (
      tierOf(this.#request, at) === tier && this.#request.places.brokenAt(at, region[sale >> 1] ?? 0) === 0
    );
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moving = heap[from] ?? 0;
    let hole = from;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#isBefore(heap[child + 1] ?? 0, heap[child] ?? 0)) child += 1;
      if (!this.#isBefore(heap[child] ?? 0, moving)) break;
      heap[hole] = heap[child] ?? 0;
      hole = child;
    }
    heap[hole] = moving;
  }

  #isBefore(a: number, b: number): boolean {
    const bounds = this.#bounds;
    const [first = 0, second = 0] = [bounds[a], bounds[b]];
    return first < second || (first === second && (this.#costs[a] ?? 0) < (this.#costs[b] ?? 0));
  }
}

const NONE = new Int32Array(0);
