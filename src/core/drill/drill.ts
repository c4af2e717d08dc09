import type { WireMoney } from '../money.ts';

/**
 * Where a drill can be. `restoring`: nothing is broken any more than it was, and what the drill made is being removed;
 * what it ends as is decided before, so that a crash between the two forgets neither.
 */
export const DRILL_STATES = [
  'planned',
  'running',
  'restoring',
  'passed',
  'failed',
  'cancelled',
  'aborted',
] as const;
export type DrillState = (typeof DRILL_STATES)[number];

export const DRILL_TRANSITIONS: Readonly<Record<DrillState, readonly DrillState[]>> = {
  // Straight to `restoring`: a tabletop drill moves nothing, a simulation only in a copy, and what cannot be held is given
  // up at once.
  planned: ['running', 'restoring', 'cancelled'],
  running: ['restoring'],
  restoring: ['passed', 'failed', 'cancelled', 'aborted'],
  passed: [],
  failed: [],
  cancelled: [],
  aborted: [],
};

/** Ends, which are never left again. */
export const DRILL_ENDS = [
  'passed',
  'failed',
  'cancelled',
  'aborted',
] as const satisfies readonly DrillState[];
export type DrillEnd = (typeof DRILL_ENDS)[number];

/** The states that the engine still has something to do about. */
export const OPEN_DRILL_STATES = ['planned', 'running', 'restoring'] as const satisfies readonly DrillState[];
/** In these it may have something cut off. */
export const ACTIVE_DRILL_STATES = ['running', 'restoring'] as const satisfies readonly DrillState[];

/**
 * From the least to the most real. tabletop: who would go where, computed. simulation: the service's own flows on a copy of
 * the present world (src/rehearsal). parallel: canaries are lost for real. full: what runs is.
 */
export const DRILL_MODES = ['tabletop', 'simulation', 'parallel', 'full'] as const;
export type DrillMode = (typeof DRILL_MODES)[number];
/** Nothing real is touched by these. */
export const PAPER_MODES: readonly DrillMode[] = ['tabletop', 'simulation'];
/** Only these move real work, so only these can prove anything. */
export const PROVING_MODES: readonly DrillMode[] = ['parallel', 'full'];

export const SCENARIO_KINDS = ['provider-outage', 'site-disaster', 'degradation'] as const;
export type Scenario =
  | { readonly kind: 'provider-outage'; readonly provider: string }
  | {
      readonly kind: 'site-disaster';
      /** Degrees, WGS 84. */
      readonly latitude: number;
      readonly longitude: number;
      readonly radiusKm: number;
    }
  /** It is heard too rarely to be trusted, and not rarely enough to be given up. */
  | { readonly kind: 'degradation'; readonly provider: string };

export interface DrillLimits {
  /** Jobs that it may touch at most, canaries included; null: no limit. */
  readonly maxJobs: number | null;
  /** In the accounting currency; null: no limit. */
  readonly maxCost: WireMoney | null;
  /** From its start; what is cut off is heard again by then, whoever may have died. */
  readonly abortAfterSeconds: number;
}

/** What was asked for, defaults filled in. */
export interface DrillSpec {
  readonly scenario: Scenario;
  readonly mode: DrillMode;
  /** `parallel`: canaries for each provider. `full`: at most so many of the jobs there; or exactly these. Null: all. */
  readonly jobs: number | readonly string[] | null;
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
  readonly limits: DrillLimits;
  /** How long what it proves counts. */
  readonly validDays: number;
  /** Plan another one so long after its end; null: do not. */
  readonly everyDays: number | null;
  readonly note: string | null;
}

export const VALID_DAYS = 180;
export const VALID_DAYS_MAX = 365;
export const CANARIES = 1;
export const CANARIES_MAX = 20;
export const ABORT_AFTER_SECONDS = 600;
export const ABORT_AFTER_SECONDS_MAX = 3_600;

/** Does it break something for real (as far as somebody can tell), so that one at a time is enough for a provider? */
export function takesHold({ mode }: Pick<DrillSpec, 'mode'>): boolean {
  return PROVING_MODES.includes(mode);
}

export const DAY_MS = 86_400_000;
