import { sql } from 'drizzle-orm';
import type { Tx } from '../store.ts';
import { billedSeconds, cost } from './bill.ts';

/**
 * Meters every allocation that runs: whole seconds since its start, and their cost computed anew over the whole
 * span. A pass that is repeated, late or missed changes no total. A silent provider's work is charged up to its
 * lease's end at most, because that is when it must have stopped.
 */
export async function meterRunning(tx: Tx, now: Date, leaseSeconds: number): Promise<number> {
  const lease = sql`case when a.state = 'active'
    then greatest(a.lease_until, p.last_contact_at + make_interval(secs => ${leaseSeconds})) else a.lease_until end`;
  const until = sql`least(${lease}, ${now.toISOString()}::timestamptz)`;
  const seconds = billedSeconds(sql`a.started_at`, until);
  const result = await tx.execute<{ n: number }>(sql`
    with metered as (
      update allocations a set
        metered_seconds = greatest(a.metered_seconds, ${seconds}),
        charged_micros = greatest(a.charged_micros, ${cost(sql`a.price_micros_per_hour`, seconds)})
      from providers p where p.name = a.provider and a.id in (
        select id from allocations where state in ('active', 'releasing') and started_at is not null order by id for update)
      returning 1
    ) select count(*)::int as n from metered`);
  return result.rows[0]?.n ?? 0;
}
