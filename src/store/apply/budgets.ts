import { and, asc, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import { overlap } from '../../core/ledger/budget-check.ts';
import type { Span } from '../../core/ledger/calendar.ts';
import { budgets, organizations, type accounts } from '../schema.ts';
import type { Tx } from '../store.ts';

export type BudgetRow = typeof budgets.$inferSelect;
export type AccountRow = typeof accounts.$inferSelect;

/**
 * Whoever makes a budget, or makes one longer, takes this first: of two that overlap the second then sees the first.
 * Not `for update`: a job that is submitted refers to its organization, and would wait.
 *
 * @returns false where there is none
 */
export async function lockOrganization(tx: Tx, name: string): Promise<boolean> {
  const found = await tx
    .select({ name: organizations.name })
    .from(organizations)
    .where(eq(organizations.name, name))
    .for('no key update');
  return found.length > 0;
}

/** The others of one scope and kind that share a day with it. The organization is locked by the caller. */
export async function overlapping(
  tx: Tx,
  budget: Span & Pick<BudgetRow, 'id' | 'organization' | 'project'>,
): Promise<BudgetRow[]> {
  const { id, organization, project, periodKind } = budget;
  const others = await tx
    .select()
    .from(budgets)
    .where(
      and(
        eq(budgets.organization, organization),
        project === null ? isNull(budgets.project) : eq(budgets.project, project),
        eq(budgets.periodKind, periodKind),
        isNull(budgets.deletedAt),
        ne(budgets.id, id),
      ),
    )
    .orderBy(asc(budgets.id));
  return others.filter((other) => overlap(budget, other));
}

/** Null: the organization has a budget of that name. */
export async function insertBudget(tx: Tx, row: typeof budgets.$inferInsert): Promise<BudgetRow | null> {
  const [made] = await tx.insert(budgets).values(row).onConflictDoNothing().returning();
  return made ?? null;
}

/**
 * Budgets, held until the transaction ends, in the order of their ids. After organizations and before everything that
 * work is made of; accounts come after all that. Deleted ones are not found.
 */
export function lockBudgets(tx: Tx, ids: readonly string[]): Promise<BudgetRow[]> {
  return tx
    .select()
    .from(budgets)
    .where(and(inArray(budgets.id, [...ids]), isNull(budgets.deletedAt)))
    .orderBy(asc(budgets.id))
    .for('no key update');
}

export async function lockBudget(tx: Tx, id: string): Promise<BudgetRow | null> {
  const [row] = await lockBudgets(tx, [id]);
  return row ?? null;
}

/** Changes a budget that is locked by the caller. */
export async function changeBudget(tx: Tx, id: string, set: Partial<BudgetRow>): Promise<BudgetRow> {
  const [row] = await tx
    .update(budgets)
    .set({ ...set, version: sql`${budgets.version} + 1` })
    .where(eq(budgets.id, id))
    .returning();
  if (row === undefined) throw new Error(`the budget ${id} was locked and is gone`);
  return row;
}
