import { and, desc, eq, gt, inArray, isNull, lt, lte, sql, type SQL } from 'drizzle-orm';
import { HOLDING_ALLOCATION_STATES } from '../../core/allocation.ts';
import type { Scope } from '../../core/access.ts';
import type { AccountRow, BudgetRow } from '../apply/budgets.ts';
import { accounts, budgets } from '../schema.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export type { AccountRow, BudgetRow } from '../apply/budgets.ts';

export interface BudgetFilter {
  readonly project?: string | undefined;
  readonly organization?: string | undefined;
}

/** A budget that the scope covers; null: there is none of that id that may be seen. */
export async function findBudgetIn(reader: Reader, scope: Scope, id: string): Promise<BudgetRow | null> {
  const [row] = await reader
    .select()
    .from(budgets)
    .where(and(eq(budgets.id, id), isNull(budgets.deletedAt), budgetsIn(scope)));
  return row ?? null;
}

/** Newest first; `before` is the last id of the page before. */
export async function listBudgets(
  reader: Reader,
  scope: Scope,
  { project, organization }: BudgetFilter,
  before: string | null,
  limit: number,
): Promise<Page<BudgetRow>> {
  const rows = await reader
    .select()
    .from(budgets)
    .where(
      and(
        isNull(budgets.deletedAt),
        budgetsIn(scope),
        project === undefined ? undefined : eq(budgets.project, project),
        organization === undefined ? undefined : eq(budgets.organization, organization),
        before === null ? undefined : lt(budgets.id, before),
      ),
    )
    .orderBy(desc(budgets.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** A member sees those of its projects, not what their organization has. */
function budgetsIn(scope: Scope): SQL | undefined {
  if (scope.kind === 'all') return undefined;
  if (scope.kind === 'organization') return eq(budgets.organization, scope.organization);
  if (scope.kind !== 'projects' || scope.projects.length === 0) return sql`false`;
  return inArray(budgets.project, [...scope.projects]);
}

/** How a budget stands. */
export interface Standing {
  /** Of the current period; null: it has none now. */
  readonly account: AccountRow | null;
  /** What everything under it that holds a place costs per hour. */
  readonly burnMicrosPerHour: bigint;
}

export async function standingsOf(
  reader: Reader,
  now: Date,
  rows: readonly BudgetRow[],
): Promise<Map<string, Standing>> {
  if (rows.length === 0) return new Map();
  const ids = rows.map(({ id }) => id);
  const current = await reader
    .select()
    .from(accounts)
    .where(and(inArray(accounts.budgetId, ids), lte(accounts.startsAt, now), gt(accounts.endsAt, now)));
  const byBudget = new Map(current.map((account) => [account.budgetId, account]));
  const burns = await burnsOf(reader, [...new Set(rows.map(({ organization }) => organization))]);
  return new Map(
    rows.map(({ id, organization, project }) => [
      id,
      {
        account: byBudget.get(id) ?? null,
        burnMicrosPerHour: burns
          .filter((burn) => burn.organization === organization && (project ?? burn.project) === burn.project)
          .reduce((sum, { micros }) => sum + BigInt(micros), 0n),
      },
    ]),
  );
}

export async function standingOf(reader: Reader, now: Date, row: BudgetRow): Promise<Standing> {
  return (await standingsOf(reader, now, [row])).get(row.id) ?? { account: null, burnMicrosPerHour: 0n };
}

interface BurnRecord extends Record<string, unknown> {
  readonly organization: string;
  readonly project: string;
  readonly micros: string;
}

async function burnsOf(reader: Reader, organizations: readonly string[]): Promise<BurnRecord[]> {
  const { rows } = await reader.execute<BurnRecord>(sql`
    select j.organization, j.project, sum(a.price_micros_per_hour)::text as micros
    from allocations a join jobs j on j.id = a.job_id
    where a.state = any(${sql.param([...HOLDING_ALLOCATION_STATES])}::text[])
      and j.organization = any(${sql.param([...organizations])}::text[])
    group by j.organization, j.project`);
  return rows;
}
