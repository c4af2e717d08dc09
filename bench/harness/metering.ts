import pg from 'pg';
import { meterPass } from '../../src/flows/meter.ts';
import type { Deps } from '../../src/deps.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { Bench } from './bench.ts';
import { insertBudgets, insertProjects, tidied } from './budgets.ts';
import { insertMarket, insertRunning } from './running.ts';
import { standingDeps, type StandingClock } from './standing.ts';

export interface Pass {
  /** One UPDATE of what is metered and charged, of as many rows. */
  readonly bulkMs: number;
  /** Everything that the pass writes, by a statement for each table that decides nothing. */
  readonly bareMs: number;
  readonly passMs: number;
  /** The longest that nobody else had a turn in this process. */
  readonly blockedMs: number;
  readonly entries: number;
  readonly bytes: number;
}

/** Everything runs at one provider and is metered every five seconds; the first pass, which begins the holds, comes before. */
export async function meterTimes(
  bench: Bench,
  allocations: number,
  budgets: number,
  passes: number,
): Promise<{ readonly first: number; readonly passes: readonly Pass[] }> {
  const url = await bench.database.create();
  await migrate(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { deps, clock } = standingDeps(url, bench.folder);
  try {
    await insertPaying(client, allocations, budgets, new Date(clock.nowMs));
    await comeDue(client, clock);
    const first = await timed(() => metered(deps, allocations));
    const found: Pass[] = [];
    for (let pass = 0; pass < passes; pass += 1) {
      await comeDue(client, clock);
      const bulkMs = await undone(client, [BULK]);
      const bareMs = await undone(client, BARE);
      const before = await sizes(client);
      const { passMs, blockedMs } = await watched(() => metered(deps, allocations));
      const after = await sizes(client);
      const entries = after.entries - before.entries;
      found.push({ bulkMs, bareMs, passMs, blockedMs, entries, bytes: after.bytes - before.bytes });
    }
    return { first, passes: found };
  } finally {
    await client.end();
    await deps.store.close();
    await bench.database.drop(url);
  }
}

async function insertPaying(
  client: pg.Client,
  allocations: number,
  budgets: number,
  at: Date,
): Promise<void> {
  await insertMarket(client, allocations, at);
  await insertRunning(client, allocations, at);
  if (budgets === 1) return insertBudgets(client, at, 'bench', [null]);
  const projects = Array.from({ length: budgets }, (_, n) => `one-of-${n}`);
  await insertProjects(client, at, 'bench', projects);
  await insertBudgets(client, at, 'bench', projects);
  await client.query(`update jobs set project = 'one-of-' || queue_rank % ${budgets}`);
}

/** Five seconds later all of them have to be looked at, and nobody's lease is over. */
async function comeDue(client: pg.Client, clock: StandingClock): Promise<void> {
  clock.pass(5_000);
  const at = new Date(clock.nowMs);
  await client.query('update providers set last_contact_at = $1', [at]);
  await client.query('update allocations set meter_at = $1', [at]);
  await tidied(client);
}

async function metered(deps: Deps, allocations: number): Promise<void> {
  const seen = await meterPass(deps);
  if (seen !== allocations) throw new Error(`metered ${seen} of ${allocations}`);
}

const MORE = 'metered_seconds = metered_seconds + 5, charged_micros = charged_micros + 1388889';
const BULK = `update allocations set ${MORE}`;

const entry = (kind: string, debit: string, credit: string, account: string, more: string) => `
  insert into ledger (at, kind, debit, credit, account_id, amount_micros, job_id, allocation_id, provider, offer, price_micros_per_hour,
      seconds, day, month, reason, actor)
    select now(), '${kind}', '${debit}', '${credit}', ${account}, 1388889, a.job_id, a.id, a.provider, a.offer, a.price_micros_per_hour,
      ${more}, 'used', 'system' from allocations a join holds h on h.allocation_id = a.id`;

const BARE = [
  `update allocations set ${MORE}, paid_seconds = paid_seconds + 5, meter_seconds = 10, meter_at = meter_at + interval '10 seconds'`,
  'update holds set paid_seconds = paid_seconds + 5, reserved_micros = reserved_micros + 1388889, charged_micros = charged_micros + 1388889',
  'update accounts set charged_micros = charged_micros + 1388889',
  entry('usage', 'project', 'vendor', 'null', `5, current_date, to_char(current_date, 'YYYY-MM')`),
  entry('reserve', 'available', 'reserved', 'h.account_id', 'null, null, null'),
  entry('charge', 'reserved', 'charged', 'h.account_id', 'null, null, null'),
  'update cost_days set seconds = seconds + 5, micros = micros + 1388889',
];

/** In a transaction that is taken back, and cleaned up after. */
async function undone(client: pg.Client, statements: readonly string[]): Promise<number> {
  await client.query('begin');
  const ms = await timed(async () => {
    for (const statement of statements) await client.query(statement);
  });
  await client.query('rollback');
  await tidied(client);
  return ms;
}

async function sizes(client: pg.Client): Promise<{ readonly entries: number; readonly bytes: number }> {
  const { rows } = await client.query<{ entries: number; bytes: number }>(
    `select (select count(*) from ledger)::float8 as entries, pg_database_size(current_database())::float8 as bytes`,
  );
  return rows[0] ?? { entries: NaN, bytes: NaN };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** With the longest that the event loop was kept meanwhile. */
async function watched(work: () => Promise<unknown>): Promise<Pick<Pass, 'passMs' | 'blockedMs'>> {
  let blockedMs = 0;
  let last = performance.now();
  const tick = setInterval(() => {
    blockedMs = Math.max(blockedMs, performance.now() - last - 1);
    last = performance.now();
  }, 1);
  const passMs = await timed(work);
  clearInterval(tick);
  return { passMs, blockedMs };
}
