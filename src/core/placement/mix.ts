import { roomFor, type Mix } from './fit.ts';

/** What was asked for lately or waits in the queue, and how often. */
export interface Shape {
  readonly gpus: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  /** GPU models that it accepts; empty: any. */
  readonly models: readonly string[];
  /** Jobs, of any period: only the shares count. */
  readonly popularity: number;
}

/** Pools in the same state. Infinity: unlimited. */
export interface PoolState {
  /** Null: no GPUs. */
  readonly model: string | null;
  readonly gpus: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  /** How many pools are in it. */
  readonly pools: number;
}

/** Weights are shares of all the room that there is, in these: a billion pools still count as more than nothing. */
const PARTS = 1e12;

/** Each standard offer counts as this share of all jobs, in addition: nobody asking lately is not nobody asking. */
const STANDARD_SHARE = 0.002;
const STANDARD_GPUS = [1, 2, 4, 8];

/**
 * What fitOf needs to know of demand and supply, by GPU model (null: pools without GPUs). One for a pass is enough:
 * refreshing it after every 25th, 500th or no placement at all moved the benchmark by less than its noise.
 *
 * weight of a shape = its share of the jobs / room for it in all pools that it accepts. So a draw's fit is the share of
 * the room that the next job is expected to lose, and a pool that is one of few for somebody costs more than one of
 * many. Tried and rejected: weight by popularity alone (rare models and whole hosts go first), by the square of the
 * scarcity, a price for each model beside FGD (as good, and a parameter to choose).
 */
export function mixesOf(
  shapes: readonly Shape[],
  states: readonly PoolState[],
): ReadonlyMap<string | null, Mix> {
  const asked = withStandard(shapes);
  const all = asked.reduce((sum, shape) => sum + shape.popularity, 0);
  const rooms = asked.map((shape) => roomIn(states, shape));
  const models = new Set(states.map((state) => state.model));
  return new Map([...models].map((model) => [model, mixOf(asked, rooms, all, model)]));
}

function mixOf(shapes: readonly Shape[], rooms: readonly number[], all: number, model: string | null): Mix {
  const worth = (shape: Shape, index: number) => {
    const room = rooms[index] ?? 0;
    // No room: nothing to lose. Unlimited: nothing that could be lost counts.
    if (!accepts(shape, model) || room === 0 || room === Infinity) return 0;
    return (PARTS * shape.popularity) / (all * room);
  };
  const weights = shapes.map(worth);
  const counted = shapes.map((_, index) => index).filter((index) => (weights[index] ?? 0) > 0);
  const column = (of: (shape: Shape) => number) =>
    Float64Array.from(counted, (index) => of(shapes[index] as Shape));
  return {
    gpus: column((shape) => shape.gpus),
    cpuMillis: column((shape) => shape.cpuMillis),
    memoryMiB: column((shape) => shape.memoryMiB),
    weight: Float64Array.from(counted, (index) => weights[index] ?? 0),
  };
}

function withStandard(shapes: readonly Shape[]): Shape[] {
  const asked = shapes.filter((shape) => shape.gpus > 0 && shape.popularity > 0);
  const jobs = asked.reduce((sum, shape) => sum + shape.popularity, 0);
  const popularity = jobs > 0 ? jobs * STANDARD_SHARE : 1;
  const standard = STANDARD_GPUS.map((gpus) => ({
    gpus,
    cpuMillis: 0,
    memoryMiB: 0,
    models: [],
    popularity,
  }));
  return [...asked, ...standard];
}

function roomIn(states: readonly PoolState[], shape: Shape): number {
  let room = 0;
  for (const { model, gpus, cpuMillis, memoryMiB, pools } of states) {
    if (pools === 0 || !accepts(shape, model)) continue;
    room += pools * roomFor(gpus, cpuMillis, memoryMiB, shape.gpus, shape.cpuMillis, shape.memoryMiB);
  }
  return room;
}

function accepts(shape: Shape, model: string | null): boolean {
  return shape.gpus === 0 || shape.models.length === 0 || (model !== null && shape.models.includes(model));
}
