import { and, asc, eq, gt, inArray, lte, sql } from 'drizzle-orm';
import type { ChangedPeriod } from '../../core/ledger/budget-change.ts';
import type { Period } from '../../core/ledger/budget.ts';
import { accounts, ledger } from '../schema.ts';
import type { Tx } from '../store.ts';
import type { AccountRow } from './budgets.ts';

export type NewEntry = typeof ledger.$inferInsert;

/** Who moves money, when and why. */
export interface Cause {
  readonly now: Date;
  readonly actor: string;
  readonly reason: string;
}

export async function writeEntries(tx: Tx, entries: readonly NewEntry[]): Promise<void> {
  if (entries.length > 0) await tx.insert(ledger).values([...entries]);
}

/** A cap that grows or shrinks. */
export function appropriation(accountId: string, deltaMicros: bigint, cause: Cause): NewEntry[] {
  if (deltaMicros === 0n) return [];
  return [
    {
      at: cause.now,
      kind: 'appropriate',
      ...(deltaMicros > 0n ? GIVEN : TAKEN),
      accountId,
      amountMicros: deltaMicros > 0n ? deltaMicros : -deltaMicros,
      reason: cause.reason,
      actor: cause.actor,
    },
  ];
}
export const GIVEN = { debit: 'appropriation', credit: 'available' } as const;
export const TAKEN = { debit: 'available', credit: 'appropriation' } as const;

export interface NewAccount extends Period {
  readonly id: string;
  readonly budgetId: string;
}

/** Those that are not there yet, each with the entry that its cap comes from. */
export async function insertAccounts(
  tx: Tx,
  rows: readonly NewAccount[],
  cause: Cause,
): Promise<AccountRow[]> {
  if (rows.length === 0) return [];
  const made = await tx
    .insert(accounts)
    .values(rows.map((row) => ({ ...row, createdAt: cause.now })))
    .onConflictDoNothing()
    .returning();
  await writeEntries(
    tx,
    made.flatMap(({ id, capMicros }) => appropriation(id, capMicros, cause)),
  );
  return made;
}

/** All of a budget, oldest first, held until the transaction ends. The budget is locked by the caller, or lives no more. */
export function lockAccountsOf(tx: Tx, budgetId: string): Promise<AccountRow[]> {
  // Whoever holds several takes them by id.
  return tx
    .select()
    .from(accounts)
    .where(eq(accounts.budgetId, budgetId))
    .orderBy(asc(accounts.id))
    .for('no key update');
}

/** The current ones of some budgets, by budget; held. */
export async function lockCurrentAccounts(
  tx: Tx,
  budgetIds: readonly string[],
  now: Date,
): Promise<Map<string, AccountRow>> {
  const rows = await tx
    .select()
    .from(accounts)
    .where(
      and(inArray(accounts.budgetId, [...budgetIds]), lte(accounts.startsAt, now), gt(accounts.endsAt, now)),
    )
    .orderBy(asc(accounts.id))
    .for('no key update');
  return new Map(rows.map((row) => [row.budgetId ?? '', row]));
}

/** Writes what the periods are by now, and the entries of what was added or taken. They are locked by the caller. */
export async function changePeriods(tx: Tx, periods: readonly ChangedPeriod[], cause: Cause): Promise<void> {
  for (const { id, capMicros, allottedMicros, disasterMicros, endsAt } of periods)
    await tx
      .update(accounts)
      .set({
        capMicros,
        allottedMicros,
        disasterMicros,
        endsAt,
        exhaustedAt: null,
        // One that is open again has not been looked at.
        ...(endsAt !== null && endsAt > cause.now && { carriedAt: null }),
      })
      .where(eq(accounts.id, id));
  await writeEntries(
    tx,
    periods.flatMap(({ id, deltaMicros }) => appropriation(id, deltaMicros, cause)),
  );
}

/** Moves cap from one locked account to another, with the two entries of it. */
export async function moveCap(
  tx: Tx,
  kind: 'transfer' | 'carry',
  transferId: string,
  amountMicros: bigint,
  { from, to }: { readonly from: string; readonly to: string },
  cause: Cause,
): Promise<void> {
  const change = (id: string, by: bigint) =>
    tx
      .update(accounts)
      .set({
        capMicros: sql`${accounts.capMicros} + ${by}`,
        allottedMicros: sql`${accounts.allottedMicros} + ${by}`,
        ...(by > 0n && { exhaustedAt: null }),
      })
      .where(eq(accounts.id, id));
  await change(from, -amountMicros);
  await change(to, amountMicros);
  const entry = { at: cause.now, kind, amountMicros, transferId, reason: cause.reason, actor: cause.actor };
  await writeEntries(tx, [
    { ...entry, ...TAKEN, accountId: from },
    { ...entry, ...GIVEN, accountId: to },
  ]);
}

/** Was money ever held, given or taken in any of them? */
export async function everMoved(tx: Tx, accountIds: readonly string[]): Promise<boolean> {
  const { rows } = await tx.execute<{ moved: boolean }>(sql`
    select exists (select from ledger where account_id = any(${sql.param([...accountIds])}::text[])
      and kind <> 'appropriate') as moved`);
  return rows[0]?.moved === true;
}
