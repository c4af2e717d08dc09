/** What is asked of a running job, and what was done about it. Moments are upMs(). */
export interface Fate {
  /** Its lease ends then: nothing of it may run any longer, whatever its grace. */
  deadlineMs: number;
  /** It was told to stop, and may take until then. Infinity: it was not. */
  stopAtMs: number;
  termSent: boolean;
  killed: boolean;
  /** Why it is being ended; null while it is not. The first cause counts. */
  cause: 'stopped' | 'lease-expired' | null;
}

export interface Due {
  readonly signal: 'SIGTERM' | 'SIGKILL';
  readonly cause: Fate['cause'];
}

/**
 * SIGTERM comes this long before a lease ends. Short on purpose: with 6 s leases a silence that the service itself
 * does not yet call an outage (5 s) must not end a job, and what a job saves in its last moments without contact
 * would be refused anyway.
 */
export const LEASE_WARNING_MS = 500;

/** What has to be done to the job at `now`; null: nothing. */
export function whatIsDue(fate: Fate, now: number): Due | null {
  const stopping = fate.stopAtMs !== Number.POSITIVE_INFINITY;
  const cause = fate.cause ?? (stopping ? 'stopped' : 'lease-expired');
  if (now >= fate.deadlineMs || (stopping && now >= fate.stopAtMs)) {
    return fate.killed ? null : { signal: 'SIGKILL', cause };
  }
  if (fate.termSent) return null;
  if (stopping || now >= fate.deadlineMs - LEASE_WARNING_MS) return { signal: 'SIGTERM', cause };
  return null;
}

/** When whatIsDue may next have something to say. */
export function dueAt(fate: Fate): number {
  if (fate.killed) return Number.POSITIVE_INFINITY;
  const last = Math.min(fate.deadlineMs, fate.stopAtMs);
  return fate.termSent ? last : Math.min(last, fate.deadlineMs - LEASE_WARNING_MS);
}
