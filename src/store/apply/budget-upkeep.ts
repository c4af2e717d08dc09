import { and, asc, eq, gt, inArray, lte, or, sql } from 'drizzle-orm';
import { leftOf } from '../../core/ledger/upkeep.ts';
import { accounts, budgetAlerts } from '../schema.ts';
import type { Tx } from '../store.ts';
import { GIVEN, TAKEN, writeEntries, type Cause } from './budget-accounts.ts';
import type { AccountRow } from './budgets.ts';

/** The periods of some budgets that are not over, in the order of ids; held. The budgets are locked by the caller. */
export function lockLiveAccounts(tx: Tx, budgetIds: readonly string[], now: Date): Promise<AccountRow[]> {
  return tx
    .select()
    .from(accounts)
    .where(and(inArray(accounts.budgetId, [...budgetIds]), gt(accounts.endsAt, now)))
    .orderBy(asc(accounts.id))
    .for('no key update');
}

/** Lets more of periods be spent. They are locked by the caller. */
export async function raiseAllotted(
  tx: Tx,
  raised: readonly { readonly id: string; readonly allottedMicros: bigint }[],
): Promise<void> {
  if (raised.length === 0) return;
  await tx.execute(sql`
    update accounts a set allotted_micros = w.allotted
    from unnest(${sql.param(raised.map(({ id }) => id))}::text[],
      ${sql.param(raised.map(({ allottedMicros }) => allottedMicros))}::bigint[]) as w(id, allotted)
    where a.id = w.id`);
}

/** A period that is over, where it holds nothing and was not looked at, and the current one of its budget; held. */
export async function lockEnded(
  tx: Tx,
  now: Date,
  { accountId, budgetId }: { readonly accountId: string; readonly budgetId: string },
): Promise<{ readonly ended: AccountRow; readonly current: AccountRow | null } | null> {
  const { id, startsAt, endsAt } = accounts;
  const rows = await tx
    .select()
    .from(accounts)
    .where(
      and(eq(accounts.budgetId, budgetId), or(eq(id, accountId), and(lte(startsAt, now), gt(endsAt, now)))),
    )
    .orderBy(asc(id))
    .for('no key update');
  const ended = rows.find((row) => row.id === accountId);
  const isOver = ended?.endsAt != null && ended.endsAt <= now && ended.reservedMicros === 0n;
  if (ended === undefined || !isOver || ended.carriedAt !== null) return null;
  return { ended, current: rows.find((row) => row.id !== accountId) ?? null };
}

/** Notes that a period was looked at; what it left stays with it. */
export async function noteEnded(tx: Tx, now: Date, accountId: string): Promise<void> {
  await tx.update(accounts).set({ carriedAt: now }).where(eq(accounts.id, accountId));
}

/** Gives what a period left to the current one. Both are locked by the caller. */
export async function carry(
  tx: Tx,
  transferId: string,
  ended: AccountRow,
  current: AccountRow,
  { now, actor, reason }: Cause,
): Promise<void> {
  const { leftMicros, stays } = leftOf(ended);
  if (leftMicros <= 0n) return;
  const { capMicros, allottedMicros } = current;
  await tx.update(accounts).set(stays).where(eq(accounts.id, ended.id));
  await tx
    .update(accounts)
    .set({ capMicros: capMicros + leftMicros, allottedMicros: allottedMicros + leftMicros })
    .where(eq(accounts.id, current.id));
  const entry = { at: now, kind: 'carry', amountMicros: leftMicros, transferId, reason, actor } as const;
  await writeEntries(tx, [
    { ...entry, ...TAKEN, accountId: ended.id },
    { ...entry, ...GIVEN, accountId: current.id },
  ]);
}

/** @returns those that nobody had written before */
export async function insertAlerts<T extends typeof budgetAlerts.$inferInsert>(
  tx: Tx,
  rows: readonly T[],
): Promise<T[]> {
  if (rows.length === 0) return [];
  const key = ({ accountId, threshold }: { accountId: string; threshold: number }) =>
    `${accountId} ${threshold}`;
  const made = await tx
    .insert(budgetAlerts)
    .values(
      rows.map(({ accountId, threshold, at, usedMicros, capMicros }) => ({
        accountId,
        threshold,
        at,
        usedMicros,
        capMicros,
      })),
    )
    .onConflictDoNothing()
    .returning({ accountId: budgetAlerts.accountId, threshold: budgetAlerts.threshold });
  const news = new Set(made.map(key));
  return rows.filter((row) => news.has(key(row)));
}
