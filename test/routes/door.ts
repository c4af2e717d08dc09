import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import request, { type Test } from 'supertest';
import { buildApp, type DoorOptions } from '../../routes/app.ts';
import { createAgentBroker } from '../../brokers/agent.ts';
import { createCheckpointStorage } from '../../src/checkpoints.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import { readConfig } from '../../src/config.ts';
import { termsOf } from '../../src/core/ledger/run.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import type { Deps } from '../../src/deps.ts';
import { ensureAdminKey } from '../../src/flows/ensureAdminKey.ts';
import { createIds } from '../../src/ids.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createPost } from '../../src/post.ts';
import { readOrdersVersions } from '../../src/store/load/sync.ts';
import { rehearse } from '../../src/rehearsal/rehearse.ts';
import { openStore } from '../../src/store/store.ts';
import { OrdersWatch } from '../../src/watch.ts';
import { createTestDatabase } from '../harness/database.ts';
import { quiet } from '../harness/log.ts';

export const ADMIN = 'naru_test_admin_0123456789abcdef0123456789abcdef';

export interface Door {
  readonly app: FastifyInstance;
  readonly deps: Deps;
  /** How often something was rung for. */
  readonly rings: string[];
  call(method: string, path: string, key?: string | null): Test;
  /** With the admin's key. */
  get(path: string): Test;
  post(path: string, body?: object): Test;
  put(path: string, body: object): Test;
  patch(path: string, body: object): Test;
  close(): Promise<void>;
}

/** The real app on a real database; no engine runs behind it, so nothing changes but by the door. */
export async function openDoor(
  options: DoorOptions & { env?: Record<string, string>; log?: Deps['log']; clock?: Clock } = {},
): Promise<Door> {
  const database = await createTestDatabase();
  const dataDir = mkdtempSync(join(tmpdir(), 'naru-door-'));
  const config = readConfig({ NARU_DATA_DIR: dataDir, ...options.env }, dataDir);
  const store = openStore(database.url, { max: 24 });
  const clock = options.clock ?? systemClock();
  const log = options.log ?? quiet;
  const rings: string[] = [];
  const deps: Deps = {
    clock,
    ids: createIds(),
    store,
    bell: {
      ring: (topic) => void rings.push(topic),
      listen: async () => {},
      state: () => ({ backend: 'none', ok: false, detail: 'no bell in this test' }),
      close: async () => {},
    },
    watch: new OrdersWatch((providers) => readOrdersVersions(store.db, providers), clock),
    log,
    config,
    timing: DEFAULT_TIMING,
    terms: termsOf(DEFAULT_TIMING, 'Asia/Seoul'),
    metrics: createMetrics({ process: false }),
    checkpoints: createCheckpointStorage(config, log),
    post: createPost({ loopback: config.webhookLoopback }),
    broker: () => createAgentBroker(),
    rehearse: (asked) => rehearse(deps, asked),
  };
  await ensureAdminKey(deps, ADMIN);
  const { env: _, log: __, clock: ___, ...door } = options;
  const app = buildApp(deps, { failuresPerMinute: 1_000_000, ...door });
  await app.ready();
  const call = (method: string, path: string, key: string | null = ADMIN): Test => {
    const test = request(app.server)[method.toLowerCase() as 'get'](path);
    return key === null ? test : test.set('authorization', `Bearer ${key}`);
  };
  return {
    app,
    deps,
    rings,
    call,
    get: (path) => call('GET', path),
    post: (path, body) => (body === undefined ? call('POST', path) : call('POST', path).send(body)),
    put: (path, body) => call('PUT', path).send(body),
    patch: (path, body) => call('PATCH', path).send(body),
    async close() {
      await app.close();
      await store.close();
      await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** What every request for a job needs, and no more. */
export const smallJob = (over: object = {}) => ({
  name: 'small',
  project: 'kogpt',
  kind: 'training',
  run: { command: ['true'] },
  resources: { gpu: { count: 0 } },
  ...over,
});

export const smallProvider = (name: string, over: object = {}) => ({
  name,
  vendor: 'nhn',
  broker: { kind: 'agent' },
  site: { city: 'Pangyo', country: 'KR', region: 'kr-central', latitude: 37.4, longitude: 127.1 },
  realm: 'public',
  ...over,
});

export const smallOffer = (name: string, over: object = {}) => ({
  name,
  region: 'kr-central',
  gpu: { model: 'H100', count: 8 },
  cpus: 96,
  memoryGiB: 1024,
  capacity: 4,
  price: { amount: '40000', currency: 'KRW' },
  ...over,
});

/** Two tenants, two vendors, and a key of every role. */
export interface Town {
  readonly keys: Readonly<
    Record<
      | 'member'
      | 'otherMember'
      | 'officer'
      | 'otherOfficer'
      | 'operator'
      | 'vendor'
      | 'otherVendor'
      | 'auditor'
      | 'agent',
      string
    >
  >;
}

export async function populate(door: Door): Promise<Town> {
  for (const name of ['acme', 'globex']) await door.post('/v1/organizations', { name }).expect(201);
  await door.post('/v1/projects', { name: 'kogpt', organization: 'acme' }).expect(201);
  await door.post('/v1/projects', { name: 'weather', organization: 'globex' }).expect(201);
  const key = async (body: object): Promise<string> =>
    (await door.post('/v1/keys', body).expect(201)).body.secret as string;
  const agent = await door.post('/v1/providers', smallProvider('pangyo')).expect(201);
  await door.post('/v1/providers', smallProvider('gwangju', { vendor: 'kt' })).expect(201);
  await door.put('/v1/providers/pangyo/offers', [smallOffer('h100x8')]).expect(200);
  await door
    .put('/v1/providers/gwangju/offers', [smallOffer('a100x8', { gpu: { model: 'A100-80GB', count: 8 } })])
    .expect(200);
  return {
    keys: {
      member: await key({ role: 'member', projects: ['kogpt'] }),
      otherMember: await key({ role: 'member', projects: ['weather'] }),
      officer: await key({ role: 'budgetOfficer', organization: 'acme' }),
      otherOfficer: await key({ role: 'budgetOfficer', organization: 'globex' }),
      operator: await key({ role: 'operator' }),
      vendor: await key({ role: 'vendor', vendor: 'nhn' }),
      otherVendor: await key({ role: 'vendor', vendor: 'kt' }),
      auditor: await key({ role: 'auditor' }),
      agent: agent.body.agentKey as string,
    },
  };
}
