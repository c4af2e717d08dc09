import { overdrawn, type Balances } from './budget.ts';
import type { CorrectionKind } from './words.ts';

/** An account that paid for a run, as it is. */
export interface Payer extends Balances {
  readonly id: string;
  /** Null: the job's own. */
  readonly budgetId: string | null;
  readonly startsAt: Date;
  /** Of what it is charged, that of the run. */
  readonly paidMicros: bigint;
}

/** What a correction moves in one account. */
export interface CorrectedPart {
  readonly accountId: string;
  readonly micros: bigint;
}

/**
 * What a correction of a run's cost moves in the accounts that paid for it. Of each budget the newest period comes
 * first: a credit gives back what that paid, then what the one before did; a budget that was made while it ran paid
 * less, and gets no more than that. What is charged is the newest period's alone.
 */
export function correctedParts(
  payers: readonly Payer[],
  kind: CorrectionKind,
  micros: bigint,
): CorrectedPart[] {
  const chains = [...Map.groupBy(payers, ({ id, budgetId }) => budgetId ?? id).values()].map((chain) =>
    chain.toSorted((a, b) => b.startsAt.getTime() - a.startsAt.getTime()),
  );
  return chains.flatMap((chain) => (kind === 'credit' ? credited(chain, micros) : charged(chain, micros)));
}

function credited(newestFirst: readonly Payer[], micros: bigint): CorrectedPart[] {
  let left = micros;
  const parts: CorrectedPart[] = [];
  for (const { id, paidMicros } of newestFirst) {
    const part = left < paidMicros ? left : paidMicros;
    if (part > 0n) parts.push({ accountId: id, micros: part });
    left -= part;
  }
  return parts;
}

/** Where all was given back already: of the period in which the run began. */
function charged(newestFirst: readonly Payer[], micros: bigint): CorrectedPart[] {
  const payer = newestFirst.find(({ paidMicros }) => paidMicros > 0n) ?? newestFirst.at(-1);
  return payer === undefined ? [] : [{ accountId: payer.id, micros }];
}

/** Those that have not so much left. `failover`: the run may draw on the disaster reserve. */
export function lackingPayers(
  payers: readonly Payer[],
  parts: readonly CorrectedPart[],
  failover: boolean,
): Payer[] {
  const more = new Map(parts.map(({ accountId, micros }) => [accountId, micros]));
  return payers.filter((payer) => {
    const micros = more.get(payer.id) ?? 0n;
    const chargedMicros = payer.chargedMicros + micros;
    const failoverMicros = payer.failoverMicros + (failover ? micros : 0n);
    return micros > 0n && overdrawn({ ...payer, chargedMicros, failoverMicros }) !== null;
  });
}
