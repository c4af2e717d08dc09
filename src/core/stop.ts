import type { Change } from './change.ts';
import type { JobState } from './job.ts';

/** A job that somebody wants to stop. */
export interface Stoppable {
  readonly id: string;
  readonly state: JobState;
  /** Its live allocation. */
  readonly allocation: { readonly id: string } | null;
}

/** Tells a job to stop and what it becomes then; a queued one becomes it at once. */
export function stopChanges(
  job: Stoppable,
  to: 'cancelled' | 'failed',
  reason: 'cancelled' | 'max-runtime' | 'deadline' | 'max-cost',
  detail: string | null,
): Change[] {
  const base = { kind: 'job', jobId: job.id, allocationId: null, reason, detail } as const;
  if (job.state === 'queued' || job.allocation === null) return [{ ...base, to }];
  return [
    {
      kind: 'releasing',
      allocationId: job.allocation.id,
      endReason: reason === 'max-cost' ? 'budget' : reason,
      detail,
    },
    { ...base, to: 'stopping', stoppingTo: to },
  ];
}
