import { ON_DEMAND, SPOT, type Sale } from './market.ts';
import { paidHoursOf } from './objective.ts';
import { DIMENSIONS, drawOf, hasRoom, type Pass } from './pass.ts';
import type { Request } from './request.ts';
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
  if (pass.market.lots[position]?.rateMicros === null) return BITS.noRate;
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
  lots: number;
  readonly examples: number[];
}

/** Every offer held against one request. */
export interface Matching {
  /** Lots that break no rule, taken ones included. */
  readonly lots: number;
  /** In the order of RULES; `capacity` last. */
  readonly removed: readonly Removed[];
  /** Positions of those that fit, rising within a cell only. */
  readonly fitting: readonly number[];
}

export const EXAMPLES = 3;

/** Counts what each rule removed, by whole shapes and cells where it can. What is free is as it is now. */
export function matchAll(request: Request, pass: Pass): Matching {
  const { cells } = pass.market;
  const removed = RULES.map((rule): Removed => ({ rule, lots: 0, examples: [] }));
  const fitting: number[] = [];
  for (let shape = 0; shape + 1 < cells.from.length; shape += 1) {
    for (let cell = cells.from[shape] ?? 0; cell < (cells.from[shape + 1] ?? 0); cell += 1) {
      const broken = brokenByCell(request, shape, cells.provider[cell] ?? 0, cells.region[cell] ?? 0);
      if (broken === 0) countLots(request, pass, cell, removed, fitting);
      else countCell(removed[firstBroken(broken)] as Removed, pass, cell);
    }
  }
  return { lots: fitting.length, removed: removed.filter(({ lots }) => lots > 0), fitting };
}

function countCell(into: Removed, { market: { cells } }: Pass, cell: number): void {
  const from = cells.lotsFrom[cell] ?? 0;
  const to = cells.lotsFrom[cell + 1] ?? 0;
  into.lots += to - from;
  for (let at = from; at < Math.min(to, from + EXAMPLES); at += 1) exemplify(into, cells.lots[at] ?? 0);
}

function countLots(
  request: Request,
  pass: Pass,
  cell: number,
  removed: readonly Removed[],
  fitting: number[],
): void {
  const { cells } = pass.market;
  const always = pass.always[cells.provider[cell] ?? 0] ?? 0;
  for (let at = cells.lotsFrom[cell] ?? 0; at < (cells.lotsFrom[cell + 1] ?? 0); at += 1) {
    const position = cells.lots[at] ?? 0;
    const broken = brokenByLot(request, pass, position) | always;
    if (broken === 0) fitting.push(position);
    if (broken === 0 && hasRoom(pass, position, request.needs)) continue;
    const into = (broken === 0 ? removed.at(-1) : removed[firstBroken(broken)]) as Removed;
    into.lots += 1;
    exemplify(into, position);
  }
}

/** The first few by position stay. */
function exemplify({ examples }: Removed, position: number): void {
  let at = examples.length;
  while (at > 0 && (examples[at - 1] ?? 0) > position) at -= 1;
  if (at === EXAMPLES) return;
  examples.splice(at, 0, position);
  if (examples.length > EXAMPLES) examples.length = EXAMPLES;
}

/** GPUs (or, of offers without, places) that the pool or the offer itself has left. */
export function leftAt({ market, free, poolFree }: Pass, position: number): number {
  const pool = market.columns.pool[position] ?? -1;
  if (pool >= 0) return Math.max(0, poolFree[DIMENSIONS * pool] ?? 0);
  return Math.max(0, free[position] ?? 0) * Math.max(1, market.columns.gpuCount[position] ?? 0);
}
