import { sql, type SQL } from 'drizzle-orm';
import type { Purpose } from '../../core/allocation.ts';
import type { CostLine } from '../../core/focus/usage.ts';
import type { Reader } from '../store.ts';

/** Where the last page of lines ended. */
export interface LineMark {
  readonly month: string;
  readonly allocationId: string;
}

interface LineRow extends Record<string, unknown> {
  readonly month: string;
  readonly used_month: string;
  readonly allocation_id: string;
  readonly job_id: string;
  readonly job_name: string;
  readonly labels: Record<string, string> | null;
  readonly organization: string;
  readonly project: string;
  readonly vendor: string;
  readonly provider: string;
  readonly region: string;
  readonly offer: string;
  readonly gpu_model: string | null;
  readonly gpu_count: number;
  readonly spot: boolean;
  readonly purpose: Purpose;
  readonly price: string;
  readonly list_price: string;
  readonly list_currency: string;
  readonly started_ms: string;
  readonly from_seconds: string;
  readonly until_seconds: string;
  readonly seconds: string;
  readonly micros: string;
  readonly corrected: string;
}

/**
 * Lines with the runs that they are of, by month and allocation, so many allocations at a time: the key's order, so a
 * page costs what it shows. Corrections of closed months are lines of their own; what of a line was corrected by hand is
 * told apart, because it has no price.
 */
export async function listCostLines(
  reader: Reader,
  lines: SQL,
  after: LineMark | null,
  allocations: number,
): Promise<CostLine[]> {
  const beyond =
    after === null ? sql`` : sql` and (c.month, c.allocation_id) > (${after.month}, ${after.allocationId})`;
  const { rows } = await reader.execute<LineRow>(sql`
    with page as (
      select c.month, c.allocation_id from cost_days c where ${lines}${beyond}
      group by c.month, c.allocation_id order by c.month, c.allocation_id limit ${allocations}),
    corrected as (
      select e.month, e.allocation_id, e.day,
        sum(case when e.debit = 'project' then e.amount_micros else -e.amount_micros end) as micros
      from ledger e where e.kind = 'adjust' and e.account_id is null group by e.month, e.allocation_id, e.day),
    line as (
      select c.month, to_char(c.day, 'YYYY-MM') as used_month, c.allocation_id, min(c.from_seconds) as from_seconds,
        max(c.from_seconds + c.seconds) as until_seconds, sum(c.seconds) as seconds, sum(c.micros) as micros,
        coalesce(sum(e.micros), 0) as corrected, (array_agg(c order by c.day))[1] as c
      from cost_days c join page using (month, allocation_id)
        left join corrected e on e.month = c.month and e.allocation_id = c.allocation_id and e.day = c.day
      where ${lines}
      group by c.month, used_month, c.allocation_id)
    select l.month, l.used_month, l.allocation_id, (l.c).job_id, j.name as job_name, j.spec -> 'labels' as labels,
      (l.c).organization, (l.c).project, (l.c).vendor, (l.c).provider, (l.c).region, (l.c).offer, (l.c).gpu_model,
      (l.c).gpu_count, (l.c).spot, (l.c).purpose, (l.c).price_micros_per_hour::text as price,
      a.list_price_micros_per_hour::text as list_price, a.list_currency,
      (extract(epoch from a.started_at) * 1000)::bigint::text as started_ms,
      l.from_seconds::text, l.until_seconds::text, l.seconds::text, l.micros::text,
      l.corrected::text
    from line l join allocations a on a.id = l.allocation_id join jobs j on j.id = (l.c).job_id
    order by l.month, l.allocation_id, l.used_month`);
  return rows.map(lineOf);
}

function lineOf(row: LineRow): CostLine {
  return {
    month: row.month,
    usedMonth: row.used_month,
    allocationId: row.allocation_id,
    jobId: row.job_id,
    jobName: row.job_name,
    labels: row.labels ?? {},
    organization: row.organization,
    project: row.project,
    vendor: row.vendor,
    provider: row.provider,
    region: row.region,
    offer: row.offer,
    gpuModel: row.gpu_model,
    gpuCount: row.gpu_count,
    spot: row.spot,
    purpose: row.purpose,
    priceMicrosPerHour: BigInt(row.price),
    listPriceMicrosPerHour: BigInt(row.list_price),
    listCurrency: row.list_currency,
    startedAt: new Date(Number(row.started_ms)),
    fromSeconds: BigInt(row.from_seconds),
    untilSeconds: BigInt(row.until_seconds),
    seconds: BigInt(row.seconds),
    micros: BigInt(row.micros),
    correctedMicros: BigInt(row.corrected),
  };
}
