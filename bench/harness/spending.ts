import { sql } from 'drizzle-orm';
import type { Store } from '../../src/store/store.ts';

/** How much there is, and how it hangs together. */
export interface Spending {
  readonly allocations: number;
  readonly daysPerAllocation: number;
  readonly entriesPerDay: number;
  /** The newest so many allocations have a decision with ten candidates. */
  readonly decisions: number;
}

const CHUNK = 50_000;

/**
 * Two years of runs: 200 projects of 20 organizations, two allocations a job, at 24 providers of 8 vendors, one to sixteen GPUs each. Every
 * allocation ran for some whole days, and was metered so many times on each; the roll-up has one line a day. Made in
 * the database, as ten million rows do not go over a wire in a benchmark's time.
 */
export async function makeSpending(
  store: Store,
  { allocations, daysPerAllocation, entriesPerDay, decisions }: Spending,
  say: (line: string) => void,
): Promise<void> {
  for (let from = 0; from < allocations; from += CHUNK) {
    const until = Math.min(allocations, from + CHUNK);
    await store.db.execute(sql`
      insert into cost_days (month, day, allocation_id, job_id, organization, project, vendor, provider, region, offer,
        gpu_model, gpu_count, spot, purpose, price_micros_per_hour, from_seconds, seconds, micros)
      select to_char(d.day, 'YYYY-MM'), d.day, 'alc-' || lpad(n::text, 22, '0'), 'job-' || lpad((n / 2)::text, 22, '0'),
        'org-' || n / 2 % 20, 'project-' || n / 2 % 200, 'vendor-' || n % 8, 'provider-' || n % 24, 'kr-central', 'h100x' || g.gpus,
        'H100', g.gpus, n % 5 = 0, case n % 10 when 0 then 'standby' when 1 then 'failover' else 'run' end,
        5000000000 * g.gpus + n % 977, 86400 * k.k, 86400, 24 * (5000000000 * g.gpus + n % 977)
      from generate_series(${from}::int, ${until - 1}::int) n, generate_series(0, ${daysPerAllocation - 1}::int) k(k),
        lateral (select 1 << (n % 5) as gpus) g,
        lateral (select '2025-01-01'::date + (n::bigint * 720 / ${allocations}::bigint)::int + k.k as day) d`);
    await store.db.execute(sql`
      insert into ledger (at, kind, debit, credit, amount_micros, job_id, allocation_id, provider, offer,
        price_micros_per_hour, seconds, day, month, reason, actor)
      select c.day::timestamptz + make_interval(secs => 86400 / ${entriesPerDay}::int * e), 'usage', 'project', 'vendor',
        c.micros * (e + 1) / ${entriesPerDay}::int - c.micros * e / ${entriesPerDay}::int, c.job_id, c.allocation_id,
        c.provider, c.offer, c.price_micros_per_hour, 86400 / ${entriesPerDay}::int, c.day, c.month, 'metered', 'system'
      from cost_days c, generate_series(0, ${entriesPerDay - 1}::int) e
      where c.allocation_id >= ${name(from)} and c.allocation_id < ${name(until)}`);
    say(`costs: ${until} allocations of ${allocations}`);
  }
  await makeDecisions(store, allocations - decisions, allocations);
  for (const table of ['ledger', 'cost_days', 'decisions'])
    await store.db.execute(sql.raw(`vacuum analyze ${table}`));
}

/** As they are stored, but for the parts of a score that nobody reads here. */
async function makeDecisions(store: Store, from: number, until: number): Promise<void> {
  await store.db.execute(sql`
    insert into decisions (id, job_id, at, allocation_id, body)
    select 'dec-' || n, 'job-' || lpad((n / 2)::text, 22, '0'), now(), 'alc-' || lpad(n::text, 22, '0'),
      jsonb_build_object('version', 2, 'objective', 'cheapest', 'notes', '[]'::jsonb, 'candidates', c.all)
    from generate_series(${from}::int, ${until - 1}::int) n, lateral (
      select jsonb_agg(jsonb_build_object('provider', 'provider-' || (n + i) % 24, 'offer', 'h100', 'region', 'kr-central',
        'spot', n % 5 = 0, 'taken', i = 0, 'free', 4, 'capacity', 8,
        'pricePerHour', jsonb_build_object('amount', (5000 + n % 977 + 37 * i)::text, 'currency', 'KRW'),
        'listPricePerHour', jsonb_build_object('amount', (5000 + n % 977 + 37 * i)::text, 'currency', 'KRW'),
        'estimatedCost', jsonb_build_object('amount', (50000 + 370 * i)::text, 'currency', 'KRW'),
        'tier', 'normal', 'score', 50000 + 370 * i, 'parts', jsonb_build_object('hours', 10 + i % 3, 'interruptions', 0,
          'lostHours', 0, 'room', 0.5, 'steady', 1, 'accepting', 1, 'onDemand', 1, 'availability', 0.9)) order by i) as all
      from generate_series(0, 9) i) c`);
}

const name = (allocation: number) => `alc-${String(allocation).padStart(22, '0')}`;
