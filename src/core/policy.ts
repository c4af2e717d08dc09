import type { FormFactor } from './gpu.ts';
import type { Realm } from './provider.ts';
import type { CertificationNeed } from './rules.ts';

/**
 * What changes with the law and the market rather than with the program is kept as tables that an administrator
 * replaces (`PUT /v1/policies/{name}`); this file says what a row means. An installation starts with the tables in
 * core/policies/, which are data too.
 */
export const POLICY_NAMES = ['data-grades', 'capacity-classes', 'gpu-speeds'] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

/** N2SF: open, sensitive, classified. Mixed data takes the highest grade. */
export const DATA_GRADES = ['open', 'sensitive', 'classified'] as const;
export type DataGrade = (typeof DATA_GRADES)[number];

/** One way in which a place may carry data of a grade; any row that holds now is enough. */
export interface DataGradeRow {
  readonly grade: DataGrade;
  /** Any of these. */
  readonly realms: readonly Realm[];
  /** ISO 3166-1 alpha-2, where the machines have to stand; empty: anywhere. */
  readonly countries: readonly string[];
  /** Held, valid and vouched for; null: none is needed. */
  readonly certification: CertificationNeed | null;
  /** RFC 3339; from when until when (null: until it is replaced) the row holds. */
  readonly validFrom: string;
  readonly validUntil: string | null;
  /** For people: where that is written. */
  readonly note: string;
}

/** GPUs that can stand in for each other. */
export interface CapacityClass {
  readonly name: string;
  readonly members: readonly CapacityClassMember[];
  readonly note: string;
}

export interface CapacityClassMember {
  /** Canonical (core/gpu.ts). */
  readonly model: string;
  /** Null: any. */
  readonly formFactor: FormFactor | null;
  /** Of one device, GiB; 0: any. */
  readonly minMemoryGiB: number;
}

/** How fast a model is: twice the speed is half the time. */
export interface GpuSpeed {
  /** Canonical. */
  readonly model: string;
  /** In units of an A100-80GB; > 0. */
  readonly speed: number;
  /** Where the number is from. */
  readonly note: string;
}

export interface Policies {
  readonly dataGrades: readonly DataGradeRow[];
  readonly capacityClasses: readonly CapacityClass[];
  readonly gpuSpeeds: readonly GpuSpeed[];
}

/** Where each table is kept among the policies. */
export const POLICY_TABLES = {
  'data-grades': 'dataGrades',
  'capacity-classes': 'capacityClasses',
  'gpu-speeds': 'gpuSpeeds',
} as const satisfies Record<PolicyName, keyof Policies>;

/** The rows of a table. */
export type PolicyRows<Name extends PolicyName> = Policies[(typeof POLICY_TABLES)[Name]];
