import type { EndReason } from './allocation.ts';
import type { JobReason, JobState } from './job.ts';
import type { Outcome } from './order.ts';

/**
 * The unit of writing: what a decision wants to be true. Each is applied behind guards (the states that it may
 * leave, the allocation that must still be the job's current one); one that finds the world changed is dropped as
 * stale, which is a normal answer.
 */
export type Change = Activate | Releasing | Release | JobChange;

/** The provider was seen to have it (and, with `startedAt`, to run it). */
export interface Activate {
  readonly kind: 'activate';
  readonly allocationId: string;
  readonly startedAt: Date | null;
  readonly endpoint: string | null;
  readonly serving: boolean | null;
}

/** We want it gone: no lease is renewed for a fenced one, and a stop order is shown to the provider. */
export interface Releasing {
  readonly kind: 'releasing';
  readonly allocationId: string;
  readonly endReason: EndReason;
  readonly detail: string | null;
}

/** It is gone: its capacity is free and its bill is final. */
export interface Release {
  readonly kind: 'release';
  readonly allocationId: string;
  /** Null where it never ran, or when that was known already. */
  readonly startedAt: Date | null;
  readonly endedAt: Date;
  readonly outcome: Outcome;
  /** Kept only where the allocation has none yet. */
  readonly endReason: EndReason;
  readonly exitCode: number | null;
  readonly detail: string | null;
}

export interface JobChange {
  readonly kind: 'job';
  readonly jobId: string;
  /** Must still be the job's current allocation; null: whatever it is (an operator's or tenant's word). */
  readonly allocationId: string | null;
  readonly to: JobState;
  readonly reason: JobReason;
  readonly detail: string | null;
  readonly exitCode?: number | null;
  /** With `to: 'running'`. */
  readonly startedAt?: Date;
  /** With `to: 'stopping'`. */
  readonly stoppingTo?: 'cancelled' | 'failed';
  /** With `to: 'queued'`. */
  readonly requeue?: Requeue;
}

export interface Requeue {
  readonly notBefore: Date | null;
  /** A provider to avoid, and until when. */
  readonly avoid: { readonly provider: string; readonly until: Date } | null;
  readonly moveTo: string | null;
  /** It was refused or lost before it ran. */
  readonly failedStart: boolean;
  /** Where a replica of it runs, that is its run from now on, and it is not queued. */
  readonly toReplica?: boolean;
}
