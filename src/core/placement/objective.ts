import type { JobSpec, Objective } from '../job.ts';
import type { Assumptions, PlacementProvider } from './types.ts';

/**
 * What the three objectives mean. All are minimized; ties are broken by choose.ts, the same way every time.
 *
 * cheapest   cost = price per hour × nodes × (hours + lost hours)
 *              hours       = runtime × speed of the reference model / speed of the offer's model, where both speeds
 *                            are known (policy gpu-speeds), else runtime
 *              lost hours  = hours × interruptions per hour × what one costs; on demand 0
 *            The runtime is what the job expects, else its longest, else an hour. A restart after an interruption
 *            costs half a checkpoint interval of work done again and RESTART_SECONDS of loading. What it costs to bring
 *            a job that ran before to its next place is the same everywhere, so it is in no comparison.
 * available  1 − availability
 *              availability = 0.6 room + 0.15 steady + 0.15 accepting + 0.1 on demand
 *              room        places that can be had / (capacity + 1): less for an offer of few places, which is one
 *                          claim away from having none (1 of 1 is 0.5, 90 of 100 is 0.89)
 *              steady      0, ½, 1 for a provider that has been healthy for under a minute, under ten, longer. Steps,
 *                          so that three seconds more of good health never outweigh a price
 *              accepting   1 / (1 + allocations that the provider refused or lost lately)
 *              onDemand    1, or 0 for spot, which can be taken away
 * balanced   cost / availability: a place that is half as available has to be half as dear
 */
export const WEIGHTS = { room: 0.6, steady: 0.15, accepting: 0.15, onDemand: 0.1 } as const;

/** SkyPilot's default for a job that says nothing (sky/optimizer.py): it scales all costs alike, so no order depends on it. */
export const DEFAULT_RUNTIME_SECONDS = 3_600;

/**
 * Median over nine AWS zones of how often a p3.2xlarge spot instance was lost per hour of having one, 45 days from
 * 2023-02-15 (0.10 in the steadiest zone, 1.39 in the worst): one model of one vendor, for want of better.
 */
export const SPOT_INTERRUPTIONS_PER_HOUR = 0.23;

/** An assumption: loading an image and a checkpoint until the work is where it was. */
export const RESTART_SECONDS = 120;

/** Points are whole millionths, so that equal is equal and a stored score is the score that decided. */
export const POINTS = 1_000_000;

export function assumptionsOf(spec: JobSpec, referenceModel: string | null): Assumptions {
  const { expectedRuntimeSeconds: expected, limits, checkpoint, kind } = spec;
  const runtimeSeconds = expected ?? limits.maxRuntimeSeconds ?? DEFAULT_RUNTIME_SECONDS;
  const redone = kind === 'inference' ? 0 : Math.min(checkpoint.intervalSeconds, runtimeSeconds) / 2;
  return {
    runtimeSeconds,
    runtimeFrom:
      expected !== null
        ? 'expectedRuntimeSeconds'
        : limits.maxRuntimeSeconds !== null
          ? 'maxRuntimeSeconds'
          : 'default',
    referenceModel,
    spotInterruptionsPerHour: SPOT_INTERRUPTIONS_PER_HOUR,
    interruptionSeconds: redone + RESTART_SECONDS,
  };
}

/** Hours that are paid for one node: of the work itself, and of what interruptions cost. `slowness`: 2 takes twice as long. */
export function hoursOf(
  assumptions: Assumptions,
  slowness: number,
  spot: boolean,
): { readonly hours: number; readonly interruptions: number; readonly lostHours: number } {
  const hours = (assumptions.runtimeSeconds / 3_600) * slowness;
  const interruptions = spot ? hours * assumptions.spotInterruptionsPerHour : 0;
  return { hours, interruptions, lostHours: (interruptions * assumptions.interruptionSeconds) / 3_600 };
}

/** Hours and lost hours together. */
export function paidHoursOf(assumptions: Assumptions, slowness: number, spot: boolean): number {
  const { hours, lostHours } = hoursOf(assumptions, slowness, spot);
  return hours + lostHours;
}

export function roomShare(places: number, capacity: number): number {
  return places / (capacity + 1);
}

/** In points. */
export function availabilityOf(room: number, steady: number, accepts: number, onDemand: number): number {
  return Math.round(
    POINTS *
      (WEIGHTS.room * room +
        WEIGHTS.steady * steady +
        WEIGHTS.accepting * accepts +
        WEIGHTS.onDemand * onDemand),
  );
}

/** What is minimized. `cost` in micros, `availability` in points. */
export function scoreOf(objective: Objective, cost: number, availability: number): number {
  if (objective === 'cheapest') return cost;
  if (objective === 'available') return POINTS - availability;
  return (cost * POINTS) / Math.max(1, availability);
}

export function steadiness(provider: Pick<PlacementProvider, 'healthSince'>, now: Date): number {
  const seconds = (now.getTime() - provider.healthSince.getTime()) / 1000;
  return seconds < 60 ? 0 : seconds < 600 ? 0.5 : 1;
}

export function accepting(provider: Pick<PlacementProvider, 'recentRefusals'>): number {
  return 1 / (1 + Math.max(0, provider.recentRefusals));
}
