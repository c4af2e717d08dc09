import { acceptedGpus, type FormFactor } from '../gpu.ts';
import type { JobSpec, SpotPolicy } from '../job.ts';
import { parseMicros, type WireMoney } from '../money.ts';
import type { Policies } from '../policy.ts';
import type { LeveledRules } from '../rules.ts';
import { byName, countUpTo } from './columns.ts';
import { ON_DEMAND, rateOf, saleAt, saleOf, SPOT, type Lot, type Market, type Sale } from './market.ts';
import { assumptionsOf, hoursOf } from './objective.ts';
import { positionOf, type Needs, type Pass } from './pass.ts';
import { placesOf, type Places } from './places.ts';
import { levelsOf } from './rulebook.ts';
import { bit, type Broken } from './rules.ts';
import type { Assumptions, QueuedJob } from './types.ts';

/** What a job asks for, worked out once for everybody who asks the same. */
export interface Request {
  readonly spec: JobSpec;
  /** Organization, project, job: every level that has rules. */
  readonly levels: readonly LeveledRules[];
  readonly needs: Needs;
  readonly target: string | null;
  /** Why a spelling in gpu.models, or the class, can match nothing. */
  readonly gpuProblems: readonly string[];
  /** What the job and its rules break, whatever is offered. */
  readonly always: Broken;
  readonly places: Places;
  /** By shape: what every offer of it breaks. */
  readonly byShape: Int32Array;
  /** By provider: index into TIERS. */
  readonly tiers: Uint8Array;
  /** ON_DEMAND and SPOT: what it takes. */
  readonly wants: number;
  /** The lowest of all levels; null: none. */
  readonly ceiling: Ceiling | null;
  /** The dearest exactRank that it can afford; -1: none. */
  readonly ceilingRank: number;
  /** The same for the whole job, in micros; Infinity: any. */
  readonly jobCeilingMicros: number;
  /** The dearest rank that its quote allows. */
  readonly quoteRank: number;
  /** Sales that cost more by now than the quote holds them at: what is paid instead. */
  readonly held: ReadonlyMap<number, Sale>;
  readonly assumptions: Assumptions;
  /** By shape, then on demand and spot: hours that are paid for, all nodes together. */
  readonly paidHours: Float64Array;
  readonly slowness: Float64Array;
}

export interface Ceiling {
  readonly currency: string;
  readonly micros: bigint;
  readonly rateMicros: bigint;
  readonly by: LeveledRules;
}

/** Two jobs with the same signature are placed by the same list. */
export function signatureOf(job: QueuedJob, now: Date): string {
  const { spec } = job;
  return JSON.stringify([
    job.organization,
    job.project,
    spec.kind,
    spec.resources,
    spec.placement,
    spec.continuity.minSeparationKm,
    spec.checkpoint.intervalSeconds,
    spec.expectedRuntimeSeconds,
    spec.limits.maxRuntimeSeconds,
    avoidedNow(job, now),
    job.moveTo,
    job.quote,
  ]);
}

export function readRequest(job: QueuedJob, pass: Pass): Request {
  const { market, state } = pass;
  const { spec } = job;
  const levels = levelsOf(job, state.rules);
  const gpus = wantedGpus(spec, state.policies);
  const ceilings = levels.map((level) => ceilingOf(market, level, level.rules.maxPricePerHour));
  const ceiling = lowest(ceilings);
  const jobCeilings = levels.map((level) => ceilingOf(market, level, level.rules.maxPricePerJob));
  const avoided = avoidedNow(job, pass.now);
  const assumptions = assumptionsOf(spec, gpus.reference);
  const byShape = Int32Array.from(market.shapes, (lot) => brokenByShape(spec, gpus.accepted, lot));
  const slowness = Float64Array.from(market.shapes, slownessIn(state.policies, gpus.reference));
  const unrated = [...ceilings, ...jobCeilings].includes(undefined);
  const untimed = assumptions.runtimeFrom === 'default' && jobCeilings.some(Boolean);
  return {
    spec,
    levels,
    needs: { nodes: spec.resources.nodes, cpus: spec.resources.cpus, memoryGiB: spec.resources.memoryGiB },
    target: job.moveTo,
    gpuProblems: gpus.problems,
    always: (unrated ? bit('no-rate') : 0) | (untimed ? bit('job-price') : 0),
    places: placesOf(pass, levels, spec, avoided),
    byShape,
    tiers: tiersOf(job, avoided, market),
    wants: levels.reduce((wants, { rules }) => wants & SALES[rules.spot], ON_DEMAND | SPOT),
    ceiling,
    ceilingRank: ceiling
      ? countUpTo(market.exactPrices, ceiling.micros * ceiling.rateMicros) - 1
      : market.exactPrices.length,
    jobCeilingMicros: microsOf(lowest(jobCeilings)),
    quoteRank: job.quote
      ? countUpTo(market.roundedPrices, BigInt(job.quote.ceilingMicrosPerHour)) - 1
      : market.roundedPrices.length,
    held: heldSales(job, pass),
    assumptions,
    paidHours: paidHoursOf(spec.resources.nodes, assumptions, slowness),
    slowness,
  };
}

const SALES: Readonly<Record<SpotPolicy, number>> = {
  never: ON_DEMAND,
  allowed: ON_DEMAND | SPOT,
  only: SPOT,
};

// ---- GPUs ---------------------------------------------------------------------------------------------------

/** Null form factor: any. */
export interface WantedGpu {
  readonly model: string;
  readonly formFactor: FormFactor | null;
  /** GiB of one device at least. */
  readonly minMemoryGiB: number;
}

export interface WantedGpus {
  /** Any of these; null: any GPU at all. */
  readonly accepted: readonly WantedGpu[] | null;
  /** What the job's runtime is of: the first that it names. */
  readonly reference: string | null;
  readonly problems: readonly string[];
}

/** The models that a job names and the members of its class. */
export function wantedGpus({ resources }: Pick<JobSpec, 'resources'>, policies: Policies): WantedGpus {
  const { count, models, class: className } = resources.gpu;
  if (count === 0 || (models.length === 0 && className === null))
    return { accepted: null, reference: null, problems: [] };
  const named = models.map(acceptedGpus);
  const found = policies.capacityClasses.find(({ name }) => name === className);
  const unknown =
    className !== null && found === undefined ? [`there is no capacity class ${className}`] : [];
  const accepted = [
    ...named.flatMap(({ gpus }) => gpus.map((gpu) => ({ ...gpu, minMemoryGiB: 0 }))),
    ...(found?.members ?? []),
  ];
  return {
    accepted,
    reference: accepted[0]?.model ?? null,
    problems: [...named.flatMap(({ problem }) => problem ?? []), ...unknown],
  };
}

/** A job without GPUs may use any offer; what it says of models and device memory means nothing then. */
function brokenByShape({ resources }: JobSpec, accepted: readonly WantedGpu[] | null, lot: Lot): Broken {
  const { gpu, cpus, memoryGiB } = resources;
  const { offer } = lot;
  let broken = (offer.cpus < cpus ? bit('cpus') : 0) | (offer.memoryGiB < memoryGiB ? bit('memory') : 0);
  if (gpu.count === 0) return broken;
  if (offer.gpuCount < gpu.count) broken |= bit('gpu-count');
  if (accepted !== null && !accepted.some((wanted) => accepts(wanted, lot))) broken |= bit('gpu-model');
  if (offer.gpuMemoryGiB < gpu.minMemoryGiB) broken |= bit('gpu-memory');
  return broken;
}

function accepts({ model, formFactor, minMemoryGiB }: WantedGpu, lot: Lot): boolean {
  return (
    lot.model === model &&
    (formFactor === null || lot.offer.gpuFormFactor === formFactor) &&
    lot.offer.gpuMemoryGiB >= minMemoryGiB
  );
}

function slownessIn({ gpuSpeeds }: Policies, reference: string | null): (lot: Lot) => number {
  const speeds = new Map(gpuSpeeds.map(({ model, speed }) => [model, speed]));
  const ours = reference === null ? undefined : speeds.get(reference);
  return ({ model }) => {
    const theirs = model === null ? undefined : speeds.get(model);
    return ours === undefined || theirs === undefined ? 1 : ours / theirs;
  };
}

function paidHoursOf(nodes: number, assumptions: Assumptions, slowness: Float64Array): Float64Array {
  const paid = new Float64Array(2 * slowness.length);
  slowness.forEach((slow, shape) => {
    for (const spot of [0, 1]) {
      const { hours, lostHours } = hoursOf(assumptions, slow, spot === 1);
      paid[2 * shape + spot] = nodes * (hours + lostHours);
    }
  });
  return paid;
}

// ---- money --------------------------------------------------------------------------------------------------

/** Null: the level has none. Undefined: it has one, in a currency without a rate. */
function ceilingOf(market: Market, by: LeveledRules, limit: WireMoney | null): Ceiling | null | undefined {
  if (limit === null) return null;
  const rateMicros = rateOf(market, limit.currency);
  if (rateMicros === null) return undefined;
  return { currency: limit.currency, micros: parseMicros(limit.amount), rateMicros, by };
}

function lowest(ceilings: readonly (Ceiling | null | undefined)[]): Ceiling | null {
  const worth = ({ micros, rateMicros }: Ceiling) => micros * rateMicros;
  return ceilings.reduce<Ceiling | null>(
    (low, one) => (one && (low === null || worth(one) < worth(low)) ? one : low),
    null,
  );
}

function microsOf(ceiling: Ceiling | null): number {
  return ceiling === null ? Infinity : Number((ceiling.micros * ceiling.rateMicros) / 1_000_000n);
}

/** Only while the quote lives, and only where it helps: below the quoted price the job pays the price. */
function heldSales({ quote }: QueuedJob, { market, now }: Pass): Map<number, Sale> {
  const held = new Map<number, Sale>();
  if (quote === null || Date.parse(quote.expiresAt) <= now.getTime()) return held;
  for (const price of quote.prices) {
    const position = positionOf(market, price.provider, price.offer);
    const sale = 2 * position + (price.spot ? 1 : 0);
    const current = position < 0 ? null : saleOf(market, sale);
    if (current === null || current.micros <= BigInt(price.microsPerHour)) continue;
    held.set(sale, saleAt(BigInt(price.listMicrosPerHour), price.listCurrency, BigInt(price.rateMicros)));
  }
  return held;
}

// ---- preferences --------------------------------------------------------------------------------------------

/** A target is first choice even where the job avoids it: an operator has named it. */
function tiersOf(job: QueuedJob, avoided: readonly string[], market: Market): Uint8Array {
  return Uint8Array.from(market.providers, (name) =>
    name === job.moveTo ? 0 : avoided.includes(name) ? 2 : 1,
  );
}

function avoidedNow(job: QueuedJob, now: Date): string[] {
  return Object.entries(job.avoid)
    .filter(([, until]) => Date.parse(until) > now.getTime())
    .map(([provider]) => provider)
    .sort(byName);
}
