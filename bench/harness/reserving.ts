import pg from 'pg';
import { termsOf } from '../../src/core/ledger/run.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import { applyPlacements, type PlacementRow } from '../../src/store/apply/placements.ts';
import type { Store } from '../../src/store/store.ts';
import { insertBudgets, insertProjects } from './budgets.ts';
import { SPEC } from './running.ts';

const PROVIDERS = 20;
const BUDGETS = 1_000;
const PRICE = 40_000_000_000n;
const TERMS = termsOf(DEFAULT_TIMING, 'Asia/Seoul');

/** What stands above the jobs. */
export const ABOVE = {
  none: ['free'],
  one: ['hot'],
  many: Array.from({ length: BUDGETS }, (_, n) => `one-of-${n}`),
} as const;
export type Above = keyof typeof ABOVE;

/** Room without end at so many providers, and for each kind of `ABOVE` an organization with its projects and budgets. */
export async function insertPlaces(client: pg.Client, at: Date): Promise<void> {
  for (const [organization, projects] of Object.entries(ABOVE))
    await insertProjects(client, at, organization, projects);
  await insertBudgets(client, at, 'one', [null]);
  await insertBudgets(client, at, 'many', ABOVE.many);
  await client.query(
    `insert into providers (name, vendor, broker_kind, broker_settings, site, realm, certifications, mode, health, health_since,
        health_reason, last_contact_at, contact_since, created_at)
      select 'provider-' || i, 'vendor', 'agent', '{}', '{"city": "Seoul", "country": "KR", "region": "kr", "latitude": 37, "longitude": 127}',
        'public', '[]', 'active', 'healthy', $1, 'heard', $1, $1, $1 from generate_series(0, ${PROVIDERS - 1}) i`,
    [at],
  );
  await client.query(
    `insert into offers (provider, name, region, gpu_model, gpu_count, gpu_memory_gib, cpus, memory_gib, capacity,
        price_micros_per_hour, currency, updated_at)
      select name, 'h100', 'kr', 'H100', 8, 80, 64, 512, 1000000, ${PRICE}, 'KRW', $1 from providers`,
    [at],
  );
  await client.query(`create table plain (id int primary key, n bigint not null)`);
  await client.query(`insert into plain select i, 0 from generate_series(1, ${BUDGETS}) i`);
}

/** So many more jobs that wait, and where each is to be placed: over all providers in turn. */
export async function insertWaiting(
  client: pg.Client,
  at: Date,
  above: Above,
  jobs: number,
): Promise<PlacementRow[]> {
  const { rows } = await client.query<{ id: string; project: string }>(
    `insert into jobs (id, organization, project, name, kind, spec, priority, queue_rank, state, reason, created_at, queued_at, created_by)
      select 'job-' || gen_random_uuid(), $2, ($4::text[])[1 + i % cardinality($4::text[])], 'waits', 'training', $5, 50, i, 'queued',
        'submitted', $1, $1, 'key-bench' from generate_series(1, $3::int) i returning id, project`,
    [at, above, jobs, ABOVE[above], SPEC],
  );
  return rows.map(({ id, project }, n) => placement(id, above, project, `provider-${n % PROVIDERS}`));
}

const placement = (jobId: string, organization: string, project: string, provider: string): PlacementRow => ({
  decisionId: `dec-${jobId}`,
  allocationId: `alc-${jobId}`,
  jobId,
  jobVersion: 1,
  organization,
  project,
  organizationRulesVersion: 0,
  projectRulesVersion: 0,
  policiesVersion: 0,
  providerVersion: 1,
  provider,
  offer: 'h100',
  region: 'kr',
  spot: false,
  nodes: 1,
  draw: null,
  shape: {
    region: 'kr',
    gpuModel: 'H100',
    gpuCount: 8,
    gpuMemoryGiB: 80,
    gpuFormFactor: null,
    cpus: 64,
    memoryGiB: 512,
  },
  listPriceMicrosPerHour: PRICE,
  listCurrency: 'KRW',
  rateMicros: 1_000_000n,
  priceMicrosPerHour: PRICE,
  offerGpuCount: 8,
  graceSeconds: 30,
  restoredCheckpoint: null,
  spare: null,
  decision: DECISION,
  inputId: 'inp-bench',
});

const won = (amount: number) => ({ amount: String(amount), currency: 'KRW' });

/** Ten candidates as they are written, some 4 kB. */
const DECISION = JSON.stringify({
  version: 2,
  objective: 'cheapest',
  notes: [],
  candidates: Array.from({ length: 10 }, (_, n) => ({
    provider: `provider-${n}`,
    offer: 'h100',
    region: 'kr',
    spot: false,
    taken: n === 0,
    free: 4 + n,
    capacity: 8,
    pricePerHour: won(40_000 + n),
    listPricePerHour: won(40_000 + n),
    estimatedCost: won(500_000 + 370 * n),
    tier: 'normal',
    score: 500_000 + 370 * n,
    parts: { hours: 10 + n, interruptions: 0, lostHours: 0, room: 0.5, steady: 1, accepting: 1, onDemand: 1 },
  })),
});

/** Places all of them, a page a transaction, over so many connections at once. @returns how many a second */
export async function placedPerSecond(
  store: Store,
  at: Date,
  rows: readonly PlacementRow[],
  page: number,
  connections: number,
): Promise<number> {
  return perSecond(rows.length / page, connections, async (n) => {
    const wanted = rows.slice(n * page, (n + 1) * page);
    const placed = await store.transaction((tx) => applyPlacements(tx, at, TERMS, wanted));
    if (placed.size !== wanted.length) throw new Error(`placed ${placed.size} of ${wanted.length}`);
  }).then((pages) => pages * page);
}

/** The yardstick: as many transactions that do nothing but add one to a row, the same one or one of as many as there are budgets. */
export async function updatedPerSecond(
  url: string,
  updates: number,
  rows: 'one' | 'many',
  connections: number,
): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: connections, min: connections });
  try {
    await Promise.all(Array.from({ length: connections }, () => pool.query('select pg_sleep(0.05)')));
    return await perSecond(updates, connections, (n) =>
      pool.query('update plain set n = n + 1 where id = $1', [rows === 'one' ? 1 : 1 + (n % BUDGETS)]),
    );
  } finally {
    await pool.end();
  }
}

async function perSecond(
  times: number,
  connections: number,
  work: (n: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < times) await work(next++);
    }),
  );
  return (times * 1_000) / (performance.now() - started);
}
