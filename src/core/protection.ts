import type { SpareRole } from './allocation.ts';
import type { JobSpec } from './job.ts';
import { toWire } from './money.ts';
import type { Decision } from './placement/types.ts';

/** Copies of a service that run at once, at most: each at another vendor's, and there are not so many. */
export const REPLICAS_MAX = 4;

/** What stands by for a job, besides its run. */
export interface Protection {
  readonly role: SpareRole;
  /** How many of them. */
  readonly count: number;
}

/** What a job's continuity asks for; null: nothing stands by. */
export function protectionOf({
  continuity,
  serve,
}: Pick<JobSpec, 'continuity' | 'serve'>): Protection | null {
  if (continuity.mode === 'standby') return { role: 'standby', count: 1 };
  if (continuity.mode === 'active') return { role: 'replica', count: Math.max(2, serve?.replicas ?? 1) - 1 };
  return null;
}

/** Work that must not stop: something is to stand by for it. */
export function isGuarded({ continuity: { mode } }: Pick<JobSpec, 'continuity'>): boolean {
  return mode === 'standby' || mode === 'active';
}

/** A place that is held warm for a job. */
export interface Standby {
  readonly id: string;
  readonly provider: string;
  readonly offer: string;
  readonly region: string;
  readonly spot: boolean;
  readonly nodes: number;
  /** Of all nodes, locked when it was placed; accounting currency. */
  readonly priceMicrosPerHour: bigint;
}

/**
 * Why a job goes on where it stands by: nothing else was considered, that is what the place was held for.
 *
 * @param currency ISO 4217, the accounting currency
 */
export function promotionDecision(spec: JobSpec, standby: Standby, now: Date, currency: string): Decision {
  const { id, provider, offer, region, spot, nodes, priceMicrosPerHour } = standby;
  const seconds = spec.expectedRuntimeSeconds ?? 3_600;
  return {
    version: 2,
    at: now.toISOString(),
    objective: spec.placement.objective,
    assumptions: null,
    considered: { providers: 1, offers: 1, matching: 1 },
    outcome: {
      kind: 'placed',
      provider,
      offer,
      region,
      spot,
      nodes,
      pricePerHour: toWire(priceMicrosPerHour, currency),
      estimatedCost: toWire((priceMicrosPerHour * BigInt(seconds)) / 3_600n, currency),
    },
    candidates: [],
    removed: [],
    notes: [`it stood by here (${id}): what it held passes over to the run, at the price of then`],
  };
}
