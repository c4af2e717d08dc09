import { sql, type SQL } from 'drizzle-orm';
import type { Scope } from '../../core/access.ts';
import type { Purpose } from '../../core/allocation.ts';
import type { Days } from '../../core/ledger/calendar.ts';
import { monthsTouched, wholeMonths, type CostDimension } from '../../core/ledger/costs.ts';
import type { Reader } from '../store.ts';

/** Which lines of `cost_days` (always called `c`) are meant. */
export interface CostQuery {
  readonly days: Days;
  readonly project?: string | undefined;
  readonly provider?: string | undefined;
  readonly purpose?: Purpose | undefined;
}

export interface CostSum {
  readonly seconds: bigint;
  /** Times the GPUs that it had. */
  readonly gpuSeconds: bigint;
  readonly micros: bigint;
}

export interface CostGroup extends CostSum {
  /** In the order that was asked for; null: it has no GPU. */
  readonly keys: readonly (string | null)[];
}

export interface CostReport {
  readonly groups: readonly CostGroup[];
  /** How many there are, also beyond the limit. */
  readonly count: number;
  /** Of all of them. */
  readonly total: CostSum;
}

/**
 * The day on whose account a line is: its own, or, of a correction, the first of the month whose bill it is on. So what
 * was said of a closed month stays true when it is asked for again.
 */
export const BOOKED = sql`(case when to_char(c.day, 'YYYY-MM') = c.month then c.day else (c.month || '-01')::date end)`;

const DIMENSIONS: Readonly<Record<CostDimension, SQL>> = {
  project: sql`c.project`,
  provider: sql`c.provider`,
  gpu: sql`c.gpu_model`,
  job: sql`c.job_id`,
  purpose: sql`c.purpose`,
  day: sql`${BOOKED}::text`,
  month: sql`c.month`,
  organization: sql`c.organization`,
  vendor: sql`c.vendor`,
  offer: sql`c.offer`,
};

/** Lines booked in the span: of `cost_days` or of the ledger's usage. Whole months, the usual, are found by the key. */
export function inSpan(days: Days): SQL {
  const { first, last } = monthsTouched(days);
  const months = sql`c.month >= ${first} and c.month <= ${last}`;
  return wholeMonths(days)
    ? months
    : sql`${months} and ${BOOKED} >= ${days.from}::date and ${BOOKED} < ${days.until}::date`;
}

/** What a tenant sees. */
export function linesIn(scope: Scope, { days, project, provider, purpose }: CostQuery): SQL {
  const also = (column: SQL, value: string | undefined) =>
    value === undefined ? sql`` : sql` and ${column} = ${value}`;
  return sql`${inSpan(days)} and ${tenants(scope)}${also(sql`c.project`, project)}${also(sql`c.provider`, provider)}${also(sql`c.purpose`, purpose)}`;
}

function tenants(scope: Scope): SQL {
  if (scope.kind === 'all') return sql`true`;
  if (scope.kind === 'organization') return sql`c.organization = ${scope.organization}`;
  if (scope.kind !== 'projects') return sql`false`;
  return sql`c.project = any(${sql.param(scope.projects)}::text[])`;
}

interface SumRow extends Record<string, unknown> {
  readonly seconds: string;
  readonly gpu_seconds: string;
  readonly micros: string;
}
interface GroupRow extends SumRow {
  readonly keys: (string | null)[];
  readonly count: string;
  readonly all_seconds: string;
  readonly all_gpu_seconds: string;
  readonly all_micros: string;
}

/**
 * Costs by any of their dimensions: dearest first; by day or month, where one of these comes first, then dearest.
 * One statement, so that the total is of the same moment as its parts.
 */
export async function readCosts(
  reader: Reader,
  lines: SQL,
  by: readonly CostDimension[],
  limit: number,
): Promise<CostReport> {
  const columns = by.map((dimension) => DIMENSIONS[dimension]);
  const keys = columns.length === 0 ? sql`array[]::text[]` : sql`array[${sql.join(columns, sql`, `)}]`;
  const grouped = columns.length === 0 ? sql`` : sql`group by ${sql.join(columns, sql`, `)}`;
  const byTime = by[0] === 'day' || by[0] === 'month' ? sql`keys[1], ` : sql``;
  const { rows } = await reader.execute<GroupRow>(sql`
    with g as (
      select ${keys} as keys, sum(c.seconds) as seconds, sum(c.seconds * c.gpu_count) as gpu_seconds,
        sum(c.micros) as micros
      from cost_days c where ${lines} ${grouped} having count(*) > 0)
    select keys, seconds::text, gpu_seconds::text, micros::text, (count(*) over ())::text as count,
      (sum(seconds) over ())::text as all_seconds, (sum(gpu_seconds) over ())::text as all_gpu_seconds,
      (sum(micros) over ())::text as all_micros
    from g order by ${byTime} g.micros desc, keys limit ${limit}`);
  const [first] = rows;
  return {
    groups: rows.map((row) => ({ keys: row.keys, ...sumOf(row) })),
    count: Number(first?.count ?? 0),
    total: {
      seconds: BigInt(first?.all_seconds ?? 0),
      gpuSeconds: BigInt(first?.all_gpu_seconds ?? 0),
      micros: BigInt(first?.all_micros ?? 0),
    },
  };
}

function sumOf(row: SumRow): CostSum {
  return {
    seconds: BigInt(row.seconds),
    gpuSeconds: BigInt(row.gpu_seconds),
    micros: BigInt(row.micros),
  };
}

export interface StatementLine extends CostSum {
  readonly offer: string;
  readonly purpose: Purpose;
}

/** What a provider earned, by offer and purpose. Whose work it was is not in it. */
export async function readStatement(
  reader: Reader,
  provider: string,
  days: Days,
): Promise<readonly StatementLine[]> {
  const { rows } = await reader.execute<SumRow & { offer: string; purpose: Purpose }>(sql`
    select c.offer, c.purpose, sum(c.seconds)::text as seconds, sum(c.seconds * c.gpu_count)::text as gpu_seconds,
      sum(c.micros)::text as micros
    from cost_days c where ${inSpan(days)} and c.provider = ${provider}
    group by c.offer, c.purpose order by c.offer, c.purpose`);
  return rows.map((row) => ({ offer: row.offer, purpose: row.purpose, ...sumOf(row) }));
}
