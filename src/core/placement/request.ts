import { acceptedGpus } from '../gpu.ts';
import type { AllowDeny, JobSpec } from '../job.ts';
import { parseMicros } from '../money.ts';
import { ON_DEMAND, SPOT } from './columns.ts';
import { byName, rateOf, type Lot, type Market } from './market.ts';
import { bit, type Broken } from './rules.ts';
import type { QueuedJob } from './types.ts';

/** What a job asks for, worked out once for everybody who asks the same. */
export interface Request {
  readonly spec: JobSpec;
  readonly target: string | null;
  /** Why a spelling in gpu.models can match nothing. */
  readonly gpuProblems: readonly string[];
  /** What the job itself breaks, whatever is offered. */
  readonly always: Broken;
  /** By the market's columns: what every offer of that provider, region or shape breaks. */
  readonly byProvider: Int32Array;
  readonly byRegion: Int32Array;
  readonly byShape: Int32Array;
  /** By provider: index into TIERS. */
  readonly tiers: Uint8Array;
  /** ON_DEMAND and SPOT: what it takes. */
  readonly wants: number;
  readonly ceiling: Ceiling | null;
  /** The dearest exactRank that it can afford; -1: none. */
  readonly ceilingRank: number;
}

export interface Ceiling {
  readonly currency: string;
  readonly micros: bigint;
  readonly rateMicros: bigint;
}

/** Two jobs with the same signature are placed by the same list. */
export function signatureOf(job: QueuedJob, now: Date): string {
  return JSON.stringify([job.spec.resources, job.spec.placement, avoidedNow(job, now), job.moveTo]);
}

export function readRequest(job: QueuedJob, market: Market): Request {
  const { spec } = job;
  const { gpu, nodes } = spec.resources;
  const limit = spec.placement.maxPricePerHour;
  const rateMicros = limit && rateOf(market, limit.currency);
  const ceiling = limit && rateMicros ? { ...limit, micros: parseMicros(limit.amount), rateMicros } : null;
  const accepted = gpu.count > 0 ? gpu.models.map(acceptedGpus) : [];
  const models = accepted.length > 0 ? new Set(accepted.flatMap((one) => one.models)) : null;
  const { regions, shapes, exactPrices } = market.columns;
  return {
    spec,
    target: job.moveTo,
    gpuProblems: accepted.flatMap((one) => one.problem ?? []),
    always: (nodes > 1 ? bit('nodes') : 0) | (limit && !ceiling ? bit('no-rate') : 0),
    byProvider: Int32Array.from(market.providers, ({ name, site }) =>
      brokenByPlace(spec, name, site.country),
    ),
    byRegion: Int32Array.from(regions, (region) =>
      passes(spec.placement.regions, region) ? 0 : bit('regions'),
    ),
    byShape: Int32Array.from(shapes, (lot) => brokenByShape(spec, models, lot)),
    tiers: tiersOf(job, market),
    wants: { never: ON_DEMAND, allowed: ON_DEMAND | SPOT, only: SPOT }[spec.placement.spot],
    ceiling,
    ceilingRank: ceiling
      ? countUpTo(exactPrices, ceiling.micros * ceiling.rateMicros) - 1
      : exactPrices.length,
  };
}

function brokenByPlace({ placement }: JobSpec, provider: string, country: string): Broken {
  const countries = placement.countries.map((code) => code.toUpperCase());
  return (
    (passes(placement.providers, provider) ? 0 : bit('providers')) |
    (countries.length === 0 || countries.includes(country.toUpperCase()) ? 0 : bit('countries'))
  );
}

/** A job without GPUs may use any offer; what it says of models and device memory means nothing then. */
function brokenByShape(
  { resources }: JobSpec,
  models: ReadonlySet<string> | null,
  { offer, model }: Lot,
): Broken {
  const { gpu, cpus, memoryGiB } = resources;
  let broken = (offer.cpus < cpus ? bit('cpus') : 0) | (offer.memoryGiB < memoryGiB ? bit('memory') : 0);
  if (gpu.count === 0) return broken;
  if (offer.gpuCount < gpu.count) broken |= bit('gpu-count');
  if (models && !(model !== null && models.has(model))) broken |= bit('gpu-model');
  if (offer.gpuMemoryGiB < gpu.minMemoryGiB) broken |= bit('gpu-memory');
  return broken;
}

/** Denied wins over allowed; an empty allow list allows all. */
function passes(lists: AllowDeny, name: string): boolean {
  return !lists.deny.includes(name) && (lists.allow.length === 0 || lists.allow.includes(name));
}

/** A target is first choice even where the job avoids it: an operator has named it. */
function tiersOf(job: QueuedJob, market: Market): Uint8Array {
  const avoided = new Set(avoidedNow(job, market.now));
  return Uint8Array.from(market.providers, ({ name }) =>
    name === job.moveTo ? 0 : avoided.has(name) ? 2 : 1,
  );
}

function avoidedNow(job: QueuedJob, now: Date): string[] {
  return Object.entries(job.avoid)
    .filter(([, until]) => Date.parse(until) > now.getTime())
    .map(([provider]) => provider)
    .sort(byName);
}

/** How many of the rising prices are at most `limit`. */
function countUpTo(prices: readonly bigint[], limit: bigint): number {
  let from = 0;
  let to = prices.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((prices[middle] ?? 0n) <= limit) from = middle + 1;
    else to = middle;
  }
  return from;
}
