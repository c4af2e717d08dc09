import { EXAMPLES } from './cells.ts';
import { ON_DEMAND, SPOT, type Sale } from './market.ts';
import { paidHoursOf } from './objective.ts';
import { DIMENSIONS, drawOf, hasRoom, type Pass } from './pass.ts';
import type { Request } from './request.ts';
import { sickness } from './shut.ts';
import { bit, firstBroken, RULES, type Broken, type RuleName } from './rules.ts';

const BITS = {
  places: bit('places'),
  pool: bit('pool'),
  spot: bit('spot'),
  later: bit('not-yet-effective'),
  price: bit('price'),
  jobPrice: bit('job-price'),
  quote: bit('quote'),
  noRate: bit('no-rate'),
  health: bit('health'),
} as const;

/** What an offer breaks by its shape and its place: the same for every offer of a cell. */
export function brokenByCell(request: Request, shape: number, provider: number, region: number): Broken {
  return (request.fitting.byShape[shape] ?? 0) | request.places.brokenAt(provider, region);
}

/** Everything about this lot that the request cannot live with, except capacity. */
export function brokenBy(request: Request, pass: Pass, position: number): Broken {
  const { columns } = pass.market;
  const provider = columns.provider[position] ?? 0;
  return (
    brokenByCell(request, columns.shape[position] ?? 0, provider, columns.region[position] ?? 0) |
    brokenByLot(request, pass, position) |
    (pass.always[provider] ?? 0)
  );
}

/** What is asked of each offer by itself. */
export function brokenByLot(request: Request, pass: Pass, position: number): Broken {
  const { columns } = pass.market;
  let broken = request.always;
  // One place of an offer that has none just now is a question of room; several of one that never has them is not.
  const { nodes } = request.needs;
  if (nodes > 1 && (columns.capacity[position] ?? 0) < nodes) broken |= BITS.places;
  if ((columns.pool[position] ?? -1) >= 0 && outgrows(request, pass, position)) broken |= BITS.pool;
  if ((columns.effectiveFromMs[position] ?? 0) > pass.now.getTime()) broken |= BITS.later;
  if (pass.shut.size > 0 && sickness(pass.shut.get(position)) !== null) broken |= BITS.health;
  return broken | brokenByPrice(request, pass, position);
}

function outgrows(request: Request, pass: Pass, position: number): boolean {
  const draw = drawOf(pass, position, request.needs);
  const pool = pass.market.pools[pass.market.columns.pool[position] ?? -1];
  return (
    draw !== null &&
    pool !== undefined &&
    (draw.gpus > pool.gpus ||
      draw.cpuMillis > (pool.cpuMillis ?? Infinity) ||
      draw.memoryMiB > (pool.memoryMiB ?? Infinity))
  );
}

/** The best of the ways to buy it counts: what stops one of them stops nothing while the other is open. */
function brokenByPrice(request: Request, pass: Pass, position: number): Broken {
  const sold = (pass.market.columns.sold[position] ?? 0) & request.wants;
  if (sold === 0) return BITS.spot;
  const { exactRank } = pass.market.columns;
  if ((exactRank[sold & ON_DEMAND ? 2 * position : 2 * position + 1] ?? -1) < 0) return BITS.noRate;
  const onDemand = sold & ON_DEMAND ? brokenBySale(request, pass, 2 * position) : -1;
  const spot = sold & SPOT ? brokenBySale(request, pass, 2 * position + 1) : -1;
  if (onDemand === 0 || spot === 0) return 0;
  return onDemand === -1 ? spot : onDemand;
}

/** What is wrong with this price; 0: nothing. The sale exists and is of a sort that the job takes. */
export function brokenBySale(request: Request, pass: Pass, sale: number): Broken {
  const { columns, exactPrices } = pass.market;
  const held = request.held.size === 0 ? undefined : request.held.get(sale);
  const affordable = held
    ? request.ceilingRank >= exactPrices.length || held.exact <= ceilingExact(request)
    : (columns.exactRank[sale] ?? 0) <= request.ceilingRank;
  let broken = affordable ? 0 : BITS.price;
  const { jobCeilingMicros } = request;
  if (jobCeilingMicros < Infinity && costOf(request, pass, sale) > jobCeilingMicros) broken |= BITS.jobPrice;
  if (held === undefined && (columns.rank[sale] ?? 0) > request.quoteRank) broken |= BITS.quote;
  return broken;
}

function ceilingExact({ ceiling }: Request): bigint {
  return ceiling === null ? 0n : ceiling.micros * ceiling.rateMicros;
}

/** Micros per hour of one whole offer, as this request would pay it. */
export function priceOf(request: Request, pass: Pass, sale: number): number {
  if (request.held.size > 0) {
    const held = request.held.size === 0 ? undefined : request.held.get(sale);
    if (held !== undefined) return Number(held.micros);
  }
  return pass.market.columns.price[sale] ?? 0;
}

/** Micros, of the whole job. */
export function costOf(request: Request, pass: Pass, sale: number): number {
  return (
    priceOf(request, pass, sale) * paidHours(request, pass.market.columns.shape[sale >> 1] ?? 0, sale & 1)
  );
}

/** Hours that are paid for, all nodes together; `kind`: on demand (0) or spot (1). */
function paidHours({ assumptions, fitting, needs }: Request, shape: number, kind: number): number {
  return needs.nodes * paidHoursOf(assumptions, fitting.slowness[shape] ?? 1, kind === 1);
}

/** As it would be charged. */
export function saleFor(request: Request, pass: Pass, sale: number): Sale | null {
  const lot = pass.market.lots[sale >> 1];
  return request.held.get(sale) ?? ((sale & 1) === 1 ? lot?.spot : lot?.onDemand) ?? null;
}

// ---- counting -----------------------------------------------------------------------------------------------

/** How many offers a rule removed, and the positions of the first few. */
export interface Removed {
  readonly rule: RuleName;
  readonly lots: number;
  readonly examples: readonly number[];
}

/** Every offer held against one request. */
export interface Matching {
  /** Lots that break no rule, taken ones included. */
  readonly lots: number;
  /** In the order of RULES; `capacity` last. */
  readonly removed: readonly Removed[];
}

/** By position: what each lot breaks. */
export function brokenByEach(request: Request, pass: Pass): Broken[] {
  return pass.market.lots.map((_, position) => brokenBy(request, pass, position));
}

/**
 * Counts what each rule removed, by whole shapes and cells where it can: what breaks a rule of its shape is counted
 * under that one wherever it is. What is free is as it is now.
 */
export function matchAll(request: Request, pass: Pass): Matching {
  const { cells } = pass.market;
  const { byShape } = request.fitting;
  const tally = new Tally();
  let fitting = 0;
  for (let shape = 0; shape < byShape.length; shape += 1) {
    const broken = byShape[shape] ?? 0;
    if (broken !== 0) countShape(tally, firstBroken(broken), pass, shape);
    else {
      for (let cell = cells.from[shape] ?? 0; cell < (cells.from[shape + 1] ?? 0); cell += 1)
        fitting += countCell(request, pass, cell, tally);
    }
  }
  return { lots: fitting, removed: tally.removed() };
}

function countShape(tally: Tally, rule: number, { market: { cells } }: Pass, shape: number): void {
  const from = cells.lotsFrom[cells.from[shape] ?? 0] ?? 0;
  const to = cells.lotsFrom[cells.from[shape + 1] ?? 0] ?? 0;
  tally.count(rule, to - from, cells.examples, EXAMPLES * shape);
}

/** How many break no rule. */
function countCell(request: Request, pass: Pass, cell: number, tally: Tally): number {
  const { cells } = pass.market;
  const provider = cells.provider[cell] ?? 0;
  const from = cells.lotsFrom[cell] ?? 0;
  const to = cells.lotsFrom[cell + 1] ?? 0;
  const brokenThere = request.places.brokenAt(provider, cells.region[cell] ?? 0);
  if (brokenThere !== 0) {
    tally.count(firstBroken(brokenThere), to - from, cells.lots, from);
    return 0;
  }
  let fitting = 0;
  const always = pass.always[provider] ?? 0;
  for (let at = from; at < to; at += 1) {
    const position = cells.lots[at] ?? 0;
    const broken = brokenByLot(request, pass, position) | always;
    if (broken === 0) fitting += 1;
    if (broken !== 0) tally.count(firstBroken(broken), 1, cells.lots, at);
    else if (!hasRoom(pass, position, request.needs)) tally.count(CAPACITY, 1, cells.lots, at);
  }
  return fitting;
}

const CAPACITY = RULES.indexOf('capacity');

/** By rule, in the order of RULES. Columns, as a catalog is counted for every decision. */
class Tally {
  readonly #lots = new Int32Array(RULES.length);
  /** The first few positions of each, rising. */
  readonly #examples = new Float64Array(EXAMPLES * RULES.length).fill(Infinity);

  /** So many lots, of which the first few stand in a column, rising, from there on. */
  count(rule: number, lots: number, positions: Int32Array, from: number): void {
    this.#lots[rule] = (this.#lots[rule] ?? 0) + lots;
    const last = EXAMPLES * (rule + 1) - 1;
    const most = from + Math.min(lots, EXAMPLES);
    for (let at = from; at < most; at += 1) {
      const position = positions[at] ?? 0;
      if (position >= (this.#examples[last] ?? 0)) return;
      this.#insert(rule, position);
    }
  }

  removed(): Removed[] {
    return RULES.flatMap((rule, index) => {
      const lots = this.#lots[index] ?? 0;
      const examples = this.#examples.subarray(EXAMPLES * index, EXAMPLES * (index + 1));
      return lots === 0 ? [] : [{ rule, lots, examples: [...examples].filter(Number.isFinite) }];
    });
  }

  #insert(rule: number, position: number): void {
    const examples = this.#examples;
    let at = EXAMPLES * (rule + 1) - 1;
    for (; at > EXAMPLES * rule && (examples[at - 1] ?? 0) > position; at -= 1)
      examples[at] = examples[at - 1] ?? 0;
    examples[at] = position;
  }
}

/** GPUs (or, of offers without, places) that the pool or the offer itself has left. */
export function leftAt({ market, free, poolFree }: Pass, position: number): number {
  const pool = market.columns.pool[position] ?? -1;
  if (pool >= 0) return Math.max(0, poolFree[DIMENSIONS * pool] ?? 0);
  return Math.max(0, free[position] ?? 0) * Math.max(1, market.columns.gpuCount[position] ?? 0);
}
