import type { Balance, EntryKind } from './words.ts';

/** The entries of one account that move money the same way, added up. */
export interface EntrySum {
  readonly kind: EntryKind;
  readonly debit: Balance;
  readonly credit: Balance;
  readonly micros: bigint;
  readonly entries: number;
}

/** What an account is said to be, and what lies under it. */
export interface Claimed {
  readonly capMicros: bigint;
  readonly reservedMicros: bigint;
  readonly chargedMicros: bigint;
  /** Of all allocations that it holds money for. */
  readonly heldMicros: bigint;
}

/** What the entries come to. */
export interface Derived {
  readonly capMicros: bigint;
  readonly availableMicros: bigint;
  readonly reservedMicros: bigint;
  readonly chargedMicros: bigint;
}

export function derive(sums: readonly EntrySum[]): Derived {
  const net = (balance: Balance) =>
    sums.reduce((all, { debit, credit, micros }) => {
      const given = credit === balance ? micros : 0n;
      return all + given - (debit === balance ? micros : 0n);
    }, 0n);
  return {
    capMicros: -net('appropriation'),
    availableMicros: net('available'),
    reservedMicros: net('reserved'),
    chargedMicros: net('charged'),
  };
}

/** Do the entries and the holds come to what the account says? */
export function agrees(derived: Derived, claimed: Claimed): boolean {
  return (
    derived.capMicros === claimed.capMicros &&
    derived.reservedMicros === claimed.reservedMicros &&
    derived.chargedMicros === claimed.chargedMicros &&
    claimed.heldMicros === claimed.reservedMicros
  );
}
