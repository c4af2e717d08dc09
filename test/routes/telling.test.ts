import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { BACKOFF_SECONDS } from '../../src/core/webhook/outcome.ts';
import { verifyWebhook } from '../../src/core/webhook/signature.ts';
import type { Deps } from '../../src/deps.ts';
import { deliverPass } from '../../src/flows/deliver.ts';
import { tidy } from '../../src/flows/tidy.ts';
import { tellAll, type News } from '../../src/store/apply/webhooks.ts';
import { openReceiver, type Receiver } from '../harness/receiver.ts';
import { openDoor, populate, type Door } from './door.ts';

let nowMs = Date.parse('2026-03-02T09:00:00.000Z');
const pass = (seconds: number) => void (nowMs += seconds * 1_000);
const clock = { now: () => new Date(nowMs), sleep: async () => {} };

let door: Door;
let receiver: Receiver;
beforeAll(async () => {
  door = await openDoor({ clock });
  await populate(door);
});
afterAll(() => door.close());
beforeEach(async () => {
  await door.deps.store.db.execute('delete from webhook_deliveries');
  await door.deps.store.db.execute('delete from webhooks');
  receiver = await openReceiver();
});
afterEach(() => receiver.close());

interface Hook {
  readonly id: string;
  readonly secret: string;
}
interface Logged {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly nextAt: string | null;
  readonly deliveredAt: string | null;
}

const hook = async (over: object = {}) =>
  (await door.post('/v1/webhooks', { url: receiver.url, ...over }).expect(201)).body as Hook;
const logOf = async ({ id }: Hook) =>
  (await door.get(`/v1/webhooks/${id}/deliveries?limit=500`).expect(200)).body.items as Logged[];
const tell = (news: Partial<News> = {}, times = 1) => {
  const { ids, store } = door.deps;
  const one: News = { event: 'budget.threshold', organization: 'acme', data: { percent: 80 }, ...news };
  const all = Array.from({ length: times }, () => one);
  return store.transaction((tx) => tellAll(tx, clock.now(), () => ids.next('dlv', clock.now()), all));
};
const deliver = (over: Partial<Deps> = {}, stopping?: AbortSignal) =>
  deliverPass({ ...door.deps, ...over }, stopping);

it('is one POST, signed so that its receiver can tell, with what happened', async () => {
  const made = await hook();
  await tell({ data: { percent: 80, micros: 12n, at: clock.now() } });
  expect(await deliver()).toBe(1);
  const [one] = receiver.received;
  if (one === undefined) throw new Error('nothing came');
  const { headers, body, method } = one;
  const [logged] = await logOf(made);
  expect(method).toBe('POST');
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'naru-event': 'budget.threshold',
    'naru-delivery': logged?.id,
  });
  const signature = String(headers['naru-signature']);
  expect(verifyWebhook(made.secret, signature, body, nowMs / 1_000)).toBe(true);
  expect(verifyWebhook(made.secret, signature, body.replace('80', '81'), nowMs / 1_000)).toBe(false);
  expect(JSON.parse(body)).toEqual({
    id: logged?.id,
    event: 'budget.threshold',
    createdAt: clock.now().toISOString(),
    organization: 'acme',
    data: { percent: 80, micros: '12', at: clock.now().toISOString() },
  });
  expect(logged).toMatchObject({
    state: 'delivered',
    attempts: 1,
    lastStatus: 204,
    lastError: null,
    nextAt: null,
    deliveredAt: clock.now().toISOString(),
  });
  expect(await deliver()).toBe(0);
});

it('comes again after a 500, not before its time, by the same id and signed anew', async () => {
  const made = await hook();
  await tell();
  receiver.answer = (response) => void response.writeHead(500).end('sorry');
  await deliver();
  const nextAt = new Date(nowMs + 10_000).toISOString();
  expect(await logOf(made)).toMatchObject([
    { state: 'pending', attempts: 1, lastStatus: 500, lastError: 'It answered 500.', nextAt },
  ]);
  receiver.answer = (response) => void response.writeHead(200).end();
  pass(9);
  expect(await deliver()).toBe(0);
  pass(1);
  expect(await deliver()).toBe(1);
  expect(await logOf(made)).toMatchObject([
    { state: 'delivered', attempts: 2, lastStatus: 200, lastError: null, nextAt: null },
  ]);
  const [first, second] = receiver.received;
  expect(second?.body).toBe(first?.body);
  expect(second?.headers['naru-delivery']).toBe(first?.headers['naru-delivery']);
  const again = String(second?.headers['naru-signature']);
  expect(again).not.toBe(first?.headers['naru-signature']);
  expect(verifyWebhook(made.secret, again, second?.body ?? '', nowMs / 1_000)).toBe(true);
});

it('does not follow a redirect', async () => {
  const made = await hook();
  await tell();
  receiver.answer = (response) => void response.writeHead(302, { location: `${receiver.url}/there` }).end();
  await deliver();
  expect(receiver.received).toHaveLength(1);
  expect(await logOf(made)).toMatchObject([{ state: 'pending', lastStatus: 302 }]);
});

it('ends at once where it is answered 410', async () => {
  const made = await hook();
  await tell();
  receiver.answer = (response) => void response.writeHead(410).end();
  await deliver();
  expect(await logOf(made)).toMatchObject([{ state: 'failed', attempts: 1, lastStatus: 410, nextAt: null }]);
});

it('waits as long as it is asked to', async () => {
  const made = await hook();
  await tell();
  receiver.answer = (response) => void response.writeHead(429, { 'retry-after': '300' }).end();
  await deliver();
  const nextAt = new Date(nowMs + 300_000).toISOString();
  expect(await logOf(made)).toMatchObject([{ state: 'pending', lastStatus: 429, nextAt }]);
});

it('is given up after about a day of trying', async () => {
  const made = await hook();
  await tell();
  receiver.answer = (response) => void response.writeHead(503).end();
  for (const seconds of BACKOFF_SECONDS) {
    expect(await deliver()).toBe(1);
    pass(seconds);
  }
  expect(await deliver()).toBe(1);
  const attempts = BACKOFF_SECONDS.length + 1;
  expect(await logOf(made)).toMatchObject([{ state: 'failed', attempts, lastStatus: 503, nextAt: null }]);
  pass(7 * 86_400);
  expect(await deliver()).toBe(0);
  expect(receiver.received).toHaveLength(attempts);
});

it('goes to who asked for it: the event, and the organization or all', async () => {
  const hooks = {
    all: await hook({ url: `${receiver.url}/all` }),
    acme: await hook({ url: `${receiver.url}/acme`, organization: 'acme' }),
    globex: await hook({ url: `${receiver.url}/globex`, organization: 'globex' }),
    other: await hook({ url: `${receiver.url}/other`, events: ['job.approval-needed'] }),
    deleted: await hook({ url: `${receiver.url}/deleted` }),
  };
  await door.call('DELETE', `/v1/webhooks/${hooks.deleted.id}`).expect(204);
  const told = async (news: Partial<News>) => {
    receiver.received.length = 0;
    const n = await tell(news);
    expect(await deliver()).toBe(n);
    return receiver.received.map(({ path }) => path.replace('/hook/', '')).sort();
  };
  expect(await told({ organization: 'acme' })).toEqual(['acme', 'all']);
  expect(await told({ organization: 'globex' })).toEqual(['all', 'globex']);
  expect(await told({ organization: null })).toEqual(['all']);
  expect(await told({ event: 'job.approval-needed' })).toEqual(['acme', 'all', 'other']);
});

it('is not told when what happened did not', async () => {
  const made = await hook();
  const { ids, store } = door.deps;
  const news: News = { event: 'budget.exhausted', organization: 'acme', data: {} };
  const failing = store.transaction(async (tx) => {
    await tellAll(tx, clock.now(), () => ids.next('dlv', clock.now()), [news]);
    throw new Error('the charge was refused');
  });
  await expect(failing).rejects.toThrow('refused');
  expect(await logOf(made)).toEqual([]);
});

it('is sent by one of several who look at once', async () => {
  await hook();
  await tell({}, 40);
  const passes = await Promise.all(Array.from({ length: 4 }, () => deliver()));
  while ((await deliver()) > 0);
  expect(passes.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0);
  const sent = receiver.received.map(({ headers }) => headers['naru-delivery']);
  expect(sent).toHaveLength(40);
  expect(new Set(sent).size).toBe(40);
});

it('is not kept waiting by one who has much to be told, and no more than ten are called at once', async () => {
  const busy = await Promise.all(
    Array.from({ length: 3 }, (_, n) =>
      hook({ url: `${receiver.url}/busy${n}`, events: ['budget.exhausted'] }),
    ),
  );
  await tell({ event: 'budget.exhausted' }, 100);
  pass(1);
  const quiet = await hook({ url: `${receiver.url}/quiet`, events: ['budget.exception'] });
  await tell({ event: 'budget.exception' });
  let now = 0;
  let most = 0;
  receiver.answer = (response) => {
    most = Math.max(most, (now += 1));
    setTimeout(() => {
      now -= 1;
      response.writeHead(204).end();
    }, 5);
  };
  expect(await deliver()).toBe(31);
  expect(await logOf(quiet)).toMatchObject([{ state: 'delivered' }]);
  for (const one of busy)
    expect((await logOf(one)).filter(({ state }) => state === 'delivered')).toHaveLength(10);
  expect(most).toBeLessThanOrEqual(10);
  expect(most).toBeGreaterThan(1);
});

it('is sent again when the sender died before it could write what was answered', async () => {
  const made = await hook();
  await tell();
  const dies = () => {
    throw new Error('killed');
  };
  const { db } = door.deps.store;
  const dying = { ...door.deps.store, db: Object.assign(Object.create(db), { update: dies }) };
  await expect(deliver({ store: dying })).rejects.toThrow('killed');
  expect(receiver.received).toHaveLength(1);
  pass(60);
  expect(await deliver()).toBe(0);
  pass(60);
  expect(await deliver()).toBe(1);
  expect(receiver.received[1]?.headers['naru-delivery']).toBe(receiver.received[0]?.headers['naru-delivery']);
  expect(await logOf(made)).toMatchObject([{ state: 'delivered', attempts: 1 }]);
});

it('stands as the faster one saw it where a claim had run out', async () => {
  const made = await hook();
  await tell();
  const answers = [500, 503];
  receiver.answer = (response) => void response.writeHead(answers.shift() ?? 200).end();
  const late: Deps['post'] = async (url, body, headers) => {
    pass(120);
    await deliver();
    return door.deps.post(url, body, headers);
  };
  await deliver({ post: late });
  expect(receiver.received).toHaveLength(2);
  expect(await logOf(made)).toMatchObject([{ state: 'pending', attempts: 1, lastStatus: 500 }]);
});

it('is given back by one who stops, and sent by the next', async () => {
  const made = await hook();
  await tell({}, 3);
  const stop = new AbortController();
  receiver.answer = () => stop.abort();
  await deliver({}, stop.signal);
  expect(await logOf(made)).toMatchObject(
    Array.from({ length: 3 }, () => ({ state: 'pending', attempts: 0 })),
  );
  receiver.answer = (response) => void response.writeHead(204).end();
  expect(await deliver()).toBe(3);
});

it('is not sent to who was deleted in the same moment', async () => {
  const made = await hook();
  await tell();
  await door.deps.store.db.execute('update webhooks set deleted_at = now()');
  await deliver();
  expect(receiver.received).toEqual([]);
  expect(await logOf(made)).toMatchObject([{ state: 'failed', lastError: 'The webhook was deleted.' }]);
});

it('is forgotten after ninety days, when it is over', async () => {
  const made = await hook();
  await tell();
  await deliver();
  await tell();
  pass(90 * 86_400);
  await tidy(door.deps);
  expect(await logOf(made)).toHaveLength(2);
  pass(1);
  await tidy(door.deps);
  expect(await logOf(made)).toMatchObject([{ state: 'pending' }]);
});
