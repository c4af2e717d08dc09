import type { Objective, JobSpec, Waiting, WaitingReason } from '../job.ts';
import type { WireMoney } from '../money.ts';
import type { Offer } from '../offer.ts';
import type { BrokerKind, HealthState, ProviderMode, Realm, Site } from '../provider.ts';
import type { RuleName } from './rules.ts';
import type { ScorePart } from './score.ts';

// ---- in -----------------------------------------------------------------------------------------------------

/** Everything that a placement may look at. Order of the arrays means nothing. */
export interface PlacementSnapshot {
  readonly now: Date;
  /** The accounting currency, ISO 4217. Its own rate is 1 and need not be in `rates`. */
  readonly currency: string;
  /** Price of one unit of a currency in the accounting currency, in micros; > 0. */
  readonly rates: ReadonlyMap<string, bigint>;
  readonly providers: readonly PlacementProvider[];
  readonly offers: readonly PlacementOffer[];
  readonly jobs: readonly QueuedJob[];
}

export interface PlacementProvider {
  readonly name: string;
  readonly vendor: string;
  readonly site: Site;
  readonly realm: Realm;
  readonly mode: ProviderMode;
  readonly health: HealthState;
  /** Since when `health` has been what it is. */
  readonly healthSince: Date;
  readonly brokerKind: BrokerKind;
  /** Allocations that it refused or lost lately, of any job; 0 where that is not known. */
  readonly recentRefusals: number;
}

export interface PlacementOffer extends Offer {
  /** Null: it counts already. */
  readonly effectiveFrom: Date | null;
  readonly withdrawnAt: Date | null;
}

export interface QueuedJob {
  readonly id: string;
  readonly spec: JobSpec;
  readonly project: string;
  readonly priority: number;
  readonly queuedAt: Date;
  readonly attempts: number;
  /** Provider → RFC 3339: avoided until then, where there is another. */
  readonly avoid: Readonly<Record<string, string>>;
  /** Provider that an operator named for a move: first choice, while it matches and has room. */
  readonly moveTo: string | null;
  /** Backoff. */
  readonly notBefore: Date | null;
  /** An old allocation may still run until then. */
  readonly fencedUntil: Date | null;
}

// ---- out ----------------------------------------------------------------------------------------------------

export interface PlacementPlan {
  /** In the order in which they were decided: apply them in it, and nothing is oversold. */
  readonly placements: readonly Placement[];
  readonly waiting: readonly WaitingJob[];
  /** When looking again could help though nothing else changes (a fence or a backoff ends, an offer starts to count). */
  readonly wakeAt: Date | null;
}

export interface Placement {
  readonly jobId: string;
  readonly provider: string;
  readonly offer: string;
  readonly region: string;
  readonly spot: boolean;
  /** GPUs of the whole offer. */
  readonly offerGpuCount: number;
  /** Of the whole offer, in the offer's currency. */
  readonly listPriceMicrosPerHour: bigint;
  readonly listCurrency: string;
  readonly rateMicros: bigint;
  /** Of the whole offer, in the accounting currency. */
  readonly priceMicrosPerHour: bigint;
  readonly decision: Decision;
}

export interface WaitingJob {
  readonly jobId: string;
  /** Stable while nothing relevant changes, so it can be compared with what is stored before anything is written. */
  readonly waiting: Waiting;
  /** Shared between jobs that ask for the same. */
  readonly decision: Decision;
}

// ---- why ----------------------------------------------------------------------------------------------------

/** A placement explained: plain JSON, a few kilobytes at most however many offers there are. */
export interface Decision {
  /** Of this shape. */
  readonly version: 1;
  /** RFC 3339. */
  readonly at: string;
  readonly objective: Objective;
  /** score = Σ weights[part] × parts[part]. */
  readonly weights: Readonly<Partial<Record<ScorePart, number>>>;
  readonly considered: {
    readonly providers: number;
    readonly offers: number;
    /** Offers that no rule removed. */
    readonly matching: number;
  };
  readonly outcome: DecisionOutcome;
  /** The best ones, best first; the first is the one that was taken. */
  readonly candidates: readonly DecisionCandidate[];
  /** Each offer is counted once, under the first rule (in the order of RULES) that removed it. */
  readonly removed: readonly DecisionRemoval[];
  /** What else a person should know: a move's target that could not be used, providers avoided. */
  readonly notes: readonly string[];
}

export type DecisionOutcome =
  | {
      readonly kind: 'placed';
      readonly provider: string;
      readonly offer: string;
      readonly region: string;
      readonly spot: boolean;
      readonly pricePerHour: WireMoney;
    }
  | { readonly kind: 'waiting'; readonly reason: WaitingReason; readonly detail: string };

export interface DecisionCandidate {
  readonly provider: string;
  readonly offer: string;
  readonly region: string;
  readonly spot: boolean;
  /** Whole offers that could be had at that moment, of `capacity`. */
  readonly free: number;
  readonly capacity: number;
  /** In the accounting currency. */
  readonly pricePerHour: WireMoney;
  /** In the offer's. */
  readonly listPricePerHour: WireMoney;
  /** Target before normal before avoided, whatever the score. */
  readonly tier: Tier;
  /** 0–1, higher is better. */
  readonly score: number;
  readonly parts: Readonly<Partial<Record<ScorePart, number>>>;
}

export const TIERS = ['target', 'normal', 'avoided'] as const;
export type Tier = (typeof TIERS)[number];

export interface DecisionRemoval {
  readonly rule: RuleName;
  readonly offers: number;
  /** Up to three, in the order of names. */
  readonly examples: readonly {
    readonly provider: string;
    readonly offer: string;
    readonly detail: string;
  }[];
}
