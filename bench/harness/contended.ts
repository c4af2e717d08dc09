import type { PlacementSnapshot } from '../../src/core/placement/types.ts';
import { drawJobs } from './contended-jobs.ts';
import type { Pool } from '../../src/core/offer.ts';
import { drawBundles, drawModels, lastResorts, type Bundle, type Shape } from './contended-offers.ts';
import { NOW, providerNamed } from './contended-world.ts';
import { dice } from './dice.ts';
import type { PublicData } from './public-data.ts';

/** A queue that wants more than the cheap offers hold. */
export interface Contended {
  readonly draw: Draw;
  readonly snapshot: PlacementSnapshot;
}

/**
 * GPUs that can be had at once, of each that is asked for. `plenty`: besides, a dear offer of every model that never
 * runs out, so everything can be placed and only the cost is at stake. `scarce`: nothing besides, so that a job or two
 * often stays unplaced even in the optimum.
 */
export const SUPPLIES = { plenty: [0.6, 1.4], scarce: [1.3, 2.2] } as const;
export type Supply = keyof typeof SUPPLIES;

/** What an instance is drawn from: always the same for the same. */
export interface Draw {
  readonly seed: number;
  readonly shape: Shape;
  readonly supply: Supply;
  readonly jobs: number;
}

export function contended(data: PublicData, draw: Draw): Contended {
  const chance = dice(draw.seed);
  const models = drawModels(data, chance);
  const jobs = drawJobs(data, chance, models, draw.jobs);
  const demand = jobs.reduce(
    (sum, { spec: { resources } }) => sum + resources.gpu.count * resources.nodes,
    0,
  );
  const [low, high] = SUPPLIES[draw.supply];
  const bundles = [
    ...drawBundles(data, chance, models, draw.shape, demand * chance.between(low, high)),
    ...(draw.supply === 'plenty' ? lastResorts(data, models, draw.jobs) : []),
  ];
  const offers = bundles.flatMap(({ offers: some, pool }, index) =>
    some.map((offer) => (pool === null ? offer : { ...offer, pool: poolName(index) })),
  );
  const providers = [...new Set(offers.map(({ provider }) => provider))].map(providerNamed);
  const snapshot = { ...EMPTY, now: NOW, currency: 'USD', providers, offers, pools: poolsOf(bundles), jobs };
  return { draw, snapshot };
}

const EMPTY = {
  rates: new Map<string, bigint>(),
  rules: { organizations: new Map(), projects: new Map() },
  policies: { dataGrades: [], capacityClasses: [], gpuSpeeds: [] },
  shares: new Map<string, number>(),
};
const UNUSED = { usedGpus: 0, usedCpuMillis: 0, usedMemoryMiB: 0 };
const poolName = (index: number) => `pool-${index}`;

/** The offers of a bundle are of one provider. */
function poolsOf(bundles: readonly Bundle[]): Pool[] {
  return bundles.flatMap(({ offers: [first], pool }, index) =>
    pool === null || first === undefined
      ? []
      : [{ provider: first.provider, name: poolName(index), ...pool, ...UNUSED }],
  );
}
