import { desc, eq, sql } from 'drizzle-orm';
import { HOLDING_ALLOCATION_STATES } from '../../core/allocation.ts';
import { daysOfMonth, type Days, type Month } from '../../core/ledger/calendar.ts';
import { billedSeconds } from '../apply/bill.ts';
import { closedMonths } from '../schema.ts';
import type { Reader, Store } from '../store.ts';
import { inSpan } from './costs.ts';
import { roomy } from './roomy.ts';

export type ClosedMonth = typeof closedMonths.$inferSelect;

/** What a month comes to. */
export interface MonthSeal {
  readonly totalMicros: bigint;
  readonly lines: number;
  /** Hex SHA-256. */
  readonly sha256: string;
}

export interface MonthView extends Omit<MonthSeal, 'sha256'> {
  readonly month: Month;
  /** Null: it is open. */
  readonly closed: ClosedMonth | null;
}

export async function findClosedMonth(reader: Reader, month: Month): Promise<ClosedMonth | null> {
  const [row] = await reader.select().from(closedMonths).where(eq(closedMonths.month, month));
  return row ?? null;
}

/** Closed ones with what they were closed with, open ones with what they come to by now; the newest first. */
export async function listMonths(reader: Reader): Promise<MonthView[]> {
  const closed = await reader.select().from(closedMonths).orderBy(desc(closedMonths.month));
  const { rows } = await reader.execute<{ month: string; micros: string; lines: number }>(sql`
    select c.month, sum(c.micros)::text as micros, count(*)::int as lines from cost_days c
    where not exists (select from closed_months m where m.month = c.month) group by c.month`);
  const open = rows.map(({ month, micros, lines }) => ({
    month,
    totalMicros: BigInt(micros),
    lines,
    closed: null,
  }));
  const done = closed.map((row) => ({ ...row, closed: row }));
  return [...open, ...done].sort((a, b) => (a.month < b.month ? 1 : -1));
}

/**
 * The month's lines as one hash: SHA-256 over the SHA-256 of each line, in the order of day and allocation. A line is
 * its fields in the order of the table, with | between them, which is in none of their names.
 * In the database, because a month may have more lines than this process has memory for: a quarter of a second for 40,000.
 */
export async function sealMonth(reader: Reader, month: Month): Promise<MonthSeal> {
  const { rows } = await reader.execute<{ micros: string; lines: number; sha256: string }>(sql`
    select coalesce(sum(c.micros), 0)::text as micros, count(*)::int as lines,
      encode(sha256(coalesce(string_agg(sha256(convert_to(concat_ws('|', c.month, to_char(c.day, 'YYYY-MM-DD'),
        c.allocation_id, c.job_id, c.organization, c.project, c.vendor, c.provider, c.region, c.offer,
        coalesce(c.gpu_model, ''), c.gpu_count, c.spot, c.purpose, c.price_micros_per_hour, c.from_seconds, c.seconds,
        c.micros), 'UTF8')), '' order by c.day, c.allocation_id collate "C"), '')), 'hex') as sha256
    from cost_days c where c.month = ${month}`);
  const [row] = rows;
  return { totalMicros: BigInt(row?.micros ?? 0), lines: row?.lines ?? 0, sha256: row?.sha256 ?? '' };
}

/** Allocations that ran before `end` and are not metered up to it. */
export async function countUnmetered(reader: Reader, end: Date): Promise<number> {
  const { rows } = await reader.execute<{ n: number }>(sql`
    select count(*)::int as n from allocations a
    where a.state = any(${sql.param([...HOLDING_ALLOCATION_STATES])}::text[])
      and a.started_at < ${end.toISOString()}::timestamptz
      and a.metered_seconds < ${billedSeconds(sql`a.started_at`, sql`${end.toISOString()}::timestamptz`)}`);
  return rows[0]?.n ?? 0;
}

/** The roll-up held against the entries that it is of. */
export interface CostCheck {
  readonly lines: number;
  /** What the lines come to, and what the entries do. */
  readonly linesMicros: bigint;
  readonly entriesMicros: bigint;
  /** Lines that are not what their entries come to; entries without a line among them. */
  readonly wrong: number;
  /** At most ten of them. */
  readonly examples: readonly WrongLine[];
}

export interface WrongLine {
  readonly month: Month;
  readonly day: string;
  readonly allocationId: string;
  readonly lineMicros: string;
  readonly entriesMicros: string;
}

/** Reads every usage entry of these days: about ten seconds for ten million. */
export async function verifyCosts(reader: Reader, days: Days): Promise<CostCheck> {
  const { rows } = await reader.execute<{
    lines: number;
    line_micros: string;
    entry_micros: string;
    wrong: number;
    examples: WrongLine[] | null;
  }>(sql`
    with entry as (
      select c.month, c.day, c.allocation_id,
        sum(case when c.debit = 'project' then c.amount_micros else -c.amount_micros end) as micros
      from ledger c where c.account_id is null and ${inSpan(days)} group by c.month, c.day, c.allocation_id),
    both_sides as (
      select month, day, allocation_id, l.micros is not null as has_line, coalesce(l.micros, 0) as line,
        coalesce(e.micros, 0) as entry
      from entry e full join (select c.month, c.day, c.allocation_id, c.micros from cost_days c where ${inSpan(days)}) l
        using (month, day, allocation_id)),
    wrong as (select * from both_sides where line <> entry order by month, day, allocation_id limit 10)
    select (count(*) filter (where has_line))::int as lines, coalesce(sum(line), 0)::text as line_micros,
      coalesce(sum(entry), 0)::text as entry_micros, (count(*) filter (where line <> entry))::int as wrong,
      (select json_agg(json_build_object('month', month, 'day', day, 'allocationId', allocation_id,
        'lineMicros', line::text, 'entriesMicros', entry::text)) from wrong) as examples
    from both_sides`);
  const [row] = rows;
  return {
    lines: row?.lines ?? 0,
    linesMicros: BigInt(row?.line_micros ?? 0),
    entriesMicros: BigInt(row?.entry_micros ?? 0),
    wrong: row?.wrong ?? 0,
    examples: row?.examples ?? [],
  };
}

export const verifyMonth = (reader: Reader, month: Month): Promise<CostCheck> =>
  verifyCosts(reader, daysOfMonth(month));

/** A month as it is, as it should be, and as it was closed: all of one moment. */
export interface MonthInspection {
  readonly seal: MonthSeal;
  readonly check: CostCheck;
  readonly closed: ClosedMonth | null;
}

export function inspectMonth(store: Store, month: Month): Promise<MonthInspection> {
  return roomy(store, async (tx) => ({
    seal: await sealMonth(tx, month),
    check: await verifyMonth(tx, month),
    closed: await findClosedMonth(tx, month),
  }));
}

/** VAT percent of each of these that is closed. */
export async function readInvoiced(reader: Reader, months: readonly Month[]): Promise<Map<Month, number>> {
  const rows = await reader
    .select({ month: closedMonths.month, vatPercent: closedMonths.vatPercent })
    .from(closedMonths)
    .where(sql`${closedMonths.month} = any(${sql.param([...months])}::text[])`);
  return new Map(rows.map(({ month, vatPercent }) => [month, vatPercent]));
}
