import type { AllocationState, EndReason } from './allocation.ts';
import type { Change, JobChange } from './change.ts';
import { isTerminal, type ContinuityMode, type JobReason, type JobState } from './job.ts';
import type { Fault } from './fault.ts';
import type { Observation, Outcome } from './order.ts';
import { jobChange, lose, outOfMoney } from './requeue.ts';
import type { Timing } from './timing.ts';

/** What the judgement of an allocation needs to know of it and of its job. */
export interface Held {
  readonly allocationId: string;
  readonly provider: string;
  readonly state: AllocationState;
  readonly startedAt: Date | null;
  readonly serving: boolean | null;
  readonly endpoint: string | null;
  readonly jobId: string;
  readonly jobState: JobState;
  readonly jobStoppingTo: 'cancelled' | 'failed' | null;
  /** Why the job is in its state; a stop that ends keeps the reason that it was asked for with. */
  readonly jobReason: JobReason;
  readonly jobReasonDetail: string | null;
  /** Is this the job's current allocation? Only then does its fate concern the job. */
  readonly current: boolean;
  readonly continuity: ContinuityMode;
  readonly failedStarts: number;
}

/**
 * What a provider's word about one allocation means. Pure; the whole of "a job ended", "a job was lost" and "a
 * provider came back from the dead" is decided here, for every broker alike.
 */
export function judgeObservation(held: Held, seen: Observation, now: Date, timing: Timing): Change[] {
  if (seen.phase === 'ended') return judgeEnd(held, seen, now, timing);
  if (held.state === 'released') return [];
  const startedAt = seen.ranMs === null ? null : before(now, seen.ranMs);
  const changes: Change[] = [];
  if (isNews(held, seen, startedAt)) {
    changes.push({
      kind: 'activate',
      allocationId: held.allocationId,
      startedAt,
      endpoint: seen.endpoint,
      serving: seen.serving,
    });
  }
  if (startedAt !== null && held.current && held.jobState === 'provisioning') {
    changes.push(jobChange(held, 'running', 'started', null, { startedAt }));
  }
  return changes;
}

/**
 * An allocation that the provider had been seen to have is not in its complete list: it has no record of it any
 * more, so it does not run. One still `submitting` may simply not have been taken yet.
 */
export function judgeAbsence(held: Held, now: Date, timing: Timing): Change[] {
  if (held.state !== 'active' && held.state !== 'releasing') return [];
  return judgeEnd(held, gone(held.allocationId, 'lost', 'the provider has no record of it'), now, timing);
}

/**
 * The same where the provider is called by us: an order for it may still be on its way, so that it is not there is no
 * proof that it never will be. It is fenced, and its lease's end decides.
 */
export function judgeUnseen(held: Held, now: Date, timing: Timing): Change[] {
  if (held.state !== 'active') return [];
  return giveUp(held, 'lost', 'allocation-lost', 'the provider does not show it any more', now, timing);
}

/**
 * What a failure to start an allocation means: a clear no ends it. Null for everything else: whether it was started is
 * not known then, and the next look decides it.
 */
export function judgeFault(
  held: Held,
  fault: Fault,
  detail: string,
  now: Date,
  timing: Timing,
): Change[] | null {
  if (fault !== 'rejected' && fault !== 'no_capacity') return null;
  if (held.state === 'released') return [];
  const outcome = fault === 'rejected' ? 'refused' : 'no-capacity';
  return judgeEnd(held, gone(held.allocationId, outcome, detail.slice(0, 500)), now, timing);
}

/** A releasing allocation whose lease is over: the provider's side has ended it, whether or not we hear of it. */
export function judgeLeaseOver(held: Held, now: Date, timing: Timing): Change[] {
  if (held.state !== 'releasing') return [];
  return judgeEnd(held, gone(held.allocationId, 'lease-expired', 'its lease ran out unheard'), now, timing);
}

/** Its place is down: fence it, and let the job go elsewhere (or fail with it, for `continuity.mode: none`). */
export function judgeProviderDown(held: Held, now: Date, timing: Timing, why?: string): Change[] {
  if (held.state !== 'submitting' && held.state !== 'active') return [];
  return giveUp(held, 'provider-down', 'provider-down', why ?? `${held.provider} is down`, now, timing);
}

/** Fences an allocation that nobody can speak of: its job waits for the lease's end, and goes elsewhere then. */
function giveUp(
  held: Held,
  endReason: EndReason,
  reason: JobReason,
  detail: string,
  now: Date,
  timing: Timing,
): Change[] {
  const changes: Change[] = [{ kind: 'releasing', allocationId: held.allocationId, endReason, detail }];
  if (held.current && (held.jobState === 'provisioning' || held.jobState === 'running')) {
    changes.push(lose(held, reason, detail, now, timing));
  }
  return changes;
}

function judgeEnd(held: Held, seen: Observation, now: Date, timing: Timing): Change[] {
  const changes: Change[] = [];
  const outcome = seen.outcome ?? 'lost';
  const endedAt = before(now, seen.endedAgoMs ?? 0);
  const startedAt = seen.ranMs === null || held.startedAt !== null ? null : before(endedAt, seen.ranMs);
  if (held.state !== 'released') {
    changes.push({
      kind: 'release',
      allocationId: held.allocationId,
      startedAt,
      endedAt,
      outcome,
      endReason: endReasonOf(outcome),
      exitCode: seen.exitCode,
      detail: seen.detail,
    });
  }
  const fate = held.current ? fateOfJob(held, seen, outcome, now, timing) : null;
  if (fate !== null) {
    // A run so short that its start was never seen: the job was running all the same, and its history says so.
    if (seen.ranMs !== null && held.jobState === 'provisioning') {
      changes.push(jobChange(held, 'running', 'started', null, { startedAt: before(endedAt, seen.ranMs) }));
    }
    changes.push(fate);
  }
  return changes;
}

function fateOfJob(
  held: Held,
  seen: Observation,
  outcome: Outcome,
  now: Date,
  timing: Timing,
): JobChange | null {
  if (isTerminal(held.jobState)) return null;
  const exited = outcome === 'exited';
  if (exited && seen.exitCode === 0) {
    // True in every state: also for a job that was requeued because its provider fell silent just after.
    return jobChange(held, 'succeeded', 'exited', seen.detail, { exitCode: 0 });
  }
  if (held.jobState === 'stopping') {
    const to = held.jobStoppingTo ?? 'cancelled';
    return jobChange(held, to, held.jobReason, held.jobReasonDetail, { exitCode: seen.exitCode });
  }
  // Requeued already; how the old attempt ended changes nothing any more.
  if (held.jobState === 'queued') return null;
  if (exited) {
    const detail = seen.detail ?? `the command ended with exit code ${seen.exitCode ?? 'unknown'}`;
    return jobChange(held, 'failed', 'exited', detail, { exitCode: seen.exitCode });
  }
  if (outcome === 'unpaid') return outOfMoney(held, seen, now, timing);
  const refused = outcome === 'refused' || outcome === 'no-capacity';
  return lose(held, refused ? 'allocation-refused' : 'allocation-lost', seen.detail ?? outcome, now, timing);
}

function isNews(held: Held, seen: Observation, startedAt: Date | null): boolean {
  if (held.state === 'submitting') return true;
  if (startedAt !== null && held.startedAt === null) return true;
  return seen.endpoint !== held.endpoint || seen.serving !== held.serving;
}

function endReasonOf(outcome: Outcome): EndReason {
  switch (outcome) {
    case 'exited':
    case 'lease-expired':
    case 'lost':
      return outcome;
    case 'stopped':
      return 'lost';
    case 'unpaid':
      return 'budget';
    case 'refused':
    case 'no-capacity':
      return 'refused';
  }
}

/** An end that nobody saw, or before which nothing ran. */
function gone(allocationId: string, outcome: Outcome, detail: string): Observation {
  return {
    allocationId,
    phase: 'ended',
    ranMs: null,
    endedAgoMs: 0,
    outcome,
    exitCode: null,
    detail,
    endpoint: null,
    serving: null,
  };
}

const before = (now: Date, ms: number): Date => new Date(now.getTime() - ms);
