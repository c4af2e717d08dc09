import type { PlacementOffer } from '../../src/core/placement/types.ts';
import { offerNamed } from './contended-world.ts';
import type { Dice } from './dice.ts';
import type { PublicData, PublicOffer } from './public-data.ts';

/** `whole`: machines of their own; `pooled`: offers of several sizes that draw on one host or quota. */
export const SHAPES = ['whole', 'pooled', 'both'] as const;
export type Shape = (typeof SHAPES)[number];

/** What offers of several sizes share. */
export interface Pool {
  readonly gpus: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** Offers that are sold together: several where they share a pool. */
export interface Bundle {
  readonly offers: readonly PlacementOffer[];
  readonly pool: Pool | null;
  /** GPUs that can be had of it at once. */
  readonly gpus: number;
}

/** A handful of models, those that are sold most more often: what jobs accept and what is sold has to meet. */
export function drawModels(data: PublicData, chance: Dice): string[] {
  const models = new Set<string>();
  const wanted = 3 + chance.roll(4);
  while (models.size < wanted) models.add(chance.pick(data.offers).model);
  return [...models];
}

/** Offers of these models until there are so many GPUs. */
export function drawBundles(
  data: PublicData,
  chance: Dice,
  models: readonly string[],
  shape: Shape,
  gpus: number,
): Bundle[] {
  const rows = data.offers.filter(({ model }) => models.includes(model));
  const bundles: Bundle[] = [];
  for (let supply = 0; supply < gpus; supply += bundles.at(-1)?.gpus ?? 0) {
    const name = `o${bundles.length}`;
    const pooled = shape === 'pooled' || (shape === 'both' && chance.chance(0.5));
    if (!pooled) bundles.push(machines(chance, name, chance.pick(rows)));
    else bundles.push(chance.chance(0.6) ? host(chance, name, rows) : quota(chance, name, rows));
  }
  return bundles;
}

/** The largest machine of each model, at half as much again as it costs where it is dearest: more than ever is asked for. */
export function lastResorts(data: PublicData, models: readonly string[], jobs: number): Bundle[] {
  return models.flatMap((model, index) => {
    const rows = data.offers.filter((row) => row.model === model);
    const [largest] = rows.toSorted((a, b) => b.gpus - a.gpus || b.dollarsPerHour - a.dollarsPerHour);
    if (!largest) return [];
    const { dollarsPerHour, spotDollarsPerHour } = largest;
    const dear = {
      ...largest,
      dollarsPerHour: 1.5 * dollarsPerHour,
      spotDollarsPerHour: 1.5 * (spotDollarsPerHour ?? dollarsPerHour),
    };
    const capacity = 4 * jobs;
    return [{ offers: [offerNamed(`z${index}`, dear, capacity)], pool: null, gpus: dear.gpus * capacity }];
  });
}

/** A few machines that are sold whole. */
function machines(chance: Dice, name: string, row: PublicOffer): Bundle {
  const capacity = 1 + chance.roll(3);
  return { offers: [offerNamed(name, row, capacity)], pool: null, gpus: row.gpus * capacity };
}

/**
 * A machine that is sold in parts of 1, 2, 4 and 8 GPUs. A part costs its share, the smaller the more above it, and
 * has its share of CPUs and memory or half as much again, so that either may run out first.
 */
function host(chance: Dice, name: string, rows: readonly PublicOffer[]): Bundle {
  const row = chance.pick(rows.filter(({ gpus }) => gpus >= 4));
  const generous = chance.chance(0.4) ? 1.5 : 1;
  const offers: PlacementOffer[] = [];
  for (let gpus = 1; gpus <= row.gpus; gpus *= 2) {
    const share = gpus / row.gpus;
    const premium = 1 + (1 - share) * chance.between(0, 0.25);
    const rich = gpus === row.gpus ? 1 : generous;
    const part = {
      ...row,
      gpus,
      cpus: Math.floor(row.cpus * share * rich),
      memoryGiB: Math.floor(row.memoryGiB * share * rich),
      dollarsPerHour: row.dollarsPerHour * share * premium,
      spotDollarsPerHour: row.spotDollarsPerHour && row.spotDollarsPerHour * share * premium,
    };
    offers.push(offerNamed(`${name}-${gpus}`, part, Math.floor(row.gpus / gpus)));
  }
  const pool = { gpus: row.gpus, cpuMillis: row.cpus * 1000, memoryMiB: row.memoryGiB * 1024 };
  return { offers, pool, gpus: row.gpus };
}

/** What one account may hold of a region: up to eight kinds of machines, as they are sold there. */
function quota(chance: Dice, name: string, rows: readonly PublicOffer[]): Bundle {
  const { provider, region } = chance.pick(rows);
  const there = rows.filter((row) => row.provider === provider && row.region === region);
  const kinds = Array.from({ length: Math.min(8, there.length) }, () => chance.pick(there));
  const gpus = Math.max(chance.pick([8, 16, 24, 32]), ...kinds.map((row) => row.gpus));
  const cpus = Math.max(gpus * chance.pick([6, 12, 24]), ...kinds.map((row) => row.cpus));
  const memoryGiB = Math.max(gpus * 64, ...kinds.map((row) => row.memoryGiB));
  const offers = [...new Set(kinds)].map((row, index) =>
    offerNamed(`${name}-${index}`, row, Math.floor(gpus / row.gpus)),
  );
  return { offers, pool: { gpus, cpuMillis: cpus * 1000, memoryMiB: memoryGiB * 1024 }, gpus };
}
