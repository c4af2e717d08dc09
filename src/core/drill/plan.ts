import type { ContinuityMode } from '../job.ts';
import type { WireMoney } from '../money.ts';

/** What a drill would do: what is confirmed, and what a tabletop drill is about. */
export interface DrillPlan {
  /** RFC 3339; the world goes on changing. */
  readonly at: string;
  readonly canaries: readonly PlannedCanary[];
  /** Running jobs in scope; the first PLANNED_MAX of them are listed. */
  readonly jobsInScope: number;
  readonly jobs: readonly PlannedJob[];
}

export const PLANNED_MAX = 1_000;

export interface PlannedCanary {
  readonly provider: string;
  readonly count: number;
  /** The GPU of the smallest offer that the provider sells; null: it sells none. */
  readonly gpu: { readonly model: string; readonly count: number } | null;
}

export interface PlannedJob {
  readonly jobId: string;
  readonly from: string;
  readonly mode: ContinuityMode;
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
  /** Null: nowhere, or not known. */
  readonly to: string | null;
  readonly expectedSeconds: number | null;
  readonly pricePerHour: WireMoney | null;
  /** Why there is no place, or what else is to be known. */
  readonly why: string | null;
}

/** How many jobs a drill of this plan touches. */
export function touched({ canaries, jobsInScope }: DrillPlan, tenants: boolean): number {
  return canaries.reduce((sum, { count }) => sum + count, 0) + (tenants ? jobsInScope : 0);
}
