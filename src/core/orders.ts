import type { AllocationRole, AllocationState, EndReason } from './allocation.ts';
import type { JobSpec } from './job.ts';
import type { Observation, Order, PaidTime, StopOrder } from './order.ts';
import type { Timing } from './timing.ts';

/** What the division of a provider's work into start, keep, stop and forget needs to know of an allocation. */
export interface Standing {
  readonly allocationId: string;
  readonly state: AllocationState;
  readonly role: AllocationRole;
  readonly releasingAt: Date | null;
  readonly endReason: EndReason | null;
  readonly graceSeconds: number;
  /** Null: nobody holds money for it. */
  readonly paidSeconds: number | null;
}

export interface Division {
  readonly start: readonly string[];
  readonly keep: readonly string[];
  /** Of those, the standbys: what lies ready there is kept new. */
  readonly standbys: readonly string[];
  readonly stop: readonly StopOrder[];
  /** Of those in keep and stop: how much of their time is paid by now. */
  readonly paid: readonly PaidTime[];
  readonly forget: readonly string[];
  readonly unheard: readonly string[];
  /** Of the stopping ones, whose leases this answer renews. Those in start and keep are renewed by the contact itself. */
  readonly renew: readonly string[];
}

const NOTHING: ReadonlySet<string> = new Set();

/** Beyond the grace: how long a stopping job may take to save its last checkpoint. */
export const SAVE_ALLOWANCE_SECONDS = 30;

/**
 * What a provider is to do about everything that it holds or spoke of. `reported` are the ids that it has a record
 * of; an allocation of nobody's is in no list, which means: stop and forget.
 *
 * @param startsAtOnce how many it may be about to start; the first placed first, the others when those have begun
 * @param cut allocations that a drill has cut off: not a word reaches them until they are released or heard again
 */
export function divideOrders(
  standing: readonly Standing[],
  observed: ReadonlyMap<string, Observation>,
  now: Date,
  startsAtOnce: number,
  cut: ReadonlySet<string> = NOTHING,
): Division {
  const unheard: string[] = [];
  const start: string[] = [];
  const keep: string[] = [];
  const stop: StopOrder[] = [];
  const forget: string[] = [];
  const renew: string[] = [];
  const standbys: string[] = [];
  const paid: PaidTime[] = [];
  for (const one of standing) {
    const id = one.allocationId;
    if (one.state === 'released') {
      if (observed.get(id)?.phase === 'ended') forget.push(id);
      // Released and yet running there: nobody's any more, so in no list.
      continue;
    }
    if (cut.has(id)) {
      unheard.push(id);
      continue;
    }
    if (one.state === 'submitting' && !observed.has(id)) {
      start.push(id);
      continue;
    }
    if (one.paidSeconds !== null) paid.push({ allocationId: id, paidSeconds: one.paidSeconds });
    if (one.state === 'releasing') {
      const renewed = mayFinish(one, now);
      stop.push({
        allocationId: id,
        reason: one.endReason ?? 'cancelled',
        graceSeconds: one.graceSeconds,
        renewed,
      });
      if (renewed) renew.push(id);
      continue;
    }
    keep.push(id);
    if (one.role === 'standby') standbys.push(id);
  }
  const starting = [...observed.values()].filter(({ phase }) => phase === 'starting').length;
  const begun = start.slice(0, Math.max(0, startsAtOnce - starting));
  return { start: begun, keep, standbys, stop, paid, forget, unheard, renew };
}

/**
 * May a stopping allocation have its lease renewed, to use its grace? Not a fenced one: it was given up,
 * the job waits for that lease to end. And not for ever: a job that will not die loses its lease, too.
 */
function mayFinish(one: Standing, now: Date): boolean {
  if (one.endReason === 'provider-down' || one.endReason === 'lost' || one.releasingAt === null) return false;
  const allowedMs = (one.graceSeconds + SAVE_ALLOWANCE_SECONDS) * 1000;
  return now.getTime() - one.releasingAt.getTime() < allowedMs;
}

/** What an order says of its allocation, besides what its job's spec does. */
export type Ordered = Pick<
  Order,
  'allocationId' | 'jobId' | 'attempt' | 'restore' | 'tookOver' | 'paidSeconds'
> & {
  readonly role: AllocationRole;
};

/** The order for one allocation of a job. Only the run saves checkpoints. */
export function orderFor(
  { allocationId, jobId, attempt, restore, role, tookOver, paidSeconds }: Ordered,
  spec: JobSpec,
): Order {
  return {
    allocationId,
    jobId,
    jobName: spec.name,
    project: spec.project,
    attempt,
    image: spec.run.image,
    command: spec.run.command,
    env: spec.run.env,
    gpuCount: spec.resources.gpu.count,
    cpus: spec.resources.cpus,
    memoryGiB: spec.resources.memoryGiB,
    graceSeconds: spec.graceSeconds,
    checkpointIntervalSeconds: role === 'run' ? spec.checkpoint.intervalSeconds : 0,
    restore,
    standby: role === 'standby',
    tookOver,
    serve: spec.serve && { port: spec.serve.port, healthPath: spec.serve.healthPath },
    paidSeconds,
  };
}

/** The moment until which a lease given at `now` holds. */
export function leaseEnd(now: Date, timing: Timing): Date {
  return new Date(now.getTime() + timing.leaseSeconds * 1000);
}
