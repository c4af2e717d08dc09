import type { Account } from './account.ts';

/** What is left of accounts, counted down as a plan goes. */
export class Balances {
  readonly #left = new Map<string, { open: bigint; all: bigint }>();

  constructor(accounts: Iterable<Account>) {
    for (const account of accounts) this.add(account);
  }

  add(account: Account): void {
    if (!this.#left.has(account.id)) this.#left.set(account.id, openOf(account));
  }

  /** Micros that may still be reserved there. */
  left(accountId: string, failover: boolean): bigint {
    const left = this.#left.get(accountId);
    if (left === undefined) return 0n;
    const least = failover || left.all < left.open ? left.all : left.open;
    return least > 0n ? least : 0n;
  }

  /** Negative: gives back. */
  take(accountId: string, micros: bigint, failover: boolean): void {
    const left = this.#left.get(accountId);
    if (left === undefined) return;
    left.all -= micros;
    if (!failover) left.open -= micros;
  }
}

/**
 * What may still be reserved, micros: of all, and of what is open to work that no disaster has moved, which leaves the
 * disaster reserve alone. Their SQL twins are the CHECKs of the table.
 */
function openOf(account: Account): { open: bigint; all: bigint } {
  const { allottedMicros, disasterMicros, reservedMicros, chargedMicros, failoverMicros } = account;
  const used = reservedMicros + chargedMicros;
  const open = allottedMicros > disasterMicros ? allottedMicros - disasterMicros : 0n;
  return { open: open - (used - failoverMicros), all: allottedMicros - used };
}
