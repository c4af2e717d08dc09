import type { Change } from './change.ts';
import type { Held } from './failover.ts';
import type { ContinuityMode } from './job.ts';
import type { HealthState, ProviderMode } from './provider.ts';
import type { Timing } from './timing.ts';
import { sendBack } from './requeue.ts';

export const RESPONSES = ['stay', 'stop-new', 'move-eager', 'move-all'] as const;
export type Response = (typeof RESPONSES)[number];

/**
 * Why the data plane is not healthy. `silence`: nothing is heard, and the lease decides what becomes of what runs there.
 * `hint`: somebody has a doubt (the vendor says degraded, it was heard too short a time). `harm`: running work is being
 * hurt, or will be (the vendor says outage or maintenance, GPUs fail, jobs of several projects were lost).
 */
export const DATA_CAUSES = ['silence', 'hint', 'harm'] as const;
export type DataCause = (typeof DATA_CAUSES)[number];

/** How one provider, or one scope of it, is. */
export interface Condition {
  readonly control: HealthState;
  readonly data: HealthState;
  /** Of `data`, where it is degraded. */
  readonly cause: DataCause;
  /** Milliseconds that the cause has lasted. */
  readonly lastedMs: number;
  readonly mode: ProviderMode;
}

/**
 * What a verdict means for what runs there and for what could. Only the data plane moves running work.
 *
 *   data      cause             control, mode                   →
 *   down      any               any                             move-all: fenced, and started elsewhere
 *   degraded  harm, ≥ dwell     any                             move-eager: what must not stop leaves in good order
 *   degraded  anything else     any                             stop-new
 *   unknown   any               any                             stop-new
 *   healthy   -                 control degraded or down        stop-new
 *   healthy   -                 draining                        stop-new
 *   healthy   -                 control unknown or healthy      stay
 *
 * Silence alone never moves the eager: a stop order would not arrive either, and their lease decides.
 */
export function responseTo(
  { control, data, cause, lastedMs, mode }: Condition,
  timing: Pick<Timing, 'eagerAfterMs'>,
): Response {
  if (data === 'down') return 'move-all';
  if (data === 'degraded' && cause === 'harm' && lastedMs >= timing.eagerAfterMs) return 'move-eager';
  return takesWork({ control, data }) && mode === 'active' ? 'stay' : 'stop-new';
}

/** A control plane of which nothing is known is not distrusted: nobody would ever learn how it is. */
export function takesWork({ control, data }: Pick<Condition, 'control' | 'data'>): boolean {
  return data === 'healthy' && control !== 'degraded' && control !== 'down';
}

/**
 * A provider's state, of its two planes. `down` is kept for those whose running work is given up: one that only cannot
 * start anything is `degraded`, whatever its control plane is.
 */
export function stateOf({ control, data }: Pick<Condition, 'control' | 'data'>): HealthState {
  return data === 'healthy' && !takesWork({ control, data }) ? 'degraded' : data;
}

/** Does it leave a place that is being hurt before that place is given up? */
export function isEager({
  mode,
  rtoSeconds,
}: {
  readonly mode: ContinuityMode;
  readonly rtoSeconds: number | null;
}): boolean {
  return mode !== 'none' && (mode !== 'restart' || rtoSeconds !== null);
}

/** Told to stop with its grace and a last checkpoint, and queued again: what an operator's move does, by a verdict. */
export function moveEagerly(
  held: Pick<Held, 'allocationId' | 'jobId' | 'provider'>,
  detail: string,
  now: Date,
  { avoidMs }: Pick<Timing, 'avoidMs'>,
): Change[] {
  const { allocationId, jobId, provider } = held;
  const until = new Date(now.getTime() + avoidMs);
  return sendBack(
    { jobId, allocationId, reason: 'provider-degraded', detail },
    { avoid: { provider, until }, toReplica: true },
  );
}
