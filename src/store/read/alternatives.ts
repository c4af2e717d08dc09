import { sql, type SQL } from 'drizzle-orm';
import type { Reader } from '../store.ts';

/** A place where work could have gone, and what it would have cost there. */
export interface Alternative {
  readonly provider: string;
  readonly spot: boolean;
  /** Of those whose decision had a candidate there. */
  readonly allocations: number;
  /** What these cost where they ran. */
  readonly micros: bigint;
  readonly alternativeMicros: bigint;
}

export interface Alternatives {
  /** Everything that ran in the days. */
  readonly allocations: number;
  readonly micros: bigint;
  /** Of these, what a decision was kept for. */
  readonly compared: number;
  readonly comparedMicros: bigint;
  readonly places: readonly Alternative[];
}

/**
 * What the same seconds would have cost at each place that was a candidate when they were placed: at the price of that
 * moment, and for longer where the place's GPUs are slower (its hours to those of the place that was taken). Of several
 * offers of a place the cheapest counts. Sums are of whole micros, so that their order changes nothing.
 * Decisions are found by job, which has an index; their candidates, ten or eleven each, are opened in the database.
 */
export async function readAlternatives(reader: Reader, lines: SQL): Promise<Alternatives> {
  const { rows } = await reader.execute<{
    allocations: number;
    micros: string;
    compared: number;
    compared_micros: string;
    places: { provider: string; spot: boolean; allocations: number; micros: string; other: string }[] | null;
  }>(sql`
    with run as materialized (
      select c.job_id, c.allocation_id, sum(c.seconds)::float8 / 3600 as hours, sum(c.micros)::bigint as micros
      from cost_days c where ${lines} group by c.job_id, c.allocation_id),
    candidate as materialized (
      select r.allocation_id, r.micros, r.hours, k.provider, k.spot, k.taken, (k.parts ->> 'hours')::float8 as job_hours,
        (k."pricePerHour" ->> 'amount')::float8 as price
      from run r join decisions d on d.job_id = r.job_id and d.allocation_id = r.allocation_id,
        jsonb_to_recordset(d.body -> 'candidates')
          as k(provider text, spot boolean, taken boolean, "pricePerHour" jsonb, parts jsonb)),
    taken as (select allocation_id, micros, job_hours from candidate where taken),
    place as (
      select k.provider, k.spot, k.allocation_id, t.micros,
        min(round(k.price * k.hours * coalesce(k.job_hours / nullif(t.job_hours, 0), 1) * 1e6)::bigint) as other
      from candidate k join taken t using (allocation_id)
      group by k.provider, k.spot, k.allocation_id, t.micros),
    summed as (
      select provider, spot, count(*)::int as allocations, sum(micros) as micros, sum(other) as other
      from place group by provider, spot)
    select (select count(*)::int from run) as allocations, (select coalesce(sum(micros), 0)::text from run) as micros,
      (select count(*)::int from taken) as compared, (select coalesce(sum(micros), 0)::text from taken) as compared_micros,
      (select json_agg(json_build_object('provider', provider, 'spot', spot, 'allocations', allocations,
        'micros', micros::text, 'other', other::text) order by other - micros, provider, spot) from summed) as places`);
  const [row] = rows;
  return {
    allocations: row?.allocations ?? 0,
    micros: BigInt(row?.micros ?? 0),
    compared: row?.compared ?? 0,
    comparedMicros: BigInt(row?.compared_micros ?? 0),
    places: (row?.places ?? []).map(({ provider, spot, allocations, micros, other }) => ({
      provider,
      spot,
      allocations,
      micros: BigInt(micros),
      alternativeMicros: BigInt(other),
    })),
  };
}
