import type { JobSpec } from '../../src/core/job.ts';
import type { QueuedJob } from '../../src/core/placement/types.ts';
import { newlyQueued } from '../../src/core/placement/queue.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import { Chance } from './chance.ts';
import { hasPublicMarket, tracedJobs, type TracedJob } from './market-data.ts';
import { NOW } from './market.ts';

export const JOBS_FROM = hasPublicMarket
  ? 'Sizes, models and durations are drawn from the traces openb (CPUs, memory, accepted models; its undisclosed G2 and G3 stand for A10G and A100), Philly and Chronus, a third each.'
  : 'MADE-UP SIZES, as the public traces are not there (NARU_TEST_DATA).';

export const PLACED_BY =
  'Objectives: 70 % cheapest, 15 % available, 15 % balanced. Spot: 60 % never, 30 % allowed, 10 % only. 25 % name countries, 30 % a ceiling per hour (one of twelve) and 5 % one per job, 15 % provider lists, 5 % regions; half say how long they run (the trace’s duration in whole minutes). 50 projects in 10 organizations, of which 10 and 3 have rules; five priorities; submitted over the last two hours.';

/** The traces' names in ours. */
const MODELS: Readonly<Record<string, readonly string[]>> = {
  V100M16: ['V100-16GB'],
  V100M32: ['V100-32GB'],
  G2: ['A10G'],
  G3: ['A100'],
};
/** What people ask for who train; the traces of training say nothing. */
const ASKED: readonly (readonly [number, readonly string[]])[] = [
  [25, []],
  [15, ['A100']],
  [10, ['A100-80GB', 'H100']],
  [10, ['H100']],
  [10, ['V100']],
  [8, ['T4', 'L4']],
  [6, ['L4']],
  [6, ['A10G']],
  [4, ['RTX4090', 'RTX3090']],
  [3, ['H200', 'B200']],
  [3, ['NVIDIA A100-SXM4-80GB']],
];
const COUNTRIES = [['KR'], ['KR', 'JP'], ['US'], ['US', 'CA'], ['DE', 'FR', 'NL', 'SE'], ['JP']];
const CEILINGS = ['0.5', '1', '2', '3', '5', '8', '12', '20', '30', '40', '60', '100'];
const REGIONS = ['us-east-1', 'us-west-2', 'ap-northeast-2', 'asia-northeast3', 'eu-central-1'];
const PROVIDERS = ['aws-US', 'aws-KR', 'gcp-US', 'lambda-US', 'vast-US', 'aws-JP', 'gcp-TW'];

/** Whether people submit what they submitted before. */
export type Variety = 'as submitted' | 'all different';

/** Of 100 jobs, so many are of a kind that comes again; and how often it does. */
const RECURRING_PERCENT = 65;
const RECURRENCES = 20;

export const RECURRING_FROM = `Recurring: ${RECURRING_PERCENT} % of the jobs are of a kind that comes ${RECURRENCES} times (a sweep, a nightly run; in Alibaba’s PAI trace 65 % of tasks run at least five times, Weng et al., NSDI 2022), the others like no other.`;

/** So many queued jobs, oldest first; each an object of its own, as a database gives them. */
export function jobsOf(count: number, variety: Variety, seed = count): QueuedJob[] {
  const chance = new Chance(seed);
  const recurring = Math.ceil((count * RECURRING_PERCENT) / 100 / RECURRENCES);
  return Array.from({ length: count }, (_, index) => {
    const again = variety === 'as submitted' && chance.percent(RECURRING_PERCENT);
    const kind = kindOf(again ? chance.roll(recurring) : recurring + index, seed);
    const queuedAt = new Date(NOW.getTime() - Math.round((7_200_000 * (count - index)) / count));
    return newlyQueued(`job-${String(index).padStart(8, '0')}`, kind.spec, kind.organization, queuedAt);
  });
}

let traces: readonly (readonly TracedJob[])[] | null = null;

/** The same number, the same job. */
function kindOf(number: number, seed: number): Pick<QueuedJob, 'spec' | 'organization'> {
  // Consecutive seeds would begin alike (the factor is Knuth's, 2^32 over the golden ratio).
  const chance = new Chance(Math.imul(number + seed, 2_654_435_761));
  traces ??= hasPublicMarket ? tracedJobs() : [madeUp()];
  const traced = chance.pick(chance.pick(traces));
  const project = chance.roll(50);
  return {
    spec: specOf(traced, `project-${project}`, chance),
    organization: `org-${project % 10}`,
  };
}

/** Every job another question: even two of one size differ in what they may cost. */
export function questionsOf(count: number): QueuedJob[] {
  return jobsOf(count, 'all different', 7).map((job, index) => {
    const dollars = [4, 12, 40, 120][index % 4] ?? 4;
    const maxPricePerHour = { amount: `${dollars}.${String(index).padStart(6, '0')}`, currency: 'USD' };
    const objective = (['cheapest', 'available', 'balanced'] as const)[index % 3] ?? 'cheapest';
    return {
      ...job,
      spec: { ...job.spec, placement: { ...job.spec.placement, objective, maxPricePerHour } },
    };
  });
}

function specOf(traced: TracedJob, project: string, chance: Chance): JobSpec {
  const nodes = traced.gpus > 8 ? Math.ceil(traced.gpus / 8) : 1;
  const expected = chance.percent(50) ? Math.max(60, Math.ceil(traced.seconds / 60) * 60) : null;
  return {
    name: 'bench',
    project,
    kind: chance.percent(10) ? 'inference' : 'training',
    run: { image: 'bench', command: ['true'], env: {} },
    resources: {
      gpu: {
        count: Math.ceil(traced.gpus / nodes),
        models: modelsOf(traced, chance),
        class: chance.percent(2) ? 'large' : null,
        minMemoryGiB: chance.weighed([
          [70, 0] as const,
          [15, 16] as const,
          [10, 24] as const,
          [5, 40] as const,
        ]),
      },
      cpus: traced.cpus,
      memoryGiB: traced.memoryGiB,
      nodes,
    },
    placement: placementOf(expected !== null, chance),
    continuity: { mode: 'restart', rtoSeconds: null, rpoSeconds: null, minSeparationKm: null },
    checkpoint: { intervalSeconds: chance.pick([300, 600, 1_800]), fromJob: null },
    limits: {
      maxRuntimeSeconds: chance.percent(50) ? 3_600 * chance.pick([1, 4, 12, 24, 72]) : null,
      deadline: null,
    },
    expectedRuntimeSeconds: expected,
    priority: chance.weighed([
      [70, 50] as const,
      [10, 0] as const,
      [10, 20] as const,
      [8, 80] as const,
      [2, 100] as const,
    ]),
    labels: {},
    quoteId: null,
    serve: null,
    graceSeconds: 10,
  };
}

function placementOf(timed: boolean, chance: Chance): JobSpec['placement'] {
  const ceiling = (share: number) =>
    chance.percent(share) ? { amount: chance.pick(CEILINGS), currency: 'USD' } : null;
  return {
    ...NO_RULES,
    objective: chance.weighed([
      [70, 'cheapest'] as const,
      [15, 'available'] as const,
      [15, 'balanced'] as const,
    ]),
    spot: chance.weighed([[60, 'never'] as const, [30, 'allowed'] as const, [10, 'only'] as const]),
    countries: chance.percent(25) ? chance.pick(COUNTRIES) : [],
    providers: {
      allow: chance.percent(5) ? [chance.pick(PROVIDERS), chance.pick(PROVIDERS)] : [],
      deny: chance.percent(10) ? [chance.pick(PROVIDERS)] : [],
    },
    regions: { allow: chance.percent(5) ? [chance.pick(REGIONS), chance.pick(REGIONS)] : [], deny: [] },
    maxPricePerHour: ceiling(30),
    maxPricePerJob: timed ? ceiling(5) : null,
  };
}

function modelsOf({ gpus, cpus, models }: TracedJob, chance: Chance): readonly string[] {
  if (gpus === 0) return [];
  // What openb's jobs accept is their own affair, "any" included.
  if (cpus > 0) return [...new Set(models.flatMap((model) => MODELS[model] ?? [model]))];
  return chance.weighed(ASKED);
}

function madeUp(): TracedJob[] {
  const chance = new Chance(1);
  return Array.from({ length: 5_000 }, () => ({
    gpus: chance.weighed([
      [15, 0] as const,
      [70, 1] as const,
      [5, 2] as const,
      [6, 4] as const,
      [3, 8] as const,
      [1, 16] as const,
    ]),
    cpus: chance.percent(30) ? chance.pick([4, 8, 12]) : 0,
    memoryGiB: chance.percent(30) ? chance.pick([16, 32, 64]) : 0,
    models: [],
    seconds: 60 * (1 + chance.roll(1_000)),
  }));
}
