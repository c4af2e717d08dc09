import { and, asc, eq, gt, isNotNull, isNull, lte, or, sql } from 'drizzle-orm';
import type { Calendar } from '../../core/ledger/calendar.ts';
import type { AccountRow, BudgetRow } from '../apply/budgets.ts';
import { accounts, budgets } from '../schema.ts';
import type { Reader } from '../store.ts';

/** A budget that may need something of its periods. */
export interface KeptBudget {
  readonly budget: BudgetRow;
  /** Of now and later, oldest first. */
  readonly accounts: readonly AccountRow[];
}

/** Budgets that are not over, with their periods that are not; by id. */
export async function loadLiveBudgets(reader: Reader, calendar: Calendar, now: Date): Promise<KeptBudget[]> {
  const today = calendar.dayOf(now);
  const rows = await reader
    .select({ budget: budgets, account: accounts })
    .from(budgets)
    .leftJoin(accounts, and(eq(accounts.budgetId, budgets.id), gt(accounts.endsAt, now)))
    .where(and(isNull(budgets.deletedAt), or(isNull(budgets.untilDay), gt(budgets.untilDay, today))))
    .orderBy(asc(budgets.id), asc(accounts.startsAt));
  return [...Map.groupBy(rows, ({ budget }) => budget.id).values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    return { budget: first.budget, accounts: all.flatMap(({ account }) => account ?? []) };
  });
}

/** Periods that are over, hold nothing any more, and were not looked at; with what is asked of what they left. */
export async function loadEnded(
  reader: Reader,
  now: Date,
  limit: number,
): Promise<{ readonly accountId: string; readonly budgetId: string }[]> {
  const rows = await reader
    .select({ accountId: accounts.id, budgetId: accounts.budgetId })
    .from(accounts)
    .where(
      and(
        isNotNull(accounts.budgetId),
        lte(accounts.endsAt, now),
        isNull(accounts.carriedAt),
        eq(accounts.reservedMicros, 0n),
      ),
    )
    .orderBy(asc(accounts.id))
    .limit(limit);
  return rows.flatMap(({ accountId, budgetId }) => (budgetId === null ? [] : { accountId, budgetId }));
}

/** Which alerts of these accounts were given, as `account threshold`. */
export async function loadAlerted(reader: Reader, accountIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await reader.execute<{ account: string; threshold: number }>(sql`
    select account_id as account, threshold from budget_alerts
    where account_id = any(${sql.param([...accountIds])}::text[])`);
  return new Set(rows.map(({ account, threshold }) => `${account} ${threshold}`));
}
