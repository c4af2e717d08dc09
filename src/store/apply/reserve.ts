import { sql } from 'drizzle-orm';
import { Balances } from '../../core/ledger/balances.ts';
import { meter } from '../../core/ledger/plan.ts';
import type { Terms } from '../../core/ledger/run.ts';
import { loadAccounts } from '../load/accounts.ts';
import { isGuardedJob } from '../load/paying.ts';
import type { Tx } from '../store.ts';

/** What a placement would cost. */
export interface Priced {
  readonly jobId: string;
  readonly project: string;
  readonly nodes: number;
  /** Of one node's offer. */
  readonly priceMicrosPerHour: bigint;
  readonly graceSeconds: number;
  /** Null: it is the job's run, which a disaster may have moved. */
  readonly spare: object | null;
}

type MeansRecord = {
  readonly id: string;
  readonly failover: boolean;
  readonly guarded: boolean;
  readonly maxRuntimeSeconds: number | null;
};

const NOTHING: ReadonlyMap<string, never> = new Map<string, never>();

/**
 * Those that every account above them can hold money for, when they are taken one after the other. The accounts stay
 * locked, so that what `settle` then holds for them is there. The jobs' rows are locked by the caller.
 */
export async function thatCanPay<T extends Priced>(
  tx: Tx,
  now: Date,
  terms: Terms,
  rows: readonly T[],
): Promise<T[]> {
  const accounts = await loadAccounts(tx, now, rows, true);
  if (accounts.all.length === 0) return [...rows];
  const means = await meansOf(tx, rows);
  const balances = new Balances(accounts.all);
  return rows.filter((row) => {
    const mean = means.get(row.jobId);
    if (mean === undefined) return false;
    const one = {
      allocationId: row.jobId,
      priceMicrosPerHour: row.priceMicrosPerHour * BigInt(row.nodes),
      startedAt: null,
      ranUntil: now,
      meteredSeconds: 0,
      paidSeconds: null,
      meterSeconds: 0,
      phase: 'goes' as const,
      graceSeconds: row.graceSeconds,
      failover: mean.failover && row.spare === null,
      guarded: mean.guarded,
      maxRuntimeSeconds: mean.maxRuntimeSeconds,
    };
    return meter(one, accounts.above(row), NOTHING, balances, now, terms).shortage === null;
  });
}

async function meansOf(tx: Tx, rows: readonly Priced[]): Promise<Map<string, MeansRecord>> {
  const found = await tx.execute<MeansRecord>(sql`
    select j.id, j.queue_rank < 0 and j.drill_id is null as failover, ${isGuardedJob} as guarded,
      (j.spec -> 'limits' ->> 'maxRuntimeSeconds')::float8 as "maxRuntimeSeconds"
    from jobs j where j.id = any(${sql.param(rows.map(({ jobId }) => jobId))}::text[])`);
  return new Map(found.rows.map((row) => [row.id, row]));
}
