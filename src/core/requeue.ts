import type { EndReason } from './allocation.ts';
import type { Change, JobChange, Requeue } from './change.ts';
import type { Held } from './failover.ts';
import type { JobReason, JobState } from './job.ts';
import type { Observation } from './order.ts';
import type { Timing } from './timing.ts';

/** The attempt is over through no fault of the job's: queue it again, unless it was to end with its provider. */
export function lose(held: Held, reason: JobReason, detail: string, now: Date, timing: Timing): JobChange {
  const ran = held.jobState === 'running';
  if (held.continuity === 'none' && ran) {
    return jobChange(held, 'failed', reason, `${detail}; continuity.mode is none`, {});
  }
  const failedStarts = ran ? 0 : held.failedStarts + 1;
  if (failedStarts >= timing.attemptsMax) {
    return jobChange(
      held,
      'failed',
      'attempts-exhausted',
      `${failedStarts} attempts in a row never ran: ${detail}`,
      {},
    );
  }
  const requeue: Requeue = {
    notBefore: ran ? null : after(now, backoffMs(failedStarts, timing)),
    avoid: { provider: held.provider, until: after(now, timing.avoidMs) },
    moveTo: null,
    failedStart: !ran,
    ...(held.continuity === 'active' && { toReplica: true }),
  };
  return jobChange(held, 'queued', reason, detail, { requeue });
}

/**
 * What was held for it is used up, and its provider kept to that: nobody's fault, so nothing is avoided and no start
 * counts as failed. It waits for money as any queued job does, and goes on from its checkpoint.
 */
export function outOfMoney(held: Held, seen: Observation, now: Date, timing: Timing): JobChange {
  const requeue: Requeue = {
    notBefore: seen.ranMs === null ? after(now, timing.backoffMs) : null,
    avoid: null,
    moveTo: null,
    failedStart: false,
    ...(held.continuity === 'active' && { toReplica: true }),
  };
  const detail = seen.detail ?? 'the money that was held for it is used up';
  return jobChange(held, 'queued', 'budget', detail, { requeue });
}

/** A job's run that is to be somewhere else, or at another time. */
export interface SentBack {
  readonly jobId: string;
  readonly allocationId: string;
  readonly reason: EndReason & JobReason;
  readonly detail: string | null;
}

/** Ends it in order, with its grace and its last checkpoint, and queues its job again. */
export function sendBack(
  { jobId, allocationId, reason, detail }: SentBack,
  requeue: Partial<Requeue> = {},
): Change[] {
  const usual: Requeue = { notBefore: null, avoid: null, moveTo: null, failedStart: false };
  return [
    { kind: 'releasing', allocationId, endReason: reason, detail },
    { kind: 'job', jobId, allocationId, to: 'queued', reason, detail, requeue: { ...usual, ...requeue } },
  ];
}

/** Doubles from backoffMs with every failed start in a row, up to backoffMaxMs. */
export function backoffMs(failedStarts: number, timing: Timing): number {
  return Math.min(timing.backoffMaxMs, timing.backoffMs * 2 ** Math.max(0, failedStarts - 1));
}

export function jobChange(
  held: Held,
  to: JobState,
  reason: JobReason,
  detail: string | null,
  more: Pick<JobChange, 'exitCode' | 'startedAt' | 'requeue'>,
): JobChange {
  return { kind: 'job', jobId: held.jobId, allocationId: held.allocationId, to, reason, detail, ...more };
}

const after = (now: Date, ms: number): Date => new Date(now.getTime() + ms);
