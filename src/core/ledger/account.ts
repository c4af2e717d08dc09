import type { OnExhausted } from './words.ts';

/** What money is held against, as it is at a moment: one period of a budget, or what one job may cost. */
export interface Account {
  readonly id: string;
  /** Null: a job's own (`limits.maxCost`). */
  readonly budgetId: string | null;
  /** For people: the budget's. */
  readonly name: string;
  readonly startsAt: Date;
  /** Null: a job's, which has no end. */
  readonly endsAt: Date | null;
  readonly allottedMicros: bigint;
  readonly disasterMicros: bigint;
  readonly reservedMicros: bigint;
  readonly chargedMicros: bigint;
  readonly failoverMicros: bigint;
  readonly onExhausted: OnExhausted;
  /** Work that must not stop lacks money here, and nobody has answered for it yet: nothing else is paid further. */
  readonly frozen: boolean;
  /** Its budget has ended, and another of the same scope is in force: what it holds is settled, and nothing is asked of it. */
  readonly superseded: boolean;
}

/** A budget's accounts, in the order of time: this period's and the next one's. Or a job's one. */
export type Chain = readonly Account[];

/** By budget, each in the order of time. */
export function chainsOf(accounts: readonly Account[]): Chain[] {
  const byBudget = Map.groupBy(accounts, ({ id, budgetId }) => budgetId ?? id);
  return [...byBudget.values()].map((chain) =>
    chain.toSorted((a, b) => a.startsAt.getTime() - b.startsAt.getTime()),
  );
}
