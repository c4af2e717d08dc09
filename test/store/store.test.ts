import { eq, sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { JOB_STATES, LIVE_JOB_STATES } from '../../src/core/job.ts';
import { ALLOCATION_STATES, LIVE_ALLOCATION_STATES } from '../../src/core/allocation.ts';
import { claimInstallation } from '../../src/store/apply/installation.ts';
import { migrate } from '../../src/store/migrate.ts';
import { allocations, jobs, offers } from '../../src/store/schema.ts';
import { CHECK_VIOLATION, constraintOf, sqlState, UNIQUE_VIOLATION } from '../../src/store/sqlstate.ts';
import { openStore, readDatabaseTime, type Store } from '../../src/store/store.ts';
import { createEmptyDatabase, type TestDatabase } from '../harness/database.ts';
import { startSystemPostgres, systemPostgres } from '../harness/system-postgres.ts';
import { expectFewRowsRead, expectUsesRead, fillQueue } from './queue-plan.ts';
import { allocationRow, insertGround, jobRow, NOW } from './rows.ts';

const system = systemPostgres('the store on a PostgreSQL of this machine');
const shared = async () => ({ url: inject('database').url, stop: async () => {} });
const servers = [
  { server: 'the PostgreSQL of this run', start: shared },
  ...(system === null
    ? []
    : [
        {
          server: `the PostgreSQL ${system.major} of this machine`,
          start: () => startSystemPostgres(system),
        },
      ]),
];

/** What refuses: the name of the constraint, or null when nothing did. */
const refusedBy = (work: Promise<unknown>) => work.then(() => null, constraintOf);

describe.each(servers)('the store on $server', ({ start }) => {
  let server: Awaited<ReturnType<typeof start>>;
  let database: TestDatabase;
  let store: Store;

  beforeAll(async () => {
    server = await start();
    database = await createEmptyDatabase(server.url);
    await migrate(database.url);
    store = openStore(database.url, { max: 8 });
    await insertGround(store);
  });
  afterAll(async () => {
    await store.close();
    await database.drop();
    await server.stop();
  });

  test('six that start together on an empty database all succeed, and migrate it once', async () => {
    const empty = await createEmptyDatabase(server.url);
    const applied = await Promise.all(Array.from({ length: 6 }, () => migrate(empty.url)));
    expect(applied.filter((count) => count > 0)).toHaveLength(1);
    expect(await migrate(empty.url)).toBe(0);
    await empty.drop();
  });

  test('a database that is not migrated does not pass', async () => {
    const empty = await createEmptyDatabase(server.url);
    const opened = openStore(empty.url);
    await expect(opened.check()).rejects.toThrow('naru migrate');
    await migrate(empty.url);
    await expect(opened.check()).resolves.toBeUndefined();
    await opened.close();
    await empty.drop();
  });

  test('a database that a newer program migrated is refused', async () => {
    const empty = await createEmptyDatabase(server.url);
    await migrate(empty.url);
    const opened = openStore(empty.url);
    await opened.db.execute(
      sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('of tomorrow', 9999999999999)`,
    );
    await expect(migrate(empty.url)).rejects.toThrow('newer version');
    await expect(opened.check()).rejects.toThrow('newer version');
    await opened.close();
    await empty.drop();
  });

  test('an installation has one currency', async () => {
    const seoul = { currency: 'KRW', timeZone: 'Asia/Seoul' };
    await store.db.execute(sql`insert into installation (id, currency, created_at) values (1, 'KRW', now())`);
    await Promise.all([1, 2, 3].map(() => claimInstallation(store, seoul, NOW)));
    const dollars = claimInstallation(store, { ...seoul, currency: 'USD' }, NOW);
    await expect(dollars).rejects.toThrow(/^NARU_CURRENCY is USD, .* in KRW/);
    const utc = claimInstallation(store, { ...seoul, timeZone: 'UTC' }, NOW);
    await expect(utc).rejects.toThrow(/^NARU_TIME_ZONE is UTC, .* of Asia\/Seoul/);
    await claimInstallation(store, seoul, NOW);
  });

  test('money and times come back as they were stored', async () => {
    const price = 9_007_199_254_740_993n;
    await store.db.update(offers).set({ priceMicrosPerHour: price, effectiveFrom: NOW });
    const [offer] = await store.db.select().from(offers);
    expect(offer).toMatchObject({ priceMicrosPerHour: price, effectiveFrom: NOW });
  });

  test('every state of a job is accepted with what belongs to it, and no other', async () => {
    for (const state of JOB_STATES) {
      const finishedAt = (LIVE_JOB_STATES as readonly string[]).includes(state) ? null : NOW;
      const stoppingTo = state === 'stopping' ? ('cancelled' as const) : null;
      const fitting = jobRow(`job-fits-${state}`, { state, finishedAt, stoppingTo });
      await store.db.insert(jobs).values(fitting);
      const half = { ...fitting, id: `job-half-${state}`, finishedAt: finishedAt === null ? NOW : null };
      expect(await refusedBy(store.db.insert(jobs).values(half))).toBe('jobs_finished');
      const stopping = {
        ...fitting,
        id: `job-stop-${state}`,
        stoppingTo: stoppingTo === null ? 'failed' : null,
      } as const;
      expect(await refusedBy(store.db.insert(jobs).values(stopping))).toBe('jobs_stopping');
    }
    const unknown = store.db
      .insert(jobs)
      .values(jobRow('job-odd', { state: 'paused' as never, finishedAt: NOW }));
    expect(await refusedBy(unknown)).toBe('jobs_state');
    const waiting = { reason: 'no-match', detail: 'nothing fits' } as const;
    expect(
      await refusedBy(store.db.insert(jobs).values(jobRow('job-wait', { state: 'running', waiting }))),
    ).toBe('jobs_waiting');
  });

  test('a job has at most one live allocation, in every pair of states', async () => {
    let n = 0;
    for (const first of ALLOCATION_STATES) {
      for (const second of ALLOCATION_STATES) {
        const job = `job-pair-${(n += 1)}`;
        const row = (attempt: number, state: (typeof ALLOCATION_STATES)[number]) =>
          allocationRow(`alc-${n}-${attempt}`, job, attempt, {
            state,
            releasedAt: state === 'released' ? NOW : null,
          });
        await store.db.insert(jobs).values(jobRow(job));
        await store.db.insert(allocations).values(row(1, first));
        const live = (state: string) => (LIVE_ALLOCATION_STATES as readonly string[]).includes(state);
        const expected = live(first) && live(second) ? 'allocations_one_live' : null;
        expect(
          await refusedBy(store.db.insert(allocations).values(row(2, second))),
          `${first} ${second}`,
        ).toBe(expected);
      }
    }
  });

  test('of twenty placements of one job at once, one wins', async () => {
    await store.db.insert(jobs).values(jobRow('job-raced'));
    const tries = Array.from({ length: 20 }, (_, i) =>
      store.transaction(async (tx) => {
        await tx.insert(allocations).values(allocationRow(`alc-raced-${i}`, 'job-raced', i + 1));
      }),
    );
    const results = await Promise.allSettled(tries);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(sqlState(result.reason)).toBe(UNIQUE_VIOLATION);
    }
  });

  test('released means that it is known when', async () => {
    await store.db.insert(jobs).values(jobRow('job-released'));
    const row = allocationRow('alc-released', 'job-released', 1, { state: 'released' });
    expect(await refusedBy(store.db.insert(allocations).values(row))).toBe('allocations_released');
  });

  test('capacity in use is never negative', async () => {
    const work = store.db.update(offers).set({ used: -1 });
    expect(await work.then(() => null, sqlState)).toBe(CHECK_VIOLATION);
  });

  test('a transaction that fails leaves nothing', async () => {
    const work = store.transaction(async (tx) => {
      await tx.insert(jobs).values(jobRow('job-undone'));
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    expect(await store.db.select().from(jobs).where(eq(jobs.id, 'job-undone'))).toEqual([]);
  });

  test('two transactions that deadlock both get done', async () => {
    await store.db.insert(jobs).values([jobRow('job-one'), jobRow('job-two')]);
    const both = Promise.withResolvers<void>();
    let started = 0;
    let runs = 0;
    const raise = (first: string, second: string) =>
      store.transaction(async (tx) => {
        runs += 1;
        await tx
          .update(jobs)
          .set({ attempts: sql`${jobs.attempts} + 1` })
          .where(eq(jobs.id, first));
        if ((started += 1) >= 2) both.resolve();
        await both.promise;
        await tx
          .update(jobs)
          .set({ attempts: sql`${jobs.attempts} + 1` })
          .where(eq(jobs.id, second));
      });
    await Promise.all([raise('job-one', 'job-two'), raise('job-two', 'job-one')]);
    const rows = await store.db
      .select({ attempts: jobs.attempts })
      .from(jobs)
      .where(sql`${jobs.id} in ('job-one', 'job-two')`);
    expect(rows.map(({ attempts }) => attempts)).toEqual([2, 2]);
    expect(runs).toBeGreaterThan(2);
  });

  test('a conflict that does not end is given up', async () => {
    let runs = 0;
    const work = store.transaction(async (tx) => {
      runs += 1;
      await tx.execute(sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`);
    });
    expect(await work.then(() => null, sqlState)).toBe('40001');
    expect(runs).toBe(5);
  });

  test('connections that are cut, idle or in a transaction, are replaced', async () => {
    let lost = 0;
    const own = openStore(database.url, { max: 3, onConnectionLost: () => (lost += 1) });
    const inside = Promise.withResolvers<void>();
    const cut = Promise.withResolvers<void>();
    const work = own.transaction(async (tx) => {
      await tx.execute(sql`select 1`);
      inside.resolve();
      await cut.promise;
      await tx.execute(sql`select 1`);
    });
    await inside.promise;
    await own.db.execute(sql`select 1`);
    const client = new pg.Client({ connectionString: database.url, application_name: 'axe' });
    await client.connect();
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'naru'`,
    );
    await client.end();
    cut.resolve();
    await expect(work).rejects.toThrow();
    await vi.waitFor(() => expect(lost).toBeGreaterThan(0));
    await expect(own.check()).resolves.toBeUndefined();
    await own.close();
  });

  test("the database's clock can be read", async () => {
    const time = await readDatabaseTime(store);
    expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(60_000);
  });

  describe('however many jobs are finished', () => {
    test('the queue is read from its index and no more of it than is needed, before rows were ever counted', async () => {
      await store.db.execute(sql`truncate allocations, jobs cascade`);
      await fillQueue(store);
      await expectFewRowsRead(store);
    });
    test('and when they are', async () => {
      await store.db.execute(sql`analyze jobs`);
      await expectFewRowsRead(store);
    });
    test('and what is used of offers, from the index of those', () => expectUsesRead(store));
    test('a project’s newest jobs are read without sorting', async () => {
      const page = await store.db.execute<Record<string, string>>(sql`
        explain select id from jobs where project = 'kogpt' order by id desc limit 50`);
      const plan = page.rows.map((row) => Object.values(row).join('')).join('\n');
      expect(plan).toMatch(/Scan.* using jobs_by_project/);
      expect(plan).not.toContain('Sort');
    });
  });
});

test('an old server is refused in one line', async () => {
  const { assertServerVersion } = await import('../../src/store/server.ts');
  const client = { query: async () => ({ rows: [{ number: '140012', name: '14.12' }] }) };
  await expect(assertServerVersion(client as never)).rejects.toThrow(
    'DATABASE_URL: PostgreSQL 15 or newer is needed, this one is 14.12',
  );
});

test('no database: one line, without the password', async () => {
  const error = await migrate('postgres://naru:hunter2@127.0.0.1:1/naru').catch((e: unknown) => e as Error);
  expect(error).toMatchObject({ name: 'StartError' });
  expect(String(error)).toMatch(
    /^StartError: DATABASE_URL: cannot connect to PostgreSQL: connect ECONNREFUSED/,
  );
  expect(String(error)).not.toContain('hunter2');
});
