import { and, asc, desc, eq, inArray, lt, or, sql } from 'drizzle-orm';
import type { EntrySum } from '../../core/ledger/verify.ts';
import type { EntryKind } from '../../core/ledger/words.ts';
import { accounts, budgetAlerts, budgetExceptions, ledger } from '../schema.ts';
import type { AccountRow } from '../apply/budgets.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export type EntryRow = typeof ledger.$inferSelect;
export type AlertRow = typeof budgetAlerts.$inferSelect;
export type ExceptionRow = typeof budgetExceptions.$inferSelect;

/** All of a budget, oldest first. */
export function accountsOf(reader: Reader, budgetId: string): Promise<AccountRow[]> {
  return reader
    .select()
    .from(accounts)
    .where(eq(accounts.budgetId, budgetId))
    .orderBy(asc(accounts.startsAt));
}

export interface EntryFilter {
  readonly kind?: EntryKind | undefined;
  readonly job?: string | undefined;
}

/** Newest first; `before` is the last seq of the page before. */
export async function listEntries(
  reader: Reader,
  accountIds: readonly string[],
  { kind, job }: EntryFilter,
  before: number | null,
  limit: number,
): Promise<Page<EntryRow>> {
  if (accountIds.length === 0) return toPage<EntryRow>([], limit);
  const rows = await reader
    .select()
    .from(ledger)
    .where(
      and(
        inArray(ledger.accountId, [...accountIds]),
        kind === undefined ? undefined : eq(ledger.kind, kind),
        job === undefined ? undefined : eq(ledger.jobId, job),
        before === null ? undefined : lt(ledger.seq, before),
      ),
    )
    .orderBy(desc(ledger.seq))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** Where a page of alerts ended. */
export interface AlertMark {
  readonly accountId: string;
  readonly threshold: number;
}

/** Newest period first, highest threshold first. */
export async function listAlerts(
  reader: Reader,
  accountIds: readonly string[],
  before: AlertMark | null,
  limit: number,
): Promise<Page<AlertRow>> {
  if (accountIds.length === 0) return toPage<AlertRow>([], limit);
  const { accountId, threshold } = budgetAlerts;
  const further =
    before === null
      ? undefined
      : or(
          lt(accountId, before.accountId),
          and(eq(accountId, before.accountId), lt(threshold, before.threshold)),
        );
  const rows = await reader
    .select()
    .from(budgetAlerts)
    .where(and(inArray(accountId, [...accountIds]), further))
    .orderBy(desc(accountId), desc(threshold))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** Newest first; `before` is the last id of the page before. */
export async function listExceptions(
  reader: Reader,
  accountIds: readonly string[],
  before: string | null,
  limit: number,
): Promise<Page<ExceptionRow>> {
  if (accountIds.length === 0) return toPage<ExceptionRow>([], limit);
  const { accountId, id } = budgetExceptions;
  const rows = await reader
    .select()
    .from(budgetExceptions)
    .where(and(inArray(accountId, [...accountIds]), before === null ? undefined : lt(id, before)))
    .orderBy(desc(id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** What the entries of each account come to, by account. */
export async function sumEntries(
  reader: Reader,
  accountIds: readonly string[],
): Promise<Map<string, EntrySum[]>> {
  const { rows } = await reader.execute<Omit<EntrySum, 'micros'> & { account: string; micros: string }>(sql`
    select account_id as account, kind, debit, credit, sum(amount_micros)::text as micros, count(*)::int as entries
    from ledger where account_id = any(${sql.param([...accountIds])}::text[])
    group by account_id, kind, debit, credit order by account_id, kind, debit`);
  const sums = rows.map(({ micros, ...row }) => ({ ...row, micros: BigInt(micros) }));
  return Map.groupBy(sums, ({ account }) => account);
}

/** What each account holds for allocations, by account. */
export async function sumHolds(reader: Reader, accountIds: readonly string[]): Promise<Map<string, bigint>> {
  const { rows } = await reader.execute<{ account: string; micros: string }>(sql`
    select account_id as account, sum(reserved_micros)::text as micros from holds
    where account_id = any(${sql.param([...accountIds])}::text[]) and reserved_micros > 0 group by account_id`);
  return new Map(rows.map(({ account, micros }) => [account, BigInt(micros)]));
}
