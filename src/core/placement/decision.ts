import type { Objective, WaitingReason } from '../job.ts';
import type { WireMoney } from '../money.ts';
import type { RuleName } from './rules.ts';

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
