import type { Waiting } from '../job.ts';
import { toWire } from '../money.ts';
import { isGuarded } from '../protection.ts';
import type { QueuedJob } from '../placement/types.ts';
import type { Account, Chain } from './account.ts';
import { Balances } from './balances.ts';
import { meter, type Shortage } from './plan.ts';
import type { HoldTiming } from './run.ts';

/** The money of everybody who waits, at one moment: what a decision counts down. */
export interface Purses {
  readonly timing: HoldTiming;
  /** By project; absent: no budget stands above it. */
  readonly projects: ReadonlyMap<string, readonly Chain[]>;
}

const NOTHING: ReadonlyMap<string, never> = new Map<string, never>();

/** What is left for the jobs of a pass. */
export class Purse {
  readonly #purses: Purses;
  readonly #now: Date;
  readonly #balances: Balances;

  constructor(purses: Purses, now: Date) {
    this.#purses = purses;
    this.#now = now;
    this.#balances = new Balances([...purses.projects.values()].flat(2));
  }

  /**
   * Holds what the job needs to begin at this price (micros per hour, all nodes), all accounts above it or none.
   *
   * @returns why not; null: it is held
   */
  begin(job: QueuedJob, priceMicrosPerHour: bigint): Shortage | null {
    const { ownAccount, spec } = job;
    const budgets = this.#purses.projects.get(job.project) ?? [];
    const chains = ownAccount === undefined ? budgets : [...budgets, [ownAccount]];
    if (chains.length === 0) return null;
    if (ownAccount !== undefined) this.#balances.add(ownAccount);
    const one = {
      allocationId: job.id,
      priceMicrosPerHour,
      startedAt: null,
      ranUntil: this.#now,
      meteredSeconds: 0,
      paidSeconds: null,
      meterSeconds: 0,
      graceSeconds: spec.graceSeconds,
      failover: isMoved(job),
      guarded: isGuarded(spec),
      phase: 'goes',
      maxRuntimeSeconds: spec.limits.maxRuntimeSeconds,
    } as const;
    return meter(one, chains, NOTHING, this.#balances, this.#now, this.#purses.timing).shortage;
  }
}

/** Did a disaster take it from where it ran? A spare stands by in ordinary times. */
const isMoved = ({ queueRank, standsByFor }: QueuedJob): boolean =>
  queueRank < 0 && standsByFor === undefined;

/** For a person: which budget, how much is missing, and until when that holds. */
export function waitingForMoney({ why, account, missingMicros }: Shortage, currency: string): Waiting {
  const until = account.endsAt === null ? '' : `, until ${account.endsAt.toISOString()}`;
  return { reason: 'budget', detail: `${nameOf(account)} ${WORDS[why](missingMicros, currency)}${until}` };
}

const nameOf = ({ budgetId, name }: Account): string => (budgetId === null ? name : `budget ${name}`);

const WORDS: Readonly<Record<Shortage['why'], (missing: bigint, currency: string) => string>> = {
  money: (missing, currency) => {
    const { amount } = toWire(missing, currency);
    return `lacks ${amount} ${currency} of what has to be held before it may begin`;
  },
  frozen: () => 'pays only for work that must not stop, until somebody closes its exception',
  time: () => 'ends before the time that has to be held',
  unbounded: () =>
    'holds what a job may cost in all (onExhausted: block), so the job has to say limits.maxRuntimeSeconds or limits.maxCost',
  limit: () => 'is too low to begin with',
};
