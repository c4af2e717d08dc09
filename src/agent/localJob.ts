import type { Observation, Order } from '../core/order.ts';
import { ageMs } from './clock.ts';
import type { Exit, Local, Started, Warm } from './folders.ts';

/** One allocation as the executor knows it. */
export interface LocalJob {
  readonly id: string;
  readonly order: Order;
  readonly gpus: readonly number[];
  readonly accepted: Local['accepted'];
  port: number | null;
  /** upMs() until which its lease holds; null: nobody said yet (the agent has just been restarted). */
  deadlineMs: number | null;
  /** So many seconds of its run are paid; null: no end. */
  paidSeconds: number | null;
  /** It is being restored and started. */
  raising: boolean;
  /** The warden was told to start it. */
  launched: boolean;
  started: Started | null;
  /** A standby that is ready; null: not yet, or no standby. */
  warm: Warm | null;
  exit: Exit | null;
  stopping: boolean;
  /** Its end is not told yet: a last checkpoint is being saved. */
  holdEnd: boolean;
  /** Everything of it that the service should have, it has. */
  settled: boolean;
  /** The service wants to hear of it no more. */
  forgotten: boolean;
  endpoint: string | null;
  serving: boolean | null;
  /** Ends a restore and whatever else is on its way for it. */
  readonly abort: AbortController;
}

export function newLocalJob(local: Local, paidSeconds: number | null): LocalJob {
  return {
    id: local.order.allocationId,
    order: local.order,
    gpus: local.gpus,
    accepted: local.accepted,
    port: local.port,
    deadlineMs: null,
    paidSeconds,
    raising: false,
    launched: false,
    started: null,
    warm: null,
    exit: null,
    stopping: false,
    holdEnd: false,
    settled: false,
    forgotten: false,
    endpoint: null,
    serving: null,
    abort: new AbortController(),
  };
}

/** What is said of it to the service. */
export function observe(job: LocalJob): Observation {
  const { exit, started } = job;
  const ended = exit !== null && !job.holdEnd;
  const common = { allocationId: job.id, endpoint: job.endpoint, serving: job.serving };
  if (!ended) {
    const since = started ?? job.warm;
    const phase = job.stopping || exit !== null ? 'stopping' : phaseOf(job);
    const ranMs = exit !== null ? exit.ranMs : since === null ? null : ageMs(since.at);
    return { ...common, phase, ranMs, endedAgoMs: null, outcome: null, exitCode: null, detail: null };
  }
  const { outcome, exitCode, ranMs } = exit;
  const detail = exit.detail === null ? null : exit.detail.slice(0, 500);
  return { ...common, phase: 'ended', ranMs, endedAgoMs: ageMs(exit.at), outcome, exitCode, detail };
}

function phaseOf({ started, warm }: LocalJob): Observation['phase'] {
  if (started !== null) return 'running';
  return warm === null ? 'starting' : 'standby';
}

/** An allocation that the service believes to be here and of which there is no record. */
export function observeLost(allocationId: string): Observation {
  const detail = 'there is no record of it here';
  const nothing = { ranMs: null, exitCode: null, endpoint: null, serving: null };
  return { allocationId, phase: 'ended', endedAgoMs: 0, outcome: 'lost', detail, ...nothing };
}
