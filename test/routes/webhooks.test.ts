import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WEBHOOK_EVENTS } from '../../src/core/ledger/words.ts';
import { tellAll } from '../../src/store/apply/webhooks.ts';
import { openDoor, populate, type Door, type Town } from './door.ts';

const URL_GIVEN = 'https://Hooks.Example.org/naru?token=hunter2';
const URL_KEPT = 'https://hooks.example.org/naru?token=hunter2';
const URL_SHOWN = 'https://hooks.example.org/naru';

let door: Door;
let town: Town;
beforeAll(async () => {
  door = await openDoor({ env: { HOST: '0.0.0.0' } });
  town = await populate(door);
});
afterAll(() => door.close());

const make = async (body: object, key?: string) =>
  (await door.call('POST', '/v1/webhooks', key).send(body).expect(201)).body as {
    id: string;
    secret: string;
    organization: string | null;
  };
const ids = (body: unknown) => (body as { items: { id: string }[] }).items.map(({ id }) => id);

describe('a webhook', () => {
  it('shows its secret once, and is told of everything unless it chooses', async () => {
    const { body, headers } = await door.post('/v1/webhooks', { url: URL_GIVEN }).expect(201);
    expect(body).toMatchObject({
      url: URL_KEPT,
      events: WEBHOOK_EVENTS,
      organization: null,
      createdBy: 'key-admin',
      deletedAt: null,
    });
    expect(body.secret).toMatch(/^whsec_[\w-]{43}$/);
    expect(headers['location']).toBe(`/v1/webhooks/${body.id}`);
    const { secret, ...rest } = body as { id: string; secret: string };
    const read = await door.get(`/v1/webhooks/${rest.id}`).expect(200);
    expect(read.body).toEqual(rest);
    const list = await door.get('/v1/webhooks').expect(200);
    expect(list.body.items).toContainEqual(rest);
    expect(JSON.stringify([read.body, list.body])).not.toContain(secret);
    const some = await door
      .post('/v1/webhooks', { url: URL_GIVEN, events: ['budget.exhausted'], organization: 'acme' })
      .expect(201);
    expect(some.body).toMatchObject({ events: ['budget.exhausted'], organization: 'acme' });
  });

  it('gives its secret again for the same Idempotency-Key, and the database keeps none beside its own', async () => {
    const ask = () =>
      door.post('/v1/webhooks', { url: URL_GIVEN }).set('idempotency-key', 'hook-again').expect(201);
    const first = await ask();
    const again = await ask();
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    const { rows } = await door.deps.store.db.execute(`select * from idempotency where key = 'hook-again'`);
    expect(JSON.stringify(rows)).not.toContain(first.body.secret);
  });

  it('is audited without its secret and its query, when it is made and when it is deleted', async () => {
    const { id, secret } = await make({ url: URL_GIVEN });
    await door.call('DELETE', `/v1/webhooks/${id}`).expect(204);
    await door.call('DELETE', `/v1/webhooks/${id}`).expect(204);
    const { body, text } = await door.get(`/v1/audit?target=${id}`).expect(200);
    expect(body.items).toMatchObject([
      { action: 'webhook.delete', data: { url: URL_SHOWN, organization: null } },
      { action: 'webhook.create', data: { url: URL_SHOWN, organization: null, events: WEBHOOK_EVENTS } },
    ]);
    expect(text).not.toContain(secret);
    expect(text).not.toContain('hunter2');
  });

  it('can still be read when it is deleted, with its log, and what waited is given up', async () => {
    const { id } = await make({ url: URL_GIVEN, organization: 'globex' });
    const { clock, ids: made, store } = door.deps;
    const now = clock.now();
    const news = { event: 'budget.threshold', organization: 'globex', data: { percent: 50 } } as const;
    await store.transaction((tx) => tellAll(tx, now, () => made.next('dlv', now), [news, news, news]));
    const log = async (query = '') =>
      (await door.get(`/v1/webhooks/${id}/deliveries${query}`).expect(200)).body as {
        items: { id: string }[];
        nextCursor: string | null;
      };
    const before = await log();
    expect(before.items).toMatchObject(
      Array.from({ length: 3 }, () => ({
        event: 'budget.threshold',
        state: 'pending',
        attempts: 0,
        lastStatus: null,
        lastError: null,
        nextAt: now.toISOString(),
      })),
    );
    const first = await log('?limit=2');
    const rest = await log(`?limit=2&cursor=${first.nextCursor}`);
    expect([...ids(first), ...ids(rest)]).toEqual(ids(before));
    await door.call('DELETE', `/v1/webhooks/${id}`).expect(204);
    expect((await log()).items).toMatchObject(
      Array.from({ length: 3 }, () => ({
        state: 'failed',
        nextAt: null,
        lastError: 'The webhook was deleted.',
      })),
    );
    const read = await door.get(`/v1/webhooks/${id}`).expect(200);
    expect(read.body.deletedAt).not.toBeNull();
  });
});

describe('a budget officer', () => {
  it("makes its organization's own, and nobody else's", async () => {
    const { officer, otherOfficer } = town.keys;
    expect((await make({ url: URL_GIVEN }, officer)).organization).toBe('acme');
    expect((await make({ url: URL_GIVEN, organization: 'globex' }, otherOfficer)).organization).toBe(
      'globex',
    );
    const post = (organization: string) =>
      door.call('POST', '/v1/webhooks', officer).send({ url: URL_GIVEN, organization }).expect(404);
    const [hidden, missing] = [await post('globex'), await post('nothing')];
    expect(hidden.body.errors).toMatchObject([{ pointer: '/organization' }]);
    expect({ ...hidden.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
  });

  it("sees its organization's, and others' and the installation's exactly as what does not exist", async () => {
    const own = await make({ url: URL_GIVEN, organization: 'acme' });
    const others = [await make({ url: URL_GIVEN, organization: 'globex' }), await make({ url: URL_GIVEN })];
    const { officer } = town.keys;
    const listed = await door.call('GET', '/v1/webhooks?limit=500', officer).expect(200);
    expect(ids(listed.body)).toContain(own.id);
    for (const item of listed.body.items as { organization: string }[])
      expect(item.organization).toBe('acme');
    await door.call('GET', `/v1/webhooks/${own.id}/deliveries`, officer).expect(200);
    for (const { id } of others) {
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/deliveries'],
        ['DELETE', ''],
      ] as const) {
        const hidden = await door.call(method, `/v1/webhooks/${id}${path}`, officer).expect(404);
        const missing = await door.call(method, `/v1/webhooks/whk-missing${path}`, officer).expect(404);
        expect({ ...hidden.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
      }
      expect((await door.get(`/v1/webhooks/${id}`).expect(200)).body.deletedAt).toBeNull();
    }
    await door.call('DELETE', `/v1/webhooks/${own.id}`, officer).expect(204);
  });

  it('sees the whole URL; who may only read does not see its query', async () => {
    const { id } = await make({ url: URL_GIVEN, organization: 'acme' });
    const urlFor = async (key: string) =>
      (await door.call('GET', `/v1/webhooks/${id}`, key).expect(200)).body.url as string;
    expect(await urlFor(town.keys.officer)).toBe(URL_KEPT);
    expect(await urlFor(town.keys.auditor)).toBe(URL_SHOWN);
    expect(await urlFor(town.keys.operator)).toBe(URL_SHOWN);
  });
});

describe('refused, with nothing stored', () => {
  const good = 'https://hooks.example.org/';
  const stored = async () =>
    (await door.deps.store.db.execute('select (select count(*) from webhooks), (select max(seq) from audit)'))
      .rows;
  const table: [string, unknown, number, string][] = [
    ['no URL', {}, 400, '/url'],
    ['a URL of nothing', { url: '' }, 400, '/url'],
    ['no URL at all', { url: 'hooks' }, 400, '/url'],
    ['another protocol', { url: 'ftp://example.org/' }, 400, '/url'],
    ['a password', { url: 'https://kim:hunter2@example.org/' }, 400, '/url'],
    ['a fragment', { url: `${good}#top` }, 400, '/url'],
    ['a line break', { url: `${good}\n` }, 400, '/url'],
    ['too long a URL', { url: good + 'x'.repeat(2_000) }, 400, '/url'],
    ['an unknown event', { url: good, events: ['budget.gone'] }, 400, '/events/0'],
    ['no events', { url: good, events: [] }, 400, '/events'],
    ['an event twice', { url: good, events: ['budget.threshold', 'budget.threshold'] }, 400, '/events'],
    ['a secret of its own', { url: good, secret: 'whsec_x' }, 400, '/secret'],
    ['an organization that is no name', { url: good, organization: 'A B' }, 400, '/organization'],
    ['an organization that is none', { url: good, organization: 'nothing' }, 404, '/organization'],
    ['the organization of drills', { url: good, organization: 'naru-drills' }, 422, '/organization'],
    ['plain http', { url: 'http://example.org/' }, 422, '/url'],
    ['this machine', { url: 'http://127.0.0.1:3000/' }, 422, '/url'],
    ['this machine by name', { url: 'https://localhost/' }, 422, '/url'],
    ['this machine, written as a number', { url: 'https://2130706433/' }, 422, '/url'],
    ['a private address', { url: 'https://10.0.0.1/' }, 422, '/url'],
    ['the metadata service', { url: 'https://169.254.169.254/latest/' }, 422, '/url'],
    ['a private address in IPv6', { url: 'https://[::ffff:10.0.0.1]/' }, 422, '/url'],
    ['a unique local address', { url: 'https://[fd00::1]/' }, 422, '/url'],
  ];
  it.each(table)('%s', async (_, body, status, pointer) => {
    const before = await stored();
    const answer = await door.post('/v1/webhooks', body as object).expect(status);
    expect(answer.body.errors).toMatchObject([{ pointer }]);
    expect(answer.text).not.toContain('hunter2');
    expect(await stored()).toEqual(before);
  });

  it("another list's cursor", async () => {
    const { body } = await door.get('/v1/webhooks?limit=1').expect(200);
    const { id } = await make({ url: good });
    await door.get(`/v1/webhooks/${id}/deliveries?cursor=${body.nextCursor}`).expect(400);
  });
});

it('may lead to this machine where only this machine is listened to', async () => {
  const own = await openDoor();
  try {
    await own.post('/v1/webhooks', { url: 'http://localhost:3000/' }).expect(201);
    await own.post('/v1/webhooks', { url: 'http://[::1]:3000/' }).expect(201);
    await own.post('/v1/webhooks', { url: 'http://10.0.0.1/' }).expect(422);
    await own.post('/v1/webhooks', { url: 'http://example.org/' }).expect(422);
  } finally {
    await own.close();
  }
});
