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
 * Each decision is found by its job, which has an index, and opened once; to write all candidates out first and join
 * them with what was taken cost half as much again.
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
    place as (
      select p.provider, p.spot, p.taken, r.micros, round(p.job_cost / p.taken_hours * r.hours * 1e6)::bigint as other
      from run r join decisions d on d.job_id = r.job_id and d.allocation_id = r.allocation_id,
        lateral (
          select k.provider, k.spot, bool_or(k.taken) as taken, min(k.price * k.hours) as job_cost,
            max(max(k.hours) filter (where k.taken)) over () as taken_hours
          from (
            select provider, spot, taken, ("pricePerHour" ->> 'amount')::float8 as price, (parts ->> 'hours')::float8 as hours
            from jsonb_to_recordset(d.body -> 'candidates')
              as c(provider text, spot boolean, taken boolean, "pricePerHour" jsonb, parts jsonb)) k
          group by k.provider, k.spot) p
      where p.taken_hours > 0),
    summed as (
      select provider, spot, count(*)::int as allocations, sum(micros) as micros, sum(other) as other,
        (count(*) filter (where taken))::int as compared, sum(micros) filter (where taken) as compared_micros
      from place group by provider, spot)
    select (select count(*)::int from run) as allocations, (select coalesce(sum(micros), 0)::text from run) as micros,
      (select coalesce(sum(compared), 0)::int from summed) as compared,
      (select coalesce(sum(compared_micros), 0)::text from summed) as compared_micros,
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
