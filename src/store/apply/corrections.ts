import { sql } from 'drizzle-orm';
import type { Day, Month } from '../../core/ledger/calendar.ts';
import type { CorrectedPart } from '../../core/ledger/correction.ts';
import type { Balance, CorrectionKind } from '../../core/ledger/words.ts';
import type { PayingRow } from '../load/paying.ts';
import { costDays, ledger } from '../schema.ts';
import type { Tx } from '../store.ts';
import { billOf, closedMonths } from './pay.ts';

/** What is corrected of what an allocation was charged. */
export interface Correction {
  readonly id: string;
  readonly at: Date;
  readonly by: string;
  readonly row: PayingRow;
  readonly kind: CorrectionKind;
  readonly micros: bigint;
  /** Of whose bill it is, and on which day the run ended. */
  readonly month: Month;
  readonly day: Day;
  readonly reason: string;
  readonly parts: readonly CorrectedPart[];
}

/**
 * On whose bill a correction of that day goes. No month is closed from now on until the transaction ends. Accounts are
 * locked before: a pass that meters has them when it comes to the ledger.
 */
export async function holdBill(tx: Tx, day: Day, today: Day): Promise<Month> {
  await tx.execute(sql`lock table ledger in row exclusive mode`);
  return billOf(day, await closedMonths(tx), today);
}

/** Writes a correction of an allocation that is locked by the caller, as its accounts are. */
export async function writeCorrection(tx: Tx, correction: Correction): Promise<void> {
  await writeEntries(tx, correction);
  await writeBalances(tx, correction);
  await writeDay(tx, correction);
}

const signed = ({ kind }: Correction, micros: bigint): bigint => (kind === 'credit' ? -micros : micros);

async function writeEntries(tx: Tx, correction: Correction): Promise<void> {
  const { id, at, by, row, micros, month, day, reason, parts } = correction;
  const base = {
    at,
    kind: 'adjust',
    jobId: row.jobId,
    allocationId: row.allocationId,
    provider: row.provider,
    offer: row.offer,
    priceMicrosPerHour: row.priceMicrosPerHour,
    reason,
    actor: by,
    transferId: id,
  } as const;
  const usage = { ...base, ...way(correction, 'project', 'vendor'), amountMicros: micros, seconds: 0 };
  const held = parts.map((part) => ({
    ...base,
    ...way(correction, 'available', 'charged'),
    accountId: part.accountId,
    amountMicros: part.micros,
  }));
  await tx.insert(ledger).values([{ ...usage, month, day }, ...held]);
}

/** A charge goes that way, a credit back. */
const way = ({ kind }: Correction, from: Balance, to: Balance) =>
  kind === 'charge' ? { debit: from, credit: to } : { debit: to, credit: from };

async function writeBalances(tx: Tx, correction: Correction): Promise<void> {
  const { row, parts } = correction;
  if (parts.length === 0) return;
  const part = sql`(select * from unnest(${sql.param(parts.map(({ accountId }) => accountId))}::text[],
    ${sql.param(parts.map(({ micros }) => signed(correction, micros)))}::bigint[]) as w(id, micros)) w`;
  await tx.execute(sql`
    update accounts a set charged_micros = a.charged_micros + w.micros,
      failover_micros = a.failover_micros + case when ${row.failover} then w.micros else 0 end
    from ${part} where a.id = w.id`);
  await tx.execute(sql`
    update holds h set charged_micros = h.charged_micros + w.micros
    from ${part} where h.account_id = w.id and h.allocation_id = ${row.allocationId}`);
}

/** No second is used more or less for it. */
async function writeDay(tx: Tx, correction: Correction): Promise<void> {
  const { row, month, day } = correction;
  const micros = signed(correction, correction.micros);
  const { meteredSeconds: fromSeconds } = row;
  await tx
    .insert(costDays)
    .values({ ...row, month, day, fromSeconds, seconds: 0, micros })
    .onConflictDoUpdate({
      target: [costDays.month, costDays.allocationId, costDays.day],
      set: { micros: sql`${costDays.micros} + ${micros}` },
    });
}
