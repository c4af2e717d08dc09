import type { EndReason } from './allocation.ts';
import type { JobKind } from './job.ts';
import type { Timing } from './timing.ts';

/**
 * What a job's moves took, read out of its attempts: nothing of it is written when a move is made, so nothing of it can
 * be forgotten by a crash. All moments are of the service's clock.
 */

/** One attempt, as far as its moves are concerned. */
export interface Leg {
  readonly id: string;
  readonly attempt: number;
  readonly provider: string;
  readonly region: string;
  readonly offer: string;
  readonly placedAt: Date;
  /** Null: it never ran. */
  readonly startedAt: Date | null;
  /** When it first answered its health path. */
  readonly servingAt: Date | null;
  readonly releasingAt: Date | null;
  readonly releasedAt: Date | null;
  /** Since it was told to go (releasingAt): its side stops it by then, heard or not. */
  readonly leaseUntil: Date;
  readonly endReason: EndReason | null;
  readonly endDetail: string | null;
  readonly restored: Restored | null;
  /** The verdict that gave its provider up, where that ended it. */
  readonly verdict: DownVerdict | null;
}

export interface Restored {
  readonly id: string;
  /** Null: it is not kept any more. */
  readonly savedAt: Date | null;
}

export interface DownVerdict {
  /** Last heard; what happened to it happened after. */
  readonly lastContactAt: Date | null;
  /** When it was called degraded for the silence that it was given up for. */
  readonly suspectedAt: Date | null;
  readonly downAt: Date;
}

export interface MovedJob {
  readonly kind: JobKind;
  readonly startedAt: Date | null;
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
}

/** Which attempt, and where. */
export type Place = Pick<Leg, 'provider' | 'region' | 'offer'> & { readonly allocationId: string };

export interface Move {
  readonly from: Place & { readonly attempt: number };
  /** The first attempt after it that ran, else the newest; null: none has been made yet. */
  readonly to: Place | null;
  /** Attempts that it took, the one that ran included. */
  readonly attempts: number;
  readonly cause: EndReason;
  readonly detail: string | null;
  /** The earliest that it can have been: when the place was last heard, or ended it, or was told to. */
  readonly faultAt: Date;
  readonly suspectedAt: Date | null;
  readonly downAt: Date | null;
  /** From then on the old place certainly runs nothing. */
  readonly fencedAt: Date | null;
  readonly decidedAt: Date | null;
  readonly startedAt: Date | null;
  readonly servingAt: Date | null;
  readonly checkpoint: (Restored & { readonly ageSeconds: number | null }) | null;
  /** From the fault to running again; of a service, to answering again. */
  readonly rto: Objective;
  /** Work that was done before the fault and is not in what was restored. A service has none. */
  readonly rpo: Objective;
}

export interface Objective {
  readonly targetSeconds: number | null;
  /** Null: not over yet, or nothing to achieve. */
  readonly achievedSeconds: number | null;
  /** Null: there is no target, or it can still be met. */
  readonly met: boolean | null;
}

/** Ends that are no end of the job: it goes on elsewhere. */
const MOVING: readonly EndReason[] = [
  'provider-down',
  'provider-degraded',
  'operator-move',
  'provider-drain',
  'preempted',
  'failback',
  'lease-expired',
  'lost',
];

/**
 * @param legs all attempts of the job, the first first
 * @returns a move for each attempt that ran and ended though the job had not; the first first
 */
export function movesOf(
  job: MovedJob,
  legs: readonly Leg[],
  now: Date,
  timing: Pick<Timing, 'leaseMarginMs'>,
): Move[] {
  return legs.flatMap((leg, index) => {
    const { endReason } = leg;
    if (leg.startedAt === null || endReason === null || !MOVING.includes(endReason)) return [];
    const after = legs.slice(index + 1);
    const ran = after.findIndex(({ startedAt }) => startedAt !== null);
    const tries = ran < 0 ? after : after.slice(0, ran + 1);
    return [moveOf(job, { ...leg, endReason }, tries, now, fencedAt(leg, now, timing))];
  });
}

function moveOf(
  job: MovedJob,
  from: Leg & { readonly endReason: EndReason },
  tries: readonly Leg[],
  now: Date,
  fenced: Date | null,
): Move {
  const to = tries.at(-1) ?? null;
  const faultAt = faultOf(from, now);
  const restored = to?.restored ?? null;
  const back = job.kind === 'inference' ? (to?.servingAt ?? null) : (to?.startedAt ?? null);
  // Where nothing was restored, all of it was lost.
  const savedAt = restored === null ? job.startedAt : restored.savedAt;
  const lost =
    job.kind === 'inference' || back === null || savedAt === null ? null : between(savedAt, faultAt);
  return {
    from: { ...placeOf(from), attempt: from.attempt },
    to: to === null ? null : placeOf(to),
    attempts: tries.length,
    cause: from.endReason,
    detail: from.endDetail,
    faultAt,
    suspectedAt: from.verdict?.suspectedAt ?? null,
    downAt: from.verdict?.downAt ?? null,
    fencedAt: fenced,
    // A copy that ran already was switched to; where it runs was decided long before.
    decidedAt: to !== null && to.placedAt < faultAt ? from.releasingAt : (to?.placedAt ?? null),
    startedAt: to?.startedAt ?? null,
    servingAt: to?.servingAt ?? null,
    checkpoint: restored && {
      ...restored,
      ageSeconds: restored.savedAt && between(restored.savedAt, faultAt),
    },
    rto: objective(job.rtoSeconds, back && between(faultAt, back), between(faultAt, now)),
    rpo: objective(job.rpoSeconds, lost, 0),
  };
}

/** A provider that was given up may have failed as soon as it was last heard: from there the clock runs. */
function faultOf({ verdict, releasingAt, releasedAt, placedAt }: Leg, now: Date): Date {
  if (verdict !== null) return verdict.lastContactAt ?? verdict.downAt;
  const ended = [releasingAt, releasedAt].filter((at) => at !== null);
  const first = ended.length > 0 ? Math.min(...ended.map(Number)) : now.getTime();
  return new Date(Math.max(first, placedAt.getTime()));
}

/** When it said that it had ended, or when its lease was over with what clocks may differ: whichever came first. */
function fencedAt(
  { releasingAt, releasedAt, leaseUntil }: Leg,
  now: Date,
  { leaseMarginMs }: Pick<Timing, 'leaseMarginMs'>,
): Date | null {
  const over = releasingAt === null ? Infinity : leaseUntil.getTime() + leaseMarginMs;
  const first = Math.min(releasedAt?.getTime() ?? Infinity, over);
  return first <= now.getTime() ? new Date(first) : null;
}

function placeOf({ id, provider, region, offer }: Leg): Place {
  return { allocationId: id, provider, region, offer };
}

/** `elapsed`: what is over already of what is not achieved yet. */
function objective(target: number | null, achieved: number | null, elapsed: number): Objective {
  const late = target !== null && (achieved ?? elapsed) > target;
  const met = target === null || (achieved === null && !late) ? null : !late;
  return { targetSeconds: target, achievedSeconds: achieved, met };
}

/** Seconds, to the millisecond; never negative, as two clocks may have told them. */
function between(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 1_000;
}
