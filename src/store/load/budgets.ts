import { sql } from 'drizzle-orm';
import type { BudgetAbove } from '../../core/ledger/submission.ts';
import type { Reader } from '../store.ts';

interface AboveRecord extends Record<string, unknown>, Omit<BudgetAbove, 'approvalAboveMicros' | 'account'> {
  readonly organization: string;
  readonly approvalAbove: string | null;
  readonly cap: string | null;
  readonly allotted: string;
  readonly disaster: string;
  readonly reserved: string;
  readonly charged: string;
  readonly failover: string;
  readonly endsAt: string | null;
}

/**
 * The budgets above some projects, each with its current account: one statement, however many ask. Where there are no
 * budgets it looks into an empty index.
 *
 * @returns by project; a project without any is not in it
 */
export async function loadBudgetsAbove(
  reader: Reader,
  now: Date,
  projects: readonly { readonly project: string; readonly organization: string }[],
): Promise<Map<string, BudgetAbove[]>> {
  const homes = new Map(projects.map(({ project, organization }) => [project, organization]));
  const at = now.toISOString();
  const { rows } = await reader.execute<AboveRecord>(sql`
    select b.id, b.name, b.organization, b.project, b.period_kind as "periodKind", b.from_day::text as "fromDay",
      b.until_day::text as "untilDay", b.on_exhausted as "onExhausted", b.approval_above_micros::text as "approvalAbove",
      a.cap_micros::text as cap, a.allotted_micros::text as allotted, a.disaster_micros::text as disaster,
      a.reserved_micros::text as reserved, a.charged_micros::text as charged, a.failover_micros::text as failover,
      a.ends_at as "endsAt"
    from budgets b
    left join accounts a on a.budget_id = b.id and a.starts_at <= ${at}::timestamptz and a.ends_at > ${at}::timestamptz
    where b.organization = any(${sql.param([...new Set(homes.values())])}::text[]) and b.deleted_at is null
      and (b.project is null or b.project = any(${sql.param([...homes.keys()])}::text[]))
    order by b.id`);
  if (rows.length === 0) return new Map();
  const ofProjects = Map.groupBy(rows, ({ project }) => project);
  const ofOrganizations = Map.groupBy(ofProjects.get(null) ?? [], ({ organization }) => organization);
  const found = [...homes].map(([project, organization]) => {
    const above = [...(ofOrganizations.get(organization) ?? []), ...(ofProjects.get(project) ?? [])];
    return [project, above.map(toAbove)] as const;
  });
  return new Map(found.filter(([, above]) => above.length > 0));
}

function toAbove(row: AboveRecord): BudgetAbove {
  const { id, name, project, periodKind, fromDay, untilDay, onExhausted, approvalAbove, cap, endsAt } = row;
  return {
    id,
    name,
    project,
    periodKind,
    fromDay,
    untilDay,
    onExhausted,
    approvalAboveMicros: approvalAbove === null ? null : BigInt(approvalAbove),
    account:
      cap === null
        ? null
        : {
            capMicros: BigInt(cap),
            allottedMicros: BigInt(row.allotted),
            disasterMicros: BigInt(row.disaster),
            reservedMicros: BigInt(row.reserved),
            chargedMicros: BigInt(row.charged),
            failoverMicros: BigInt(row.failover),
            endsAt: endsAt === null ? null : new Date(endsAt),
          },
  };
}
