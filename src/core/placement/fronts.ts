import { ON_DEMAND, SPOT } from './market.ts';
import { paidHoursOf } from './objective.ts';
import { ordersOf, type FrontColumns, type Orders } from './orders.ts';
import type { Pass } from './pass.ts';
import { NORMAL, type Request } from './request.ts';

/** Index into TIERS. */
export function tierOf({ tiers }: Request, provider: number): number {
  return tiers === null ? NORMAL : (tiers[provider] ?? NORMAL);
}

/**
 * The groups that one request may choose from, each at its next sale: a heap by what the sale scores, and then by what
 * it costs. Every question has one, so its columns are lent by the orders, to one search at a time: allocating them
 * took longer than the search.
 */
export class Fronts {
  readonly #request: Request;
  readonly #pass: Pass;
  readonly #orders: Orders;
  readonly #columns: FrontColumns;
  /** Hours that are paid for on the reference GPU, on demand and spot. */
  readonly #hours: readonly [number, number];
  #size = 0;

  constructor(request: Request, pass: Pass) {
    this.#request = request;
    this.#pass = pass;
    this.#orders = ordersOf(pass, request.spec.placement.objective);
    this.#columns = this.#orders.fronts;
    const { assumptions, needs } = request;
    this.#hours = [
      needs.nodes * paidHoursOf(assumptions, 1, false),
      needs.nodes * paidHoursOf(assumptions, 1, true),
    ];
    this.#openAll();
    for (let place = (this.#size >> 1) - 1; place >= 0; place -= 1) this.#sink(place);
  }

  /** The next sale in the order of scores; null: that was all. */
  get sale(): number | null {
    if (this.#size === 0) return null;
    const group = this.#columns.heap[0] ?? 0;
    return this.#orders.groups[group]?.[this.#columns.at[group] ?? 0] ?? null;
  }

  /** What it scores at best, and every sale after it. */
  get bound(): number {
    return this.#columns.bound[this.#columns.heap[0] ?? 0] ?? 0;
  }

  /** Micros, of the whole job. */
  get cost(): number {
    return this.#columns.cost[this.#columns.heap[0] ?? 0] ?? 0;
  }

  /** On to the next; what is not of this tier, or not allowed where it is, is passed over. */
  advance(tier: number): void {
    const { heap, at } = this.#columns;
    const group = heap[0] ?? 0;
    const next = this.#next(group, (at[group] ?? 0) + 1, tier);
    at[group] = next;
    const sale = this.#orders.groups[group]?.[next];
    const stays = sale !== undefined && this.#stand(group, this.#orders.base[sale], this.#priceOf(sale));
    if (!stays) {
      this.#size -= 1;
      heap[0] = heap[this.#size] ?? 0;
    }
    this.#sink(0);
  }

  #openAll(): void {
    const { fitting, wants } = this.#request;
    const first = (wants & ON_DEMAND) === 0 ? 1 : 0;
    const last = (wants & SPOT) === 0 ? 0 : 1;
    const { heads, headPrices } = this.#orders;
    const { heap, at } = this.#columns;
    for (const shape of fitting.shapes) {
      for (let group = 2 * shape + first; group <= 2 * shape + last; group += 1) {
        if (this.#isTooDear(group, this.#pass.market.cheapest[group] ?? Infinity)) continue;
        if (!this.#stand(group, heads[group], headPrices[group] ?? 0)) continue;
        at[group] = 0;
        heap[this.#size] = group;
        this.#size += 1;
      }
    }
  }

  /** False: from there on, nobody can have it, or this request cannot pay it. */
  #stand(group: number, base: number | undefined, price: number): boolean {
    if (base === undefined || base === Infinity) return false;
    const { objective } = this.#orders;
    if (objective === 'cheapest' && this.#isTooDear(group, price)) return false;
    const hours = this.#hoursIn(group);
    this.#columns.bound[group] = objective === 'available' ? base : base * hours;
    this.#columns.cost[group] = price * hours;
    return true;
  }

  /** Too dear for sure: close calls are for brokenBySale. What a quote holds the price of is not asked here. */
  #isTooDear(group: number, price: number): boolean {
    const { ceilingMicros, jobCeilingMicros } = this.#request;
    return price > ceilingMicros || price * this.#hoursIn(group) > jobCeilingMicros * (1 + ROUNDING);
  }

  #hoursIn(group: number): number {
    return this.#hours[group & 1 ? 1 : 0] * (this.#request.fitting.slowness[group >> 1] ?? 1);
  }

  #priceOf(sale: number): number {
    return this.#pass.market.columns.price[sale] ?? 0;
  }

  #next(group: number, from: number, tier: number): number {
    const sales = this.#orders.groups[group];
    if (sales === undefined) return from;
    const { provider, region } = this.#pass.market.columns;
    const { places } = this.#request;
    for (let at = from; at < sales.length; at += 1) {
      const position = (sales[at] ?? 0) >> 1;
      const there = provider[position] ?? 0;
      if (places.brokenAt(there, region[position] ?? 0) === 0 && tierOf(this.#request, there) === tier)
        return at;
    }
    return sales.length;
  }

  #sink(from: number): void {
    const { heap } = this.#columns;
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
    const { bound, cost } = this.#columns;
    const first = bound[a] ?? 0;
    const second = bound[b] ?? 0;
    return first < second || (first === second && (cost[a] ?? 0) < (cost[b] ?? 0));
  }
}

/** Bounds and scores are the same products in another order. */
export const ROUNDING = 1e-9;
