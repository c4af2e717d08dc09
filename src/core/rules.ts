import type { AllowDeny, Objective, SpotPolicy } from './job.ts';
import type { WireMoney } from './money.ts';
import type { DataGrade } from './policy.ts';
import type { Realm } from './provider.ts';

/** A certificate that a provider must hold. */
export interface CertificationNeed {
  readonly scheme: string;
  /** Any of these; empty: any grade of the scheme. */
  readonly grades: readonly string[];
}

/**
 * Where work may run. The same words at three levels: of an organization, of a project, of a job. A place has to keep
 * the rules of every level (intersection), so a lower level can only narrow what a higher one leaves.
 */
export interface PlacementRules {
  readonly providers: AllowDeny;
  readonly regions: AllowDeny;
  /** ISO 3166-1 alpha-2; empty: any. */
  readonly countries: readonly string[];
  /** Empty: any. */
  readonly realms: readonly Realm[];
  /** All of them. */
  readonly certifications: readonly CertificationNeed[];
  /** How the data is graded; the policy `data-grades` says which places that leaves. Null: not graded. */
  readonly dataGrade: DataGrade | null;
  /** Of one whole offer, any currency that has a rate. As it was written: rules are stored as JSON. */
  readonly maxPricePerHour: WireMoney | null;
  /** Of the whole job, as it is estimated; needs an expected or a longest runtime. */
  readonly maxPricePerJob: WireMoney | null;
  readonly spot: SpotPolicy;
  /** Between a job and what stands in for it elsewhere, and between a job and the place that lost it. Kilometres. */
  readonly minSeparationKm: number | null;
  /** Only providers whose recovery was proved by a drill. */
  readonly drVerified: boolean;
}

/** The rules of an organization or a project. */
export interface RuleSet extends PlacementRules {
  /** What the jobs want that say nothing themselves; null: what a wider level says, `cheapest` in the end. */
  readonly objective: Objective | null;
  /**
   * May its jobs have to make room for others' that must not stop, when a disaster leaves those without a place? Null or
   * absent: what a wider level says, no in the end.
   */
  readonly preemptible?: boolean | null;
}

export const RULE_LEVELS = ['organization', 'project', 'job'] as const;
export type RuleLevel = (typeof RULE_LEVELS)[number];

/** Rules and whose they are. */
export interface LeveledRules {
  readonly level: RuleLevel;
  /** Of the organization or the project; `this job`. */
  readonly name: string;
  readonly rules: PlacementRules;
}

const ALL: AllowDeny = { allow: [], deny: [] };

/** Forbids nothing: what an organization or project has before somebody sets rules. */
export const NO_RULES: RuleSet = {
  objective: null,
  providers: ALL,
  regions: ALL,
  countries: [],
  realms: [],
  certifications: [],
  dataGrade: null,
  maxPricePerHour: null,
  maxPricePerJob: null,
  spot: 'allowed',
  minSeparationKm: null,
  drVerified: false,
};
