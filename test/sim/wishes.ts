import type { JobSpec } from '../../src/core/job.ts';
import type { Policies } from '../../src/core/policy.ts';
import { defaultPolicies } from '../../src/core/policy-defaults.ts';
import { NO_RULES, type PlacementRules, type RuleSet } from '../../src/core/rules.ts';
import { PROJECTS, PROJECT_NAMES, SITES } from './market.ts';
import type { Random } from './random.ts';
import { START_MS } from './scheduler.ts';

const some = <T>(random: Random, probability: number, list: readonly T[]): T[] =>
  random.chance(probability) ? [random.pick(list)] : [];
const maybe = <T>(random: Random, probability: number, list: readonly T[]): T | null =>
  some(random, probability, list)[0] ?? null;

const GUARDED = ['standby', 'active'] as const;

/** What a world's jobs are like. */
export interface Wished {
  /** Most must not stop. */
  readonly guarded?: boolean;
  /** They run long enough to be looked at by who pays, and some say what they may cost. */
  readonly money?: boolean;
}

/** A job as a tenant might want it. What its process does is in its environment, where the simulated machine reads it. */
export function makeSpec(random: Random, name: string, now: Date, world: Wished = {}): JobSpec {
  const { guarded: guardedWorld = false, money = false } = world;
  const service = random.chance(0.08);
  const gpus = random.pick([0, 0, 1, 1, 1, 2, 4]);
  const runMs = random.pick([0, 200, 1_500, 4_000, 8_000, 15_000]) + random.int(0, 900);
  // Of its own stream, so that what is asked for otherwise is as it was.
  const own = random.fork(`continuity of ${name}`);
  const share = guardedWorld ? 0.9 : service ? 0.8 : 0.15;
  const mode = own.chance(share) ? own.pick(service ? GUARDED : GUARDED.slice(0, 1)) : 'restart';
  // Long enough that its place may be lost while something stands by.
  const purse = random.fork(`money of ${name}`);
  const ms = (guardedWorld ? runMs + 20_000 : runMs) + (money ? purse.int(0, 25_000) : 0);
  const maxCost =
    money && purse.chance(0.25)
      ? { amount: String(purse.pick([0.5, 3, 20, 60, 500])), currency: 'KRW' }
      : null;
  const bounded = money && purse.chance(0.3) ? purse.int(3, 60) : null;
  const loads = Object.fromEntries(PROJECT_NAMES.map((project) => [project, PROJECTS[project].load]));
  return {
    name,
    project: random.weighted(loads),
    kind: service ? 'inference' : 'training',
    run: {
      image: null,
      command: ['simulated'],
      env: {
        ...(mode === 'active' && { SIM_COPIES: '1' }),
        SIM_MS: service ? 'never' : String(ms),
        SIM_EXIT: random.chance(0.12) ? '3' : '0',
      },
    },
    resources: {
      gpu: {
        count: gpus,
        models: gpus > 0 ? some(random, 0.3, ['H100', 'H100-SXM', 'A100', 'A100-80GB']) : [],
        class: gpus > 0 ? maybe(random, 0.12, ['trainer-80gb', 'hopper-sxm', 'inference-24gb']) : null,
        minMemoryGiB: gpus > 0 ? random.pick([0, 0, 40, 80, 96]) : 0,
      },
      cpus: random.pick([0, 4, 16]),
      memoryGiB: random.pick([0, 0, 64]),
      nodes: random.chance(0.04) ? 2 : 1,
    },
    placement: {
      objective: random.pick(['cheapest', 'cheapest', 'available', 'balanced']),
      ...wantedRules(random),
    },
    continuity: {
      mode: random.chance(0.2) && mode === 'restart' ? 'none' : mode,
      // Some must not stop: they leave a place that is being hurt.
      rtoSeconds: name.endsWith('1') || name.endsWith('4') ? 60 : null,
      rpoSeconds: null,
      minSeparationKm: maybe(random, 0.1, [50, 400]) ?? (guardedWorld ? own.pick([null, 50, 50]) : null),
      failback: own.pick(['auto', 'manual', 'never']),
    },
    checkpoint: { intervalSeconds: 600, fromJob: null },
    limits: {
      maxRuntimeSeconds: random.chance(0.08) ? random.int(2, 6) : bounded,
      maxCost,
      deadline: random.chance(0.08)
        ? new Date(now.getTime() + random.int(2_000, 40_000)).toISOString()
        : null,
    },
    expectedRuntimeSeconds: maybe(random, 0.3, [1_800, 7_200]),
    priority: random.int(0, 100),
    labels: {},
    quoteId: null,
    serve: service ? { port: null, healthPath: random.chance(0.5) ? '/health' : null } : null,
    graceSeconds: random.int(0, 4),
  };
}

/** Every other job has none: one that nothing fits shows little. */
function wantedRules(random: Random): PlacementRules {
  if (random.chance(0.5)) return { ...NO_RULES, spot: random.pick(['never', 'allowed']) };
  const money = (probability: number, from: number, to: number) =>
    random.chance(probability)
      ? { amount: String(random.int(from, to)), currency: random.pick(['KRW', 'KRW', 'EUR']) }
      : null;
  return {
    spot: random.pick(['never', 'allowed', 'allowed', 'only']),
    providers: { allow: some(random, 0.1, SITES), deny: some(random, 0.15, SITES) },
    regions: { allow: some(random, 0.1, ['kr-central', 'kr-south']), deny: some(random, 0.1, ['jp-east']) },
    countries: some(random, 0.15, ['KR', 'JP']),
    realms: some(random, 0.08, ['public', 'government', 'on-premises'] as const),
    certifications: some(random, 0.12, [
      { scheme: 'CSAP', grades: [] },
      { scheme: 'CSAP', grades: ['middle'] },
      { scheme: 'CSAP', grades: ['high', 'middle'] },
      { scheme: 'ISMS-P', grades: [] },
    ]),
    dataGrade: maybe(random, 0.15, ['open', 'sensitive', 'sensitive', 'classified'] as const),
    maxPricePerHour: money(0.15, 100, 12_000),
    maxPricePerJob: money(0.08, 1_000, 20_000),
    minSeparationKm: null,
    drVerified: random.chance(0.01),
  };
}

/** Nobody's. */
const open = { ...NO_RULES, preemptible: true };
/** What an organization or a project may be told to keep. */
export const RULE_SETS: readonly RuleSet[] = [
  open,
  open,
  { ...open, countries: ['KR'] },
  { ...open, providers: { allow: [], deny: ['tokyo'] } },
  { ...open, providers: { allow: [], deny: ['pangyo'] }, objective: 'cheapest' },
  { ...open, providers: { allow: ['gwangju', 'local'], deny: [] } },
  { ...open, regions: { allow: [], deny: ['kr-central'] } },
  { ...open, spot: 'never' },
  { ...open, maxPricePerHour: { amount: '3000', currency: 'KRW' } },
  { ...open, maxPricePerHour: { amount: '900.5', currency: 'JPY' } },
  { ...open, certifications: [{ scheme: 'CSAP', grades: ['middle', 'high'] }] },
  { ...open, dataGrade: 'open' },
  { ...open, minSeparationKm: 100 },
];

const { dataGrades, capacityClasses, gpuSpeeds } = defaultPolicies();
/** What an administrator may put into force. */
export const DATA_GRADES: readonly Policies['dataGrades'][] = [
  dataGrades,
  // Reform: sensitive data may go abroad, for some seconds.
  [
    ...dataGrades,
    {
      grade: 'sensitive',
      realms: ['public'],
      countries: ['JP'],
      certification: { scheme: 'ISMS-P', grades: [] },
      validFrom: new Date(START_MS + 10_000).toISOString(),
      validUntil: new Date(START_MS + 40_000).toISOString(),
      note: 'of the simulation',
    },
  ],
  dataGrades.filter(({ realms }) => realms.includes('on-premises')),
  dataGrades.filter(({ grade }) => grade !== 'open'),
];
export const CAPACITY_CLASSES: readonly Policies['capacityClasses'][] = [
  capacityClasses,
  capacityClasses.map((one) => ({
    ...one,
    members: one.members.map((member) => ({ ...member, formFactor: null })),
  })),
  capacityClasses.filter(({ name }) => name !== 'trainer-80gb'),
];
export const GPU_SPEEDS: readonly Policies['gpuSpeeds'][] = [gpuSpeeds, gpuSpeeds.slice(0, 3)];
