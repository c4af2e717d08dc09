import { fitOf, type Mix } from './fit.ts';
import { mixesOf, type PoolState } from './mix.ts';
import { DIMENSIONS, drawOf, type Needs, type Pass } from './pass.ts';

/**
 * Of several equally good pools the one is taken from which the next jobs lose least (fit.ts). What the next jobs are
 * like is judged by what holds of pools now (State.demand); the weights are made once a pass, of the pools as it found
 * them. Where nothing holds of any pool, nobody knows, and the pool that keeps the fewest GPUs is taken: best-fit packs
 * better than a guess at the demand (bench/packing.ts, "told nothing").
 */
interface Known {
  readonly mixes: ReadonlyMap<string | null, Mix>;
  /** By pool: the GPU model of what it sells; null: none. */
  readonly models: readonly (string | null)[];
  /** By the pool's model and state and the draw: hosts of one kind are mostly in few states. */
  readonly fits: Map<string, number>;
}

const known = new WeakMap<Pass['opened'], Known>();

/** Lower is better; 0 for a lot that draws on no pool, as nobody else loses anything but its own places. */
export function fitAt(pass: Pass, position: number, needs: Needs): number {
  const pool = pass.market.columns.pool[position] ?? -1;
  const draw = pool < 0 ? null : drawOf(pass, position, needs);
  if (draw === null) return 0;
  if ((pass.state.demand ?? []).length === 0) return (pass.poolFree[DIMENSIONS * pool] ?? 0) - draw.gpus;
  const { mixes, models, fits } = knownOf(pass);
  const at = DIMENSIONS * pool;
  const [gpus = 0, cpuMillis = 0, memoryMiB = 0] = pass.poolFree.subarray(at, at + DIMENSIONS);
  const model = models[pool] ?? null;
  const state = `${model} ${gpus} ${cpuMillis} ${memoryMiB} ${draw.gpus} ${draw.cpuMillis} ${draw.memoryMiB}`;
  const before = fits.get(state);
  if (before !== undefined) return before;
  const mix = mixes.get(model) ?? EMPTY;
  const fit = fitOf(gpus, cpuMillis, memoryMiB, draw.gpus, draw.cpuMillis, draw.memoryMiB, mix);
  fits.set(state, fit);
  return fit;
}

const EMPTY: Mix = {
  gpus: new Float64Array(),
  cpuMillis: new Float64Array(),
  memoryMiB: new Float64Array(),
  weight: new Float64Array(),
};

function knownOf(pass: Pass): Known {
  let made = known.get(pass.opened);
  if (made !== undefined) return made;
  const models = modelsOf(pass);
  const { poolFree } = pass.opened;
  const states = models.map((model, pool): PoolState => {
    const at = DIMENSIONS * pool;
    const [gpus = 0, cpuMillis = 0, memoryMiB = 0] = poolFree.subarray(at, at + DIMENSIONS);
    return { model, gpus, cpuMillis, memoryMiB, pools: 1 };
  });
  made = { mixes: mixesOf(pass.state.demand ?? [], states), models, fits: new Map() };
  known.set(pass.opened, made);
  return made;
}

/** The first by name of what each pool sells with GPUs. */
function modelsOf({ market }: Pass): (string | null)[] {
  const models: (string | null)[] = market.pools.map(() => null);
  market.lots.forEach(({ model }, position) => {
    const pool = market.columns.pool[position] ?? -1;
    if (pool >= 0 && model !== null) models[pool] ??= model;
  });
  return models;
}
