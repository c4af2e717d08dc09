import type { VerifiedPair } from '../drill/verified.ts';
import type { Account } from '../ledger/account.ts';
import type { Objective, JobSpec, Waiting, WaitingReason } from '../job.ts';
import type { Approval } from '../ledger/approval.ts';
import type { WireMoney } from '../money.ts';
import type { Offer, Pool } from '../offer.ts';
import type { Policies } from '../policy.ts';
import type { BrokerKind, Certification, HealthState, ProviderMode, Realm, Site } from '../provider.ts';
import type { HeldQuote } from '../quote.ts';
import type { RuleSet } from '../rules.ts';
import type { RuleName } from './rules.ts';
import type { FullOffer, SickScope } from './shut.ts';

// ---- in -----------------------------------------------------------------------------------------------------

/** Everything that a placement may look at but the jobs. Order of the arrays means nothing. */
export interface World {
  readonly now: Date;
  /** The accounting currency, ISO 4217. Its own rate is 1 and need not be in `rates`. */
  readonly currency: string;
  /** Price of one unit of a currency in the accounting currency, in micros; > 0. */
  readonly rates: ReadonlyMap<string, bigint>;
  readonly providers: readonly PlacementProvider[];
  readonly offers: readonly PlacementOffer[];
  readonly pools: readonly Pool[];
  /** Of organizations and projects that have any. */
  readonly rules: RuleBook;
  readonly policies: Policies;
  /** Absent: none. */
  readonly verifiedPairs?: readonly VerifiedPair[];
}

export interface RuleBook {
  readonly organizations: ReadonlyMap<string, RuleSet>;
  readonly projects: ReadonlyMap<string, RuleSet>;
}

/** A world and everybody who waits in it. */
export interface PlacementSnapshot extends World {
  readonly jobs: readonly QueuedJob[];
  /** By project: what it holds already (queue.ts says in which unit); absent: nothing. */
  readonly shares: ReadonlyMap<string, number>;
}

export interface PlacementProvider {
  readonly name: string;
  readonly vendor: string;
  readonly site: Site;
  readonly realm: Realm;
  readonly certifications: readonly Certification[];
  /** Has the service (not the vendor) vouched for realm and certifications as they stand? */
  readonly attested: boolean;
  /** Until when its recovery counts as proved by a drill; null: it does not. */
  readonly verifiedUntil: Date | null;
  readonly mode: ProviderMode;
  readonly health: HealthState;
  /** Since when `health` has been what it is. */
  readonly healthSince: Date;
  readonly brokerKind: BrokerKind;
  /** Can its broker run one job on several machines? */
  readonly multiNode: boolean;
  /** Allocations that it refused or lost lately, of any job; 0 where that is not known. */
  readonly recentRefusals: number;
  /** Parts of it that take no new work; absent: none, also in records from before there were verdicts over parts. */
  readonly sick?: readonly SickScope[];
  /** Offers that were refused as full lately; absent: none. */
  readonly full?: readonly FullOffer[];
}

export interface PlacementOffer extends Offer {
  /** Null: it counts already. */
  readonly effectiveFrom: Date | null;
}

export interface QueuedJob {
  readonly id: string;
  readonly spec: JobSpec;
  readonly organization: string;
  readonly project: string;
  /** See queue.ts. */
  readonly queueRank: number;
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
  readonly quote: HeldQuote | null;
  /** Providers where the rest of it is (its run, its spares): another vendor, and far enough away. Absent: nothing is. */
  readonly apartFrom?: readonly string[];
  /** Of a spare: the provider of the run, whose work a drill must have proved to recover at the place. Absent: a run. */
  readonly standsByFor?: string;
  /** Somebody has to approve it before it may run, and nobody has yet. Absent: nobody has to. */
  readonly approval?: Approval;
  /** What it may cost in all (`limits.maxCost`). Absent: it does not say. */
  readonly ownAccount?: Account;
  /** Where it stands by, ready to take over: it is not placed elsewhere. Absent: nowhere. */
  readonly standbyAt?: string;
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
  /** Places of the offer that it takes: one for each node. */
  readonly nodes: number;
  /** GPUs of the whole offer. */
  readonly offerGpuCount: number;
  /** What it takes of the offer's pool; null: the offer draws on none. */
  readonly draw: Draw | null;
  /** Of one whole offer, in the offer's currency. */
  readonly listPriceMicrosPerHour: bigint;
  readonly listCurrency: string;
  readonly rateMicros: bigint;
  /** Of one whole offer, in the accounting currency. */
  readonly priceMicrosPerHour: bigint;
  /** Written when it is asked for: most of a plan's time would go into explaining what is never stored. */
  readonly decision: () => Decision;
}

/** What one placement takes of a pool, all its nodes together. */
export interface Draw extends Readonly<Record<'gpus' | 'cpuMillis' | 'memoryMiB', number>> {
  readonly pool: string;
}

export interface WaitingJob {
  readonly jobId: string;
  /** Stable while nothing relevant changes, so it can be compared with what is stored before anything is written. */
  readonly waiting: () => Waiting;
  /** Shared between jobs that ask for the same. */
  readonly decision: () => Decision;
}

// ---- why ----------------------------------------------------------------------------------------------------

/** A placement explained: plain JSON, a few kilobytes at most however many offers there are. */
export interface Decision {
  /** Of this shape. */
  readonly version: 2;
  /** RFC 3339. */
  readonly at: string;
  readonly objective: Objective;
  /** What the estimates below were made with. */
  readonly assumptions: Assumptions | null;
  readonly considered: {
    readonly providers: number;
    readonly offers: number;
    /** Offers that no rule removed, taken ones included. */
    readonly matching: number;
  };
  readonly outcome: DecisionOutcome;
  /** The best ones, best first, and the one that was taken where that is not among them. */
  readonly candidates: readonly DecisionCandidate[];
  /** Each offer is counted once, under the first rule (in the order of RULES) that removed it. */
  readonly removed: readonly DecisionRemoval[];
  /** What else a person should know: a move's target that could not be used, providers avoided, a place given up. */
  readonly notes: readonly string[];
}

/** See objective.ts, which has the formulas. */
export interface Assumptions {
  /** How long the job is taken to run on the model that it asks for, seconds; and who said so. */
  readonly runtimeSeconds: number;
  readonly runtimeFrom: 'expectedRuntimeSeconds' | 'maxRuntimeSeconds' | 'default';
  /** Canonical model that the runtime is of; null: any, so that all count as equally fast. */
  readonly referenceModel: string | null;
  readonly spotInterruptionsPerHour: number;
  /** What an interruption costs in work done again, seconds. */
  readonly interruptionSeconds: number;
}

export type DecisionOutcome =
  | {
      readonly kind: 'placed';
      readonly provider: string;
      readonly offer: string;
      readonly region: string;
      readonly spot: boolean;
      readonly nodes: number;
      /** Of all nodes. */
      readonly pricePerHour: WireMoney;
      readonly estimatedCost: WireMoney;
    }
  | { readonly kind: 'waiting'; readonly reason: WaitingReason; readonly detail: string };

export interface DecisionCandidate {
  readonly provider: string;
  readonly offer: string;
  readonly region: string;
  readonly spot: boolean;
  readonly taken: boolean;
  /** Whole offers that could be had at that moment, of `capacity`. */
  readonly free: number;
  readonly capacity: number;
  /** Of all nodes, in the accounting currency. */
  readonly pricePerHour: WireMoney;
  /** Of one whole offer, in the offer's. */
  readonly listPricePerHour: WireMoney;
  /** What the whole job would cost there, as far as can be said. */
  readonly estimatedCost: WireMoney;
  /** Target before normal before avoided, whatever the score. */
  readonly tier: Tier;
  /** What the objective minimizes; see objective.ts. */
  readonly score: number;
  readonly parts: ScoreParts;
}

/** What a score is made of; objective.ts says how. */
export interface ScoreParts {
  /** Hours that the job would run there: slower models take longer. */
  readonly hours: number;
  /** Interruptions to be expected in that time, and the hours of work that they would cost. */
  readonly interruptions: number;
  readonly lostHours: number;
  /** 0 (worst) to 1: see objective.ts. */
  readonly room: number;
  readonly steady: number;
  readonly accepting: number;
  readonly onDemand: number;
  /** The four above, weighed. */
  readonly availability: number;
}

export const TIERS = ['target', 'normal', 'avoided'] as const;
export type Tier = (typeof TIERS)[number];

export interface DecisionRemoval {
  readonly rule: RuleName;
  readonly offers: number;
  /** Up to three, in the order of names. */
  readonly examples: readonly Readonly<Record<'provider' | 'offer' | 'detail', string>>[];
}
