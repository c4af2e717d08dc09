import type { VerifiedPair } from '../drill/verified.ts';
import type { Account } from '../ledger/account.ts';
import type { JobSpec, Waiting } from '../job.ts';
import type { Decision } from './decision.ts';
import type { Approval } from '../ledger/approval.ts';
import type { Offer, Pool } from '../offer.ts';
import type { Policies } from '../policy.ts';
import type { BrokerKind, Certification, HealthState, ProviderMode, Realm, Site } from '../provider.ts';
import type { HeldQuote } from '../quote.ts';
import type { RuleSet } from '../rules.ts';
import type { FullOffer, SickScope } from './shut.ts';

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
  /** It was stopped for want of money, and why. Absent: it was not. */
  readonly unpaid?: string;
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

export { TIERS } from './decision.ts';
export type {
  Decision,
  Assumptions,
  DecisionOutcome,
  DecisionCandidate,
  ScoreParts,
  Tier,
  DecisionRemoval,
} from './decision.ts';
