import { acceptedGpus } from '../gpu.ts';
import type { AllowDeny, JobSpec } from '../job.ts';
import { parseMicros } from '../money.ts';
import { byName, rateOf, type Market } from './market.ts';
import { bit, type Broken } from './rules.ts';
import type { QueuedJob } from './types.ts';

/** What a job asks for, worked out once for everybody who asks the same. */
export interface Request {
  readonly spec: JobSpec;
  readonly target: string | null;
  readonly avoided: ReadonlySet<string>;
  /** Why a spelling in gpu.models can match nothing. */
  readonly gpuProblems: readonly string[];
  /** What the job itself breaks, whatever is offered. */
  readonly always: Broken;
  /** By the market's indexes: what is broken by every offer of that provider, region, model. */
  readonly byProvider: readonly Broken[];
  readonly byRegion: readonly Broken[];
  readonly byModel: readonly Broken[];
  readonly ceiling: Ceiling | null;
}

export interface Ceiling {
  readonly currency: string;
  readonly micros: bigint;
  readonly rateMicros: bigint;
  /** Comparable with Sale.exact. */
  readonly exact: bigint;
}

/** Two jobs with the same signature are placed by the same list. */
export function signatureOf(job: QueuedJob, now: Date): string {
  const { resources, placement } = job.spec;
  const asked = [resources, placement, avoidedNow(job, now), job.moveTo];
  return JSON.stringify(asked);
}

export function readRequest(job: QueuedJob, market: Market): Request {
  const { spec } = job;
  const { placement, resources } = spec;
  const limit = placement.maxPricePerHour;
  const rateMicros = limit && rateOf(market, limit.currency);
  const accepted = resources.gpu.count > 0 ? resources.gpu.models.map(acceptedGpus) : [];
  const models = accepted.length > 0 ? new Set(accepted.flatMap((one) => one.models)) : null;
  const countries = placement.countries.map((country) => country.toUpperCase());
  return {
    spec,
    target: job.moveTo,
    avoided: new Set(avoidedNow(job, market.now)),
    gpuProblems: accepted.flatMap((one) => one.problem ?? []),
    always: (resources.nodes > 1 ? bit('nodes') : 0) | (limit && rateMicros === null ? bit('no-rate') : 0),
    byProvider: market.providers.map(
      ({ name, site }) =>
        (passes(placement.providers, name) ? 0 : bit('providers')) |
        (countries.length === 0 || countries.includes(site.country.toUpperCase()) ? 0 : bit('countries')),
    ),
    byRegion: market.regions.map((region) => (passes(placement.regions, region) ? 0 : bit('regions'))),
    byModel: market.models.map((model) => (!models || (model && models.has(model)) ? 0 : bit('gpu-model'))),
    ceiling: limit && rateMicros ? ceilingOf(limit.currency, parseMicros(limit.amount), rateMicros) : null,
  };
}

function ceilingOf(currency: string, micros: bigint, rateMicros: bigint): Ceiling {
  return { currency, micros, rateMicros, exact: micros * rateMicros };
}

/** Denied wins over allowed; an empty allow list allows all. */
function passes(lists: AllowDeny, name: string): boolean {
  return !lists.deny.includes(name) && (lists.allow.length === 0 || lists.allow.includes(name));
}

function avoidedNow(job: QueuedJob, now: Date): string[] {
  return Object.entries(job.avoid)
    .filter(([, until]) => Date.parse(until) > now.getTime())
    .map(([provider]) => provider)
    .sort(byName);
}
