import type { JobSpec, SpotPolicy } from '../job.ts';
import { parseMicros, type WireMoney } from '../money.ts';
import type { LeveledRules } from '../rules.ts';
import { byName, countUpTo } from './columns.ts';
import type { Fitting } from './fitting.ts';
import { ON_DEMAND, rateOf, saleAt, saleOf, SPOT, type Market, type Sale } from './market.ts';
import { assumptionsOf } from './objective.ts';
import { positionOf, type Needs, type Pass } from './pass.ts';
import type { Places } from './places.ts';
import { akin, whereaboutsOf } from './whereabouts.ts';
import { levelsOf } from './rulebook.ts';
import { bit, type Broken } from './rules.ts';
import { TIERS, type Assumptions, type QueuedJob } from './types.ts';

/** What a job asks for, worked out once for everybody who asks the same. */
export interface Request {
  readonly spec: JobSpec;
  /** Organization, project, job: every level that has rules. */
  readonly levels: readonly LeveledRules[];
  readonly needs: Needs;
  readonly target: string | null;
  /** What the job and its rules break, whatever is offered. */
  readonly always: Broken;
  readonly places: Places;
  readonly fitting: Fitting;
  /** By provider: index into TIERS; null: all are as good. */
  readonly tiers: Uint8Array | null;
  /** ON_DEMAND and SPOT: what it takes. */
  readonly wants: number;
  /** The lowest of all levels; null: none. */
  readonly ceiling: Ceiling | null;
  /** The dearest exactRank that it can afford; -1: none. */
  readonly ceilingRank: number;
  /** Micros per hour: whatever costs more is too dear. (What costs no more may be, by less than a micro.) */
  readonly ceilingMicros: number;
  /** The same for the whole job, in micros; Infinity: any. */
  readonly jobCeilingMicros: number;
  /** The dearest rank that its quote allows. */
  readonly quoteRank: number;
  /** Sales that cost more by now than the quote holds them at: what is paid instead. */
  readonly held: ReadonlyMap<number, Sale>;
  readonly assumptions: Assumptions;
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
    spec.continuity.mode,
    job.apartFrom ?? [],
    job.standsByFor ?? null,
    spec.checkpoint.intervalSeconds,
    spec.expectedRuntimeSeconds,
    spec.limits.maxRuntimeSeconds,
    avoidedNow(job, now),
    job.moveTo,
    job.quote,
  ]);
}

export function readRequest(job: QueuedJob, pass: Pass): Request {
  const { market, state, asked } = pass;
  const { spec } = job;
  const levels = levelsOf(job, state.rules);
  const fitting = asked.fittings.of(pass, spec);
  const ceilings = levels.map((level) => ceilingOf(market, level, level.rules.maxPricePerHour));
  const ceiling = lowest(ceilings);
  const jobCeilings = levels.map((level) => ceilingOf(market, level, level.rules.maxPricePerJob));
  const avoided = avoidedNow(job, pass.now);
  const whereabouts = whereaboutsOf(job, pass, levels, avoided);
  const assumptions = assumptionsOf(spec, fitting.gpus.reference);
  const unrated = [...ceilings, ...jobCeilings].includes(undefined);
  const untimed = assumptions.runtimeFrom === 'default' && jobCeilings.some(Boolean);
  return {
    spec,
    levels,
    needs: { nodes: spec.resources.nodes, cpus: spec.resources.cpus, memoryGiB: spec.resources.memoryGiB },
    target: job.moveTo,
    always: (unrated ? bit('no-rate') : 0) | (untimed ? bit('job-price') : 0),
    places: asked.rulings.placesOf(pass, levels, whereabouts),
    fitting,
    tiers: tiersOf(job, [...avoided, ...akin(pass, whereabouts)], market),
    wants: levels.reduce((wants, { rules }) => wants & SALES[rules.spot], ON_DEMAND | SPOT),
    ceiling,
    ceilingRank: ceiling
      ? countUpTo(market.exactPrices, ceiling.micros * ceiling.rateMicros) - 1
      : market.exactPrices.length,
    // Rounding adds less than one.
    ceilingMicros: microsOf(ceiling) + 1,
    jobCeilingMicros: microsOf(lowest(jobCeilings)),
    quoteRank: job.quote
      ? countUpTo(market.roundedPrices, BigInt(job.quote.ceilingMicrosPerHour)) - 1
      : market.roundedPrices.length,
    held: heldSales(job, pass),
    assumptions,
  };
}

const SALES: Readonly<Record<SpotPolicy, number>> = {
  never: ON_DEMAND,
  allowed: ON_DEMAND | SPOT,
  only: SPOT,
};

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

const NONE_HELD: ReadonlyMap<number, Sale> = new Map();

/** Only while the quote lives, and only where it helps: below the quoted price the job pays the price. */
function heldSales({ quote }: QueuedJob, { market, now }: Pass): ReadonlyMap<number, Sale> {
  if (quote === null || Date.parse(quote.expiresAt) <= now.getTime()) return NONE_HELD;
  const held = new Map<number, Sale>();
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

export const NORMAL = TIERS.indexOf('normal');

/** A target is first choice even where the job avoids it: an operator has named it. */
function tiersOf(job: QueuedJob, avoided: readonly string[], market: Market): Uint8Array | null {
  if (job.moveTo === null && avoided.length === 0) return null;
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
