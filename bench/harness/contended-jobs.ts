import type { QueuedJob } from '../../src/core/placement/types.ts';
import { jobNumbered } from './contended-world.ts';
import type { Dice } from './dice.ts';
import type { PublicData, PublicRun } from './public-data.ts';

/** Of a job's GPUs, at most so many on one machine. */
const GPUS_PER_NODE = 8;

/**
 * Jobs as the traces have them: size and duration of one row of Philly, Chronus or openb, what else it asks for of a
 * row of openb with as many GPUs. Nine of ten jobs there have one GPU; of every second job drawn here the size is one
 * of the larger ones, so that sizes compete.
 */
export function drawJobs(
  data: PublicData,
  chance: Dice,
  models: readonly string[],
  count: number,
): QueuedJob[] {
  const traces = [data.philly, data.chronus, data.openb].map((all) => ({
    all,
    larger: all.filter(({ gpus }) => gpus > 1),
  }));
  const providers = [...new Set(data.offers.map(({ provider }) => provider))];
  return Array.from({ length: count }, (_, index) => {
    const trace = chance.pick(traces);
    const run = chance.pick(chance.chance(0.5) ? trace.larger : trace.all);
    return jobNumbered(index, {
      resources: resourcesOf(data, chance, models, run),
      spot: chance.pick(['never', 'never', 'allowed', 'allowed', 'only']),
      denied: chance.chance(0.2) ? [chance.pick(providers)] : [],
      seconds: Math.max(60, run.seconds),
    });
  });
}

function resourcesOf(data: PublicData, chance: Dice, models: readonly string[], { gpus }: PublicRun) {
  const nodes = Math.max(1, Math.ceil(gpus / GPUS_PER_NODE));
  const count = Math.ceil(gpus / nodes);
  const alike = data.openb.filter((task) => task.gpus === count);
  const { cpus, memoryGiB, models: named } = chance.pick(alike.length > 0 ? alike : data.openb);
  const known = named.filter((model) => models.includes(model));
  const listed = known.length > 0 ? known : someOf(chance, models);
  return { gpu: { count, models: listed, minMemoryGiB: 0 }, cpus, memoryGiB, nodes };
}

/** Half take any; the others one to three that are sold here. */
function someOf(chance: Dice, models: readonly string[]): string[] {
  if (chance.chance(0.5)) return [];
  return [...new Set(Array.from({ length: 1 + chance.roll(3) }, () => chance.pick(models)))];
}
