import type { Pool } from '../offer.ts';
import { byName } from './columns.ts';
import { Fittings } from './fitting.ts';
import type { Market } from './market.ts';
import { accepting, steadiness } from './objective.ts';
import type { Orders } from './orders.ts';
import { Rulings } from './places.ts';
import { bit } from './rules.ts';
import { shutLots, type Shut } from './shut.ts';
import type { Shape } from './mix.ts';
import type { Draw, PlacementProvider, World } from './types.ts';
import type { Objective } from '../job.ts';

/** What changes from pass to pass: who is well, and what is taken. */
export interface State extends Pick<World, 'now' | 'providers' | 'rules' | 'policies' | 'verifiedPairs'> {
  /** Of the offers that are in use; the others are free. */
  readonly usedOffers: readonly { readonly provider: string; readonly name: string; readonly used: number }[];
  /** Of the pools that are in use, likewise. */
  readonly usedPools: readonly Pick<
    Pool,
    'provider' | 'name' | 'usedGpus' | 'usedCpuMillis' | 'usedMemoryMiB'
  >[];
  /** What holds of pools, by shape: what the next jobs are expected to be like. Absent: nobody knows. */
  readonly demand?: readonly Shape[];
}

/** One pass over a market. Only what is free changes, and it changes by `take` and `giveBack` alone. */
export interface Pass {
  readonly market: Market;
  readonly state: State;
  readonly now: Date;
  // by provider
  readonly providers: readonly (PlacementProvider | null)[];
  readonly always: Int32Array;
  readonly steady: Float64Array;
  readonly accepting: Float64Array;
  /** By position: places that nobody has; 0 of what is shut. */
  readonly free: Int32Array;
  /** By position, what is shut though its provider is well: few, so a map. */
  readonly shut: ReadonlyMap<number, Shut>;
  /** By pool, GPUs, CPU millis and MiB: what nobody has. Infinity where there is no limit. */
  readonly poolFree: Float64Array;
  /** The pools as they were when the pass began. */
  readonly opened: Pick<Pass, 'poolFree'>;
  /** By pool and by position: kept together for a job that has waited long, so that nobody else is given any. */
  readonly poolHeld: Uint8Array;
  readonly lotHeld: Uint8Array;
  /** Counts what was given back: as long as nothing is, whoever found nothing will find nothing. */
  given: number;
  /** Positions that were taken from or given back to, in turn: what `orders` have to catch up with. */
  readonly touched: number[];
  readonly orders: Map<Objective, Orders>;
  readonly asked: Asked;
}

/** What requests of one pass have in common, worked out once. */
export interface Asked {
  readonly rulings: Rulings;
  readonly fittings: Fittings;
}

export function nothingAsked(): Asked {
  return { rulings: new Rulings(), fittings: new Fittings() };
}

export const DIMENSIONS = 3;

export function openPass(market: Market, state: State): Pass {
  const known = new Map(state.providers.map((provider) => [provider.name, provider]));
  const providers = market.providers.map((name) => known.get(name) ?? null);
  const pass: Pass = {
    market,
    state,
    now: state.now,
    providers,
    always: Int32Array.from(providers, alwaysBroken),
    steady: Float64Array.from(providers, (one) => (one ? steadiness(one, state.now) : 0)),
    accepting: Float64Array.from(providers, (one) => (one ? accepting(one) : 0)),
    free: Int32Array.from(market.columns.capacity),
    shut: shutLots(market, providers, state.now),
    poolFree: new Float64Array(DIMENSIONS * market.pools.length),
    opened: { poolFree: new Float64Array(0) },
    poolHeld: new Uint8Array(market.pools.length),
    lotHeld: new Uint8Array(market.lots.length),
    given: 0,
    touched: [],
    orders: new Map(),
    asked: nothingAsked(),
  };
  market.pools.forEach((pool, at) => {
    const totals = [pool.gpus, pool.cpuMillis, pool.memoryMiB];
    totals.forEach((total, dimension) => {
      pass.poolFree[DIMENSIONS * at + dimension] = total ?? Infinity;
    });
  });
  for (const { provider, name, used } of state.usedOffers) {
    const position = positionOf(market, provider, name);
    if (position >= 0) pass.free[position] = Math.max(0, (pass.free[position] ?? 0) - used);
  }
  for (const used of state.usedPools) occupy(pass, used);
  // Whoever asks for room (the fronts, the orders, an exchange, a quote) finds none there.
  for (const position of pass.shut.keys()) pass.free[position] = 0;
  return { ...pass, opened: { poolFree: pass.poolFree.slice() } };
}

/** The pass as it is now, for whoever looks later. */
export function viewOf(pass: Pass): Pass {
  return {
    ...pass,
    free: pass.free.slice(),
    poolFree: pass.poolFree.slice(),
    poolHeld: pass.poolHeld.slice(),
    lotHeld: pass.lotHeld.slice(),
    touched: [],
    orders: new Map(),
  };
}

/** A provider that is not in the state any more was never heard. */
function alwaysBroken(provider: PlacementProvider | null): number {
  if (provider === null) return bit('health');
  return (
    (provider.mode === 'draining' ? bit('draining') : 0) | (provider.health === 'healthy' ? 0 : bit('health'))
  );
}

function occupy(pass: Pass, used: State['usedPools'][number]): void {
  const at = pass.market.poolAt.get(`${used.provider}\n${used.name}`);
  if (at === undefined) return;
  const amounts = [used.usedGpus, used.usedCpuMillis, used.usedMemoryMiB];
  amounts.forEach((amount, dimension) => {
    const index = DIMENSIONS * at + dimension;
    pass.poolFree[index] = (pass.poolFree[index] ?? 0) - amount;
  });
}

/** Where an offer stands; -1: nowhere. */
export function positionOf({ lots }: Market, provider: string, name: string): number {
  let from = 0;
  let to = lots.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const offer = lots[middle]?.offer;
    const order = offer ? byName(offer.provider, provider) || byName(offer.name, name) : 1;
    if (order === 0) return middle;
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return -1;
}

/** What one job needs, wherever it goes. */
export interface Needs {
  readonly nodes: number;
  /** Of each node; 0: the offer's own. */
  readonly cpus: number;
  readonly memoryGiB: number;
}

/** What the job would take of the lot's pool, all nodes together; null: it draws on none. Whole millis and MiB. */
export function drawOf({ market }: Pick<Pass, 'market'>, position: number, needs: Needs): Draw | null {
  const pool = market.pools[market.columns.pool[position] ?? -1];
  const offer = market.lots[position]?.offer;
  if (pool === undefined || offer === undefined) return null;
  return {
    pool: pool.name,
    gpus: offer.gpuCount * needs.nodes,
    cpuMillis: Math.ceil((needs.cpus || offer.cpus) * 1_000) * needs.nodes,
    memoryMiB: Math.ceil((needs.memoryGiB || offer.memoryGiB) * 1_024) * needs.nodes,
  };
}

/** Is there room for all nodes at once? */
export function hasRoom(pass: Pass, position: number, needs: Needs): boolean {
  if ((pass.free[position] ?? 0) < needs.nodes || pass.lotHeld[position] === 1) return false;
  const pool = pass.market.columns.pool[position] ?? -1;
  if (pool < 0) return true;
  if (pass.poolHeld[pool] === 1) return false;
  const offer = pass.market.lots[position]?.offer;
  if (offer === undefined) return false;
  const { poolFree } = pass;
  const at = DIMENSIONS * pool;
  return (
    (poolFree[at] ?? 0) >= offer.gpuCount * needs.nodes &&
    (poolFree[at + 1] ?? 0) >= Math.ceil((needs.cpus || offer.cpus) * 1_000) * needs.nodes &&
    (poolFree[at + 2] ?? 0) >= Math.ceil((needs.memoryGiB || offer.memoryGiB) * 1_024) * needs.nodes
  );
}

/** Places that could be had by jobs of one node, CPUs and memory aside: what `room` is made of. */
export function placesAt({ market, free, poolFree }: Pass, position: number): number {
  const places = free[position] ?? 0;
  const pool = market.columns.pool[position] ?? -1;
  const gpus = market.columns.gpuCount[position] ?? 0;
  if (pool < 0 || gpus === 0) return places;
  return Math.max(0, Math.min(places, Math.floor((poolFree[DIMENSIONS * pool] ?? 0) / gpus)));
}

export function take(pass: Pass, position: number, needs: Needs): void {
  move(pass, position, needs, 1);
}

export function giveBack(pass: Pass, position: number, needs: Needs): void {
  move(pass, position, needs, -1);
  pass.given += 1;
}

function move(pass: Pass, position: number, needs: Needs, sign: 1 | -1): void {
  pass.touched.push(position);
  pass.free[position] = (pass.free[position] ?? 0) - sign * needs.nodes;
  const draw = drawOf(pass, position, needs);
  if (draw === null) return;
  const at = DIMENSIONS * (pass.market.columns.pool[position] ?? 0);
  const { poolFree } = pass;
  poolFree[at] = (poolFree[at] ?? 0) - sign * draw.gpus;
  poolFree[at + 1] = (poolFree[at + 1] ?? 0) - sign * draw.cpuMillis;
  poolFree[at + 2] = (poolFree[at + 2] ?? 0) - sign * draw.memoryMiB;
}
