import type { WireMoney } from './money.ts';
import type { PlacementRules } from './rules.ts';

/**
 * Where a job can be. The one tuple from which the SQL CHECK, the API's enum, the README's diagram and
 * the exhaustive test derive.
 */
export const JOB_STATES = [
  'queued',
  'provisioning',
  'running',
  'stopping',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/**
 * Which states may follow which. A state with no way out is terminal.
 * `queued → succeeded | failed` looks odd and is deliberate: a job that was requeued because its provider
 * fell silent is still owned by its old allocation until a new one is placed, so when that provider comes
 * back and says "it had ended", the job is finished with that truth rather than run a second time.
 */
export const JOB_TRANSITIONS: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['provisioning', 'succeeded', 'failed', 'cancelled'],
  provisioning: ['running', 'queued', 'stopping', 'succeeded', 'failed', 'cancelled'],
  running: ['queued', 'stopping', 'succeeded', 'failed'],
  stopping: ['succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** The states that may change into `to`: what a guarded UPDATE names in its WHERE clause. */
export function jobStatesBefore(to: JobState): JobState[] {
  return JOB_STATES.filter((from) => JOB_TRANSITIONS[from].includes(to));
}

/** True for states with no way out. */
export function isTerminal(state: JobState): boolean {
  return JOB_TRANSITIONS[state].length === 0;
}

export const TERMINAL_JOB_STATES = JOB_STATES.filter(isTerminal);
export const LIVE_JOB_STATES = JOB_STATES.filter((state) => !isTerminal(state));

export const JOB_KINDS = ['training', 'inference'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export const OBJECTIVES = ['cheapest', 'available', 'balanced'] as const;
export type Objective = (typeof OBJECTIVES)[number];

export const SPOT_POLICIES = ['never', 'allowed', 'only'] as const;
export type SpotPolicy = (typeof SPOT_POLICIES)[number];

/**
 * What becomes of a job whose provider is lost. none: it fails with it. restart: it starts again elsewhere from its last
 * checkpoint. standby: the same, at a place that was held warm for it at another vendor's. active (services): it runs at
 * several vendors' at once, so that one of them is always up.
 */
export const CONTINUITY_MODES = ['none', 'restart', 'standby', 'active'] as const;
export type ContinuityMode = (typeof CONTINUITY_MODES)[number];

/** Whether a job goes back to where a disaster took it from: by itself, by an operator's word, or never. */
export const FAILBACKS = ['auto', 'manual', 'never'] as const;
export type Failback = (typeof FAILBACKS)[number];

export interface AllowDeny {
  /** Empty: everything is allowed. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** What a tenant asked for, defaults filled in. Stored as it is, never changed after submission. */
export interface JobSpec {
  readonly name: string;
  readonly project: string;
  readonly kind: JobKind;
  readonly run: {
    /** Container image; not needed where the provider runs processes. */
    readonly image: string | null;
    readonly command: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  readonly resources: {
    /** Per node. `count` 0 is a CPU job. `models` empty: any model. */
    readonly gpu: {
      readonly count: number;
      readonly models: readonly string[];
      /** A capacity class (core/policy.ts), whose members are accepted beside `models`; null: none. */
      readonly class: string | null;
      readonly minMemoryGiB: number;
    };
    readonly cpus: number;
    readonly memoryGiB: number;
    readonly nodes: number;
  };
  readonly placement: PlacementRules & { readonly objective: Objective };
  readonly continuity: {
    readonly mode: ContinuityMode;
    /** Targets, seconds; null: none stated. */
    readonly rtoSeconds: number | null;
    readonly rpoSeconds: number | null;
    /** See PlacementRules; the larger of the two counts. */
    readonly minSeparationKm: number | null;
    /** Absent (jobs from before it was known): manual. */
    readonly failback?: Failback;
  };
  readonly checkpoint: {
    readonly intervalSeconds: number;
    /** Start from what this other job of the same project last saved, until this job has saved something itself. */
    readonly fromJob: string | null;
  };
  readonly limits: {
    readonly maxRuntimeSeconds: number | null;
    /** In the accounting currency; what it costs is held against that, too. Absent (jobs from before it was known): no limit. */
    readonly maxCost?: WireMoney | null;
    /** RFC 3339; a job not ended by then is stopped and failed. */
    readonly deadline: string | null;
  };
  readonly expectedRuntimeSeconds: number | null;
  /** 0–100, higher first. */
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The quote that it is to be placed by. */
  readonly quoteId: string | null;
  /** Inference only. `port` is what the tenant prefers; the one to listen on is NARU_PORT. */
  readonly serve: {
    readonly port: number | null;
    readonly healthPath: string | null;
    /** Copies that run at once, with `continuity.mode: active`. Absent (jobs from before it was known): 1. */
    readonly replicas?: number;
  } | null;
  /** Between SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
}

/** Why a queued job is not running yet. */
export const WAITING_REASONS = [
  'no-match',
  'no-rate',
  'approval',
  'budget',
  'provider-health',
  'no-capacity',
  'fencing',
  'backoff',
  'scheduling',
] as const;
export type WaitingReason = (typeof WAITING_REASONS)[number];

export interface Waiting {
  readonly reason: WaitingReason;
  /** For a person: what is the matter and what would have to change. */
  readonly detail: string;
}

/**
 * Why a job is in the state that it is in: the machine-readable half of `reason`.
 * Written with every state change and shown in events.
 */
export const JOB_REASONS = [
  'submitted',
  'placed',
  'started',
  'exited',
  'cancelled',
  'provider-down',
  'provider-degraded',
  'allocation-lost',
  'allocation-refused',
  'operator-move',
  'provider-drain',
  'max-runtime',
  'deadline',
  'attempts-exhausted',
  /** A replica that was running already is the job's run now. */
  'taken-over',
  'preempted',
  'failback',
  /** Somebody who answers for the money did not approve it. */
  'rejected',
  /** The money that was held for it was used up: it waits until there is more. */
  'budget',
  /** It has cost what it may (`limits.maxCost`). */
  'max-cost',
] as const;
export type JobReason = (typeof JOB_REASONS)[number];
