import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createBell, type Bell, type Topic } from '../../src/bell.ts';
import { createEmptyDatabase, type TestDatabase } from '../harness/database.ts';
import { quiet } from '../harness/log.ts';
import { hasOwnRedis, hasRedis, testRedis, type TestRedis } from '../harness/redis.ts';

/** Nobody's database: a bell on Redis must not need one. */
const NOWHERE = 'postgres://nobody@127.0.0.1:1/nothing';

let database: TestDatabase;
let redis: TestRedis | null = null;
const withRedis = hasRedis('the bell on Redis');
const withOwnRedis = hasOwnRedis('a Redis that vanishes and is flushed');

beforeAll(async () => {
  database = await createEmptyDatabase();
  if (withRedis) redis = await testRedis();
});
afterAll(async () => {
  await database.drop();
  await redis?.close();
});

const bells: Bell[] = [];
function bellOn(backend: 'postgres' | 'redis', log: pino.Logger = quiet): Bell {
  const bell = createBell({
    redisUrl: backend === 'redis' ? (redis?.url ?? '') : null,
    databaseUrl: backend === 'redis' ? NOWHERE : database.url,
    log,
  });
  bells.push(bell);
  return bell;
}
const closeBells = () => Promise.all(bells.splice(0).map((bell) => bell.close()));

const up = (bell: Bell) =>
  vi.waitFor(() => expect(bell.state().ok).toBe(true), { timeout: 15_000, interval: 20 });
const down = (bell: Bell) =>
  vi.waitFor(() => expect(bell.state().ok).toBe(false), { timeout: 15_000, interval: 20 });

/** A listener that notes what it is called for, once it has been called for having just begun to listen. */
async function listen(bell: Bell, work: (topic: Topic) => Promise<void> = async () => {}): Promise<Topic[]> {
  const heard: Topic[] = [];
  await bell.listen(async (topic) => {
    heard.push(topic);
    await work(topic);
  });
  await vi.waitFor(() => expect(heard).toEqual(expect.arrayContaining(['place', 'effects'])), {
    timeout: 10_000,
  });
  await wait(100);
  heard.length = 0;
  return heard;
}
const heardIt = (heard: Topic[], topic: Topic) =>
  vi.waitFor(() => expect(heard).toContain(topic), { timeout: 15_000, interval: 10 });

const backends = ['postgres', ...(withRedis ? (['redis'] as const) : [])] as const;

describe.each(backends)('the bell on %s', (backend) => {
  test('what one process rings, another one hears', async () => {
    const [here, there] = [bellOn(backend), bellOn(backend)];
    await Promise.all([up(here), up(there)]);
    const heard = await listen(there);
    here.ring('effects');
    await heardIt(heard, 'effects');
    expect(heard).not.toContain('place');
    await closeBells();
  });

  test('a thousand rings are a few calls', async () => {
    const bell = bellOn(backend);
    await up(bell);
    const heard = await listen(bell);
    for (let i = 0; i < 1000; i += 1) bell.ring('place');
    await heardIt(heard, 'place');
    await wait(300);
    expect(heard.length).toBeLessThan(10);
    await closeBells();
  });

  test('a ring during a run leads to another run after it', async () => {
    const [here, there] = [bellOn(backend), bellOn(backend)];
    await Promise.all([up(here), up(there)]);
    let seen = 0;
    let stored = 0;
    let runs = 0;
    const heard = await listen(there, async () => {
      // As a pass does: it looks at the beginning and takes a while.
      const found = stored;
      runs += 1;
      await wait(30);
      seen = found;
    });
    for (let i = 1; i <= 20; i += 1) {
      stored = i;
      here.ring('place');
      await wait(17);
    }
    await vi.waitFor(() => expect(seen).toBe(20), { timeout: 5_000 });
    expect(runs).toBeGreaterThan(2);
    expect(heard.length).toBeGreaterThan(2);
    await closeBells();
  });

  test('one run at a time per topic, and one that fails stops nothing', async () => {
    const bell = bellOn(backend);
    await up(bell);
    let running = 0;
    let most = 0;
    const heard = await listen(bell, async (topic) => {
      if (topic === 'effects') return;
      running += 1;
      most = Math.max(most, running);
      await wait(40);
      running -= 1;
      throw new Error('a pass that failed');
    });
    for (let i = 0; i < 10; i += 1) {
      bell.ring('place');
      await wait(25);
    }
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(2), { timeout: 20_000 });
    expect(most).toBe(1);
    await closeBells();
  });

  test('hints for nobody do not pile up', async () => {
    const [ringing, listening] = [bellOn(backend), bellOn(backend)];
    await Promise.all([up(ringing), up(listening)]);
    for (let i = 0; i < 15; i += 1) {
      ringing.ring('place');
      await wait(25);
    }
    const heard = await listen(listening);
    await wait(200);
    expect(heard.length).toBeLessThanOrEqual(1);
    await closeBells();
  });

  test('closes while ringing, twice', async () => {
    const bell = bellOn(backend);
    await up(bell);
    await listen(bell);
    for (let i = 0; i < 5; i += 1) bell.ring('place');
    await bell.close();
    bell.ring('place');
    await closeBells();
  });
});

describe('a database that goes away', () => {
  test('is missed and found again', async () => {
    const bell = bellOn('postgres');
    await up(bell);
    const heard = await listen(bell);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const ended = await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name in ('naru bell', 'naru-hints') and datname = current_database()`,
    );
    await client.end();
    expect(ended.rowCount).toBeGreaterThan(0);
    await down(bell);
    await up(bell);
    heard.length = 0;
    bell.ring('effects');
    await heardIt(heard, 'effects');
    await closeBells();
  });

  test('was never there: rings are heard in the same process', async () => {
    const bell = createBell({ redisUrl: null, databaseUrl: NOWHERE, log: quiet });
    const heard = await listen(bell);
    expect(bell.state()).toMatchObject({ backend: 'postgres', ok: false });
    bell.ring('effects');
    await heardIt(heard, 'effects');
    await bell.close();
  });
});

describe.runIf(withOwnRedis)('a Redis that goes away', () => {
  test('at the start: the bell works as soon as it comes', async () => {
    const late = await testRedis({ started: false });
    const bell = createBell({ redisUrl: late.url, databaseUrl: NOWHERE, log: quiet });
    const other = createBell({ redisUrl: late.url, databaseUrl: NOWHERE, log: quiet });
    const heard = await listen(bell);
    await vi.waitFor(() => expect(bell.state().detail).toMatch(/ECONNREFUSED/));
    bell.ring('place');
    await heardIt(heard, 'place');
    await late.control?.start();
    await Promise.all([up(bell), up(other)]);
    heard.length = 0;
    other.ring('effects');
    await heardIt(heard, 'effects');
    await Promise.all([bell.close(), other.close(), late.close()]);
  });

  test('in the middle, twice, without a flood in the log', async () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const own = await testRedis();
    const bell = createBell({ redisUrl: own.url, databaseUrl: NOWHERE, log });
    const other = createBell({ redisUrl: own.url, databaseUrl: NOWHERE, log: quiet });
    await Promise.all([up(bell), up(other)]);
    const heard = await listen(bell);
    for (let round = 0; round < 2; round += 1) {
      await own.control?.stop();
      await down(bell);
      for (let i = 0; i < 100; i += 1) {
        bell.ring('place');
        await wait(10);
      }
      expect(heard).toContain('place');
      await own.control?.start();
      await Promise.all([up(bell), up(other)]);
      heard.length = 0;
      other.ring('effects');
      await heardIt(heard, 'effects');
    }
    const levels = lines.map((line) => (JSON.parse(line) as { level: number }).level);
    expect(levels).toEqual([40, 30, 40, 30]);
    await Promise.all([bell.close(), other.close(), own.close()]);
  });

  test('is flushed: hints go on', async () => {
    const own = await testRedis();
    const [bell, other] = [0, 1].map(() =>
      createBell({ redisUrl: own.url, databaseUrl: NOWHERE, log: quiet }),
    );
    if (bell === undefined || other === undefined) throw new Error('two were made');
    await Promise.all([up(bell), up(other)]);
    const heard = await listen(bell);
    for (let round = 0; round < 20; round += 1) {
      other.ring('effects');
      await own.control?.flushAll();
    }
    await wait(200);
    heard.length = 0;
    other.ring('effects');
    await heardIt(heard, 'effects');
    await Promise.all([bell.close(), other.close(), own.close()]);
  });
});
