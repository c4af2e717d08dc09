import { canonicalJson, sha256Hex } from './canonical.ts';
import type { JobSpec } from './job.ts';

/**
 * A quote says what a job would get now, and holds the price for a while:
 *
 * - The quoted price is that of the first candidate: what the job would have got. A job that is submitted with the
 *   quote while it lives never pays more per hour than that, wherever and whenever it is placed, moves included.
 * - Until the quote expires, each candidate that costs no more than that keeps its own price, even where its vendor
 *   asks more by now or the exchange rate has moved. What has become cheaper is paid at the lower price.
 * - Nothing is reserved: the place may be gone, and the job then waits or is placed elsewhere, within the quoted price.
 * - Any number of jobs of the project may use it, as long as they ask the same.
 */

/**
 * Long enough for a person to compare and to have it approved, or for a pipeline to build an image. The vendor bears
 * what its price rises meanwhile, so it is shorter than the hour in which prices are made.
 */
export const QUOTE_LIFE_SECONDS = 900;

/** A price that a quote holds for one way to buy one offer. Micros as decimal strings: it is stored as JSON. */
export interface HeldPrice {
  readonly provider: string;
  readonly offer: string;
  readonly spot: boolean;
  /** Of the whole offer, in its own currency, and the rate of that moment. */
  readonly listMicrosPerHour: string;
  readonly listCurrency: string;
  readonly rateMicros: string;
  /** In the accounting currency. */
  readonly microsPerHour: string;
}

/** What a quote means to the job that was submitted with it. */
export interface HeldQuote {
  readonly id: string;
  /** RFC 3339. Until then the prices below hold even where the vendor asks more by now. */
  readonly expiresAt: string;
  /** Of one whole offer, accounting currency: the job never pays more, wherever it is placed and whenever. */
  readonly ceilingMicrosPerHour: string;
  /** None of them is above the ceiling. */
  readonly prices: readonly HeldPrice[];
}

/** Is it over? From that very moment, as for the prices that it holds. */
export function isExpired({ expiresAt }: { readonly expiresAt: Date }, now: Date): boolean {
  return expiresAt <= now;
}

// ---- what it is for -----------------------------------------------------------------------------------------

/** All of a job that its placement and its price depend on, in the shape of a job's body. A quote is for one of these. */
export interface QuotedAsk extends Pick<
  JobSpec,
  'project' | 'kind' | 'resources' | 'placement' | 'expectedRuntimeSeconds'
> {
  readonly organization: string;
  readonly continuity: Pick<JobSpec['continuity'], 'minSeparationKm'>;
  readonly checkpoint: Pick<JobSpec['checkpoint'], 'intervalSeconds'>;
  readonly limits: Pick<JobSpec['limits'], 'maxRuntimeSeconds'>;
}

export function askOf(spec: JobSpec, organization: string): QuotedAsk {
  return {
    organization,
    project: spec.project,
    kind: spec.kind,
    resources: spec.resources,
    placement: spec.placement,
    continuity: { minSeparationKm: spec.continuity.minSeparationKm },
    checkpoint: { intervalSeconds: spec.checkpoint.intervalSeconds },
    expectedRuntimeSeconds: spec.expectedRuntimeSeconds,
    limits: { maxRuntimeSeconds: spec.limits.maxRuntimeSeconds },
  };
}

/** Hex SHA-256 of the canonical JSON: equal for two that ask the same. */
export function hashAsk(ask: QuotedAsk): string {
  return sha256Hex(canonicalJson(ask));
}

/** JSON pointers to where two differ, at most two names deep, in the order of names. */
export function differences(a: QuotedAsk, b: QuotedAsk): string[] {
  return differing(a, b).flatMap((name) => {
    const [one, other] = [memberOf(a, name), memberOf(b, name)];
    const inside = isObject(one) && isObject(other) ? differing(one, other) : [];
    return inside.length === 0 ? [`/${name}`] : inside.map((deeper) => `/${name}/${deeper}`);
  });
}

function differing(a: object, b: object): string[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return names.filter((name) => canonicalJson(memberOf(a, name)) !== canonicalJson(memberOf(b, name)));
}

const memberOf = (value: object, name: string): unknown => (value as Record<string, unknown>)[name];
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
