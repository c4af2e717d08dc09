import type { PlacementSnapshot } from '../../src/core/placement/types.ts';
import { drawJobs } from './contended-jobs.ts';
import { drawBundles, drawModels, lastResorts, type Bundle, type Pool, type Shape } from './contended-offers.ts';
import { NOW, providerNamed } from './contended-world.ts';
import { dice } from './dice.ts';
import type { PublicData } from './public-data.ts';

/** A queue that wants more than the cheap offers hold. */
export interface Contended {
  readonly draw: Draw;
  readonly snapshot: PlacementSnapshot;
  readonly pools: readonly Pool[];
  /** Name of an offer → index into `pools`; one that is not here has its places to itself. */
  readonly poolOf: ReadonlyMap<string, number>;
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
  const demand = jobs.reduce((sum, { spec: { resources } }) => sum + resources.gpu.count * resources.nodes, 0);
  const [low, high] = SUPPLIES[draw.supply];
  const bundles = [
    ...drawBundles(data, chance, models, draw.shape, demand * chance.between(low, high)),
    ...(draw.supply === 'plenty' ? lastResorts(data, models, draw.jobs) : []),
  ];
  const offers = bundles.flatMap((bundle) => bundle.offers);
  const providers = [...new Set(offers.map(({ provider }) => provider))].map(providerNamed);
  const snapshot = { now: NOW, currency: 'USD', rates: new Map(), providers, offers, jobs };
  return { draw, snapshot, ...shared(bundles) };
}

function shared(bundles: readonly Bundle[]): Pick<Contended, 'pools' | 'poolOf'> {
  const pools: Pool[] = [];
  const poolOf = new Map<string, number>();
  for (const { offers, pool } of bundles) {
    if (!pool) continue;
    for (const { name } of offers) poolOf.set(name, pools.length);
    pools.push(pool);
  }
  return { pools, poolOf };
}
