import { SAVE_ALLOWANCE_SECONDS } from '../core/orders.ts';

/** What is asked of a running job, and what was done about it. Moments are upMs(). */
export interface Fate {
  /** Its lease ends then: nothing of it may run any longer, whatever its grace. */
  deadlineMs: number;
  /** What is paid of its run ends then, like a lease, and nothing renews it but money. Infinity: no end. */
  paidUntilMs: number;
  /** So it is told to stop then, unless more is paid: it has its grace, and what it saved can be sent. */
  windDownMs: number;
  /** It was told to stop, and may take until then. Infinity: it was not. */
  stopAtMs: number;
  termSent: boolean;
  killed: boolean;
  /** Why it is being ended; null while it is not. The first cause counts. */
  cause: 'stopped' | 'lease-expired' | 'unpaid' | null;
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

/**
 * So long after its end a job may still be there: the sentinel looks a little later than the warden, SIGKILL takes a
 * moment. No second may be used that nobody holds money for, so the paid time ends that much before it is over.
 */
export const END_MARGIN_MS = 500;

/**
 * Of a run that began at `startedMs`. Less than it takes to stop and save was paid: half of it is for that, so that a
 * short time is not all spent on ending.
 */
export function paidEnds(
  startedMs: number,
  paidMs: number | null,
  graceMs: number,
): Pick<Fate, 'paidUntilMs' | 'windDownMs'> {
  if (paidMs === null) return { paidUntilMs: Infinity, windDownMs: Infinity };
  const needed = Math.min(graceMs + SAVE_ALLOWANCE_SECONDS * 1000, paidMs / 2);
  return { paidUntilMs: startedMs + paidMs - END_MARGIN_MS, windDownMs: startedMs + paidMs - needed };
}

/** Nothing of it may run any longer than that. */
export function endOf(fate: Pick<Fate, 'deadlineMs' | 'paidUntilMs'>): number {
  return Math.min(fate.deadlineMs, fate.paidUntilMs);
}

/** What ends it if nobody stops it: whichever it is told of first. */
export function nearerEnd(fate: Fate): 'lease-expired' | 'unpaid' {
  return fate.windDownMs <= fate.deadlineMs - LEASE_WARNING_MS ? 'unpaid' : 'lease-expired';
}

/** What has to be done to the job at `now`; null: nothing. */
export function whatIsDue(fate: Fate, now: number): Due | null {
  const stopping = fate.stopAtMs !== Number.POSITIVE_INFINITY;
  const cause = fate.cause ?? (stopping ? 'stopped' : nearerEnd(fate));
  if (now >= endOf(fate) || (stopping && now >= fate.stopAtMs)) {
    return fate.killed ? null : { signal: 'SIGKILL', cause };
  }
  if (fate.termSent) return null;
  if (stopping || now >= toldAt(fate)) return { signal: 'SIGTERM', cause };
  return null;
}

/** When whatIsDue may next have something to say. */
export function dueAt(fate: Fate): number {
  if (fate.killed) return Number.POSITIVE_INFINITY;
  const last = Math.min(endOf(fate), fate.stopAtMs);
  return fate.termSent ? last : Math.min(last, toldAt(fate));
}

function toldAt({ deadlineMs, windDownMs }: Fate): number {
  return Math.min(deadlineMs - LEASE_WARNING_MS, windDownMs);
}
