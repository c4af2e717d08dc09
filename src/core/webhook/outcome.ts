import type { DeliveryState } from '../ledger/words.ts';

/** What a receiver answered, or why it did not. */
export type Reply =
  | { readonly status: number; readonly retryAfter: string | null }
  | { readonly status: null; readonly error: string };

/** How a delivery stands after an attempt. */
export interface Outcome {
  readonly state: DeliveryState;
  /** Of the next attempt; null where there is none. */
  readonly nextAt: Date | null;
  readonly status: number | null;
  readonly error: string | null;
}

/** After each failed attempt; a day and an hour in all, and then it is given up. */
export const BACKOFF_SECONDS = [10, 30, 120, 600, 3_600, 21_600, 21_600, 21_600, 21_600] as const;
const RETRY_AFTER_MAX_SECONDS = 3_600;
const GONE = 410;
const ASKS_FOR_TIME = [429, 503];

/** @param attempts how many there were, this one included */
export function outcomeOf(reply: Reply, attempts: number, now: Date): Outcome {
  const { status } = reply;
  if (status !== null && status >= 200 && status < 300)
    return { state: 'delivered', nextAt: null, status, error: null };
  const error = reply.status === null ? reply.error : refusalOf(reply.status);
  const backoff = BACKOFF_SECONDS[attempts - 1];
  if (backoff === undefined || status === GONE) return { state: 'failed', nextAt: null, status, error };
  const seconds = Math.max(backoff, askedFor(reply, now));
  return { state: 'pending', nextAt: new Date(now.getTime() + seconds * 1_000), status, error };
}

function refusalOf(status: number): string {
  if (status >= 300 && status < 400) return `It answered ${status}; redirects are not followed.`;
  return status === GONE ? 'It answered 410: nobody wants this any more.' : `It answered ${status}.`;
}

/** `Retry-After` (RFC 9110 §10.2.3) as seconds: 0 where there is none, an hour at most. */
function askedFor(reply: Reply, now: Date): number {
  if (reply.status === null || !ASKS_FOR_TIME.includes(reply.status) || reply.retryAfter === null) return 0;
  const text = reply.retryAfter.trim();
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - now.getTime()) / 1_000;
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(0, Math.ceil(seconds)), RETRY_AFTER_MAX_SECONDS);
}
