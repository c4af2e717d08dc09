import type { AllocationRole } from '../allocation.ts';
import type { Change } from '../change.ts';
import { toWire } from '../money.ts';
import { sendBack } from '../requeue.ts';
import type { Shortage } from './plan.ts';

/** An allocation that cannot be paid any further. */
export interface Unpaid {
  readonly allocationId: string;
  readonly jobId: string;
  readonly role: AllocationRole;
}

/** Before it is tried again: what others give back must not start and stop it by turns. */
export const UNPAID_BACKOFF_SECONDS = 60;

/**
 * Ends it in order, its checkpoint saved. A job whose own limit is reached has failed; any other waits until there is
 * money again. A spare goes alone.
 */
export function stopUnpaid(one: Unpaid, shortage: Shortage, now: Date, currency: string): Change[] {
  const detail = describe(shortage, currency);
  const { allocationId, jobId } = one;
  const ended = { kind: 'releasing', allocationId, endReason: 'budget', detail } as const;
  if (one.role !== 'run') return [ended];
  if (shortage.why !== 'limit') {
    const notBefore = new Date(now.getTime() + UNPAID_BACKOFF_SECONDS * 1000);
    return sendBack({ jobId, allocationId, reason: 'budget', detail }, { notBefore });
  }
  const failed = { to: 'stopping', stoppingTo: 'failed', reason: 'max-cost', detail } as const;
  return [ended, { kind: 'job', jobId, allocationId, ...failed }];
}

/** For a person. */
export function describe({ why, account, missingMicros }: Shortage, currency: string): string {
  if (why === 'limit') return 'limits.maxCost is used up';
  if (why === 'time') return `budget ${account.name} ends`;
  if (why === 'frozen') return `budget ${account.name} pays only for work that must not stop by now`;
  if (why === 'unbounded')
    return `budget ${account.name} asks for limits.maxRuntimeSeconds or limits.maxCost`;
  const { amount } = toWire(missingMicros, currency);
  return `budget ${account.name} lacks ${amount} ${currency} for it to go on`;
}

/** Ordinary work that an account holds money for. */
export interface Payee extends Unpaid {
  readonly priority: number;
  readonly reservedMicros: bigint;
  /** Told to go already: what it holds comes back. */
  readonly leaving: boolean;
}

/** Who has to stop so that `missingMicros` come back: the least urgent and youngest first, and no more than needed. */
export function victimsFor(missingMicros: bigint, payees: readonly Payee[]): Payee[] {
  let missing = missingMicros;
  for (const { leaving, reservedMicros } of payees) if (leaving) missing -= reservedMicros;
  const inOrder = payees
    .filter(({ leaving }) => !leaving)
    .toSorted((a, b) => a.priority - b.priority || (a.allocationId < b.allocationId ? 1 : -1));
  return inOrder.filter(({ reservedMicros }) => {
    if (missing <= 0n) return false;
    missing -= reservedMicros;
    return true;
  });
}
