import type { JobKind, JobSpec } from './job.ts';
import type { Timing } from './timing.ts';

/** How long starting takes at a provider, seconds, from what was seen there; null: it was never seen. */
export interface Start {
  /** From the decision until it ran: the median. */
  readonly startSeconds: number | null;
  /** From the decision until a service answered: the median. */
  readonly servingSeconds: number | null;
}

/** What going on elsewhere would take and lose, were its provider silent from now on. */
export interface Expectation {
  /** Until nobody can be running it any more and it is placed again: known, as it is ours to set. */
  readonly fenceSeconds: number;
  /** Until it runs there, or a service answers; null: it would go nowhere, or nobody has seen how long that takes. */
  readonly expectedSeconds: number | null;
  /** Age of what it would go on from; null: nothing was ever saved. A service has none. */
  readonly checkpointAgeSeconds: number | null;
  /** Work that would be done again; null: a service, or it has not begun. */
  readonly lostSeconds: number | null;
  readonly rto: Outlook;
  readonly rpo: Outlook;
}

/** Null `met`: there is no target, or it cannot be said. */
export interface Outlook {
  readonly targetSeconds: number | null;
  readonly met: boolean | null;
}

interface Losing {
  readonly kind: JobKind;
  readonly startedAt: Date | null;
  readonly savedAt: Date | null;
  readonly queued: { readonly spec: Pick<JobSpec, 'continuity'> };
}

/** `goes`: is there a place for it? `start`: at the provider that has it. */
export function expectationOf(
  job: Losing,
  goes: boolean,
  start: Start | null,
  now: Date,
  timing: Timing,
): Expectation {
  const { rtoSeconds, rpoSeconds } = job.queued.spec.continuity;
  const fenceSeconds = fenceSecondsOf(timing);
  const service = job.kind === 'inference';
  const starting = service ? (start?.servingSeconds ?? null) : (start?.startSeconds ?? null);
  const expectedSeconds = goes && starting !== null ? round(fenceSeconds + starting) : null;
  const since = job.savedAt ?? job.startedAt;
  const lostSeconds = service || since === null ? null : secondsBetween(since, now);
  return {
    fenceSeconds,
    expectedSeconds,
    checkpointAgeSeconds: service || job.savedAt === null ? null : secondsBetween(job.savedAt, now),
    lostSeconds,
    rto: rtoOf(rtoSeconds, goes, expectedSeconds, fenceSeconds),
    rpo: outlook(rpoSeconds, lostSeconds),
  };
}

/**
 * The floor of any move: the lease has to run out, with what clocks may differ, and the sweep has to see it. The
 * verdict comes before that (timing.ts), so it adds nothing.
 */
export function fenceSecondsOf({ leaseSeconds, leaseMarginMs, sweepMs }: Timing): number {
  return leaseSeconds + (leaseMarginMs + sweepMs) / 1_000;
}

/** Where it goes nowhere the target is missed; what is longer than the target before it starts is, too. */
function rtoOf(target: number | null, goes: boolean, expected: number | null, fence: number): Outlook {
  if (target === null) return { targetSeconds: null, met: null };
  if (!goes || fence > target) return { targetSeconds: target, met: false };
  return outlook(target, expected);
}

function outlook(target: number | null, seconds: number | null): Outlook {
  const met = target === null || seconds === null ? null : seconds <= target;
  return { targetSeconds: target, met };
}

const secondsBetween = (from: Date, to: Date): number => Math.max(0, to.getTime() - from.getTime()) / 1_000;
const round = (seconds: number): number => Math.round(seconds * 1_000) / 1_000;
