import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expireIdempotency } from '../../src/store/apply/idempotency.ts';
import { openDoor, populate, smallJob, smallProvider, type Door, type Town } from './door.ts';

let door: Door;
let town: Town;
beforeAll(async () => {
  door = await openDoor();
  town = await populate(door);
});
afterAll(() => door.close());

const count = async (table: string): Promise<number> => {
  const { rows } = await door.deps.store.db.execute<{ n: number }>(
    sql.raw(`select count(*)::int as n from ${table}`),
  );
  return rows[0]?.n ?? -1;
};

describe('the same key and the same body', () => {
  const creations: [string, string, object, string][] = [
    ['an organization', '/v1/organizations', { name: 'twin' }, 'organizations'],
    ['a project', '/v1/projects', { name: 'twin', organization: 'acme' }, 'projects'],
    ['a key', '/v1/keys', { role: 'operator' }, 'keys'],
    ['a provider', '/v1/providers', smallProvider('twin'), 'providers'],
    [
      'a budget',
      '/v1/budgets',
      {
        name: 'twin',
        scope: { project: 'kogpt' },
        period: { kind: 'month' },
        cap: { amount: '5', currency: 'KRW' },
      },
      'budgets',
    ],
    ['a job', '/v1/jobs', smallJob(), 'jobs'],
    ['a webhook', '/v1/webhooks', { url: 'https://hooks.example.org/' }, 'webhooks'],
    [
      "a vendor's word",
      '/v1/providers/pangyo/status',
      { level: 'operational', note: 'fine' },
      'provider_health',
    ],
  ];
  it('twenty at once ask for a transfer once', async () => {
    const cap = { amount: '5', currency: 'KRW' };
    const make = async (name: string) => {
      const body = { name, scope: { organization: 'globex' }, period: { kind: name }, cap };
      return (await door.post('/v1/budgets', body).expect(201)).body.id as string;
    };
    const [from, to] = [await make('quarter'), await make('month')];
    const before = await count('budget_transfers');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        door
          .post(`/v1/budgets/${from}/transfers`, { to, amount: cap, reason: 'twin' })
          .set('idempotency-key', 'twenty-transfers')
          .expect(201),
      ),
    );
    for (const answer of answers) expect(answer.body).toEqual(answers[0]?.body);
    expect((await count('budget_transfers')) - before).toBe(1);
  });

  it.each(creations)(
    'twenty at once make %s once, and all get the first answer',
    async (what, path, body, table) => {
      const before = await count(table);
      const key = `twenty-${what.replaceAll(/\W/g, '-')}`;
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => door.post(path, body).set('idempotency-key', key)),
      );
      expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(201));
      for (const answer of answers) expect(answer.body).toEqual(answers[0]?.body);
      expect(answers.filter((answer) => answer.headers['idempotency-replayed'] === 'true')).toHaveLength(19);
      expect((await count(table)) - before).toBe(1);
    },
  );

  it('is answered as before though its deadline has passed meanwhile', async () => {
    const deadline = new Date(Date.now() + 1_500);
    const body = smallJob({ limits: { deadline: deadline.toISOString() } });
    const ask = () => door.post('/v1/jobs', body).set('idempotency-key', 'deadline-passed');
    const first = await ask().expect(201);
    await vi.waitUntil(() => Date.now() > deadline.getTime(), { timeout: 5_000 });
    const again = await ask().expect(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    await door.post('/v1/jobs', body).set('idempotency-key', 'another').expect(422);
  });

  it('gives a secret again to the one who made it, and to nobody who reads the database', async () => {
    const ask = () =>
      door.post('/v1/keys', { role: 'auditor' }).set('idempotency-key', 'secret-again').expect(201);
    const { secret } = (await ask()).body as { secret: string };
    expect((await ask()).body.secret).toBe(secret);
    const { rows } = await door.deps.store.db.execute(
      sql`select * from idempotency where key = 'secret-again'`,
    );
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(rows[0]?.['sealed']).toEqual(expect.any(String));
  });

  it('is audited once', async () => {
    const { body } = await door.get('/v1/audit?action=organization.create&target=twin').expect(200);
    expect(body.items).toHaveLength(1);
  });
});

describe('the same key', () => {
  it('with another body, or at another door, is refused', async () => {
    await door.post('/v1/organizations', { name: 'first' }).set('idempotency-key', 'once').expect(201);
    const body = await door
      .post('/v1/organizations', { name: 'second' })
      .set('idempotency-key', 'once')
      .expect(422);
    expect(body.body.type).toBe('/problems/idempotency-mismatch');
    await door
      .post('/v1/projects', { name: 'first', organization: 'first' })
      .set('idempotency-key', 'once')
      .expect(422);
    await door.post('/v1/jobs', smallJob()).set('idempotency-key', 'once').expect(422);
    await door.post('/v1/jobs', smallJob()).set('idempotency-key', 'job-once').expect(201);
    await door
      .post('/v1/jobs', smallJob({ name: 'other' }))
      .set('idempotency-key', 'job-once')
      .expect(422);
    await door.post('/v1/organizations', { name: 'third' }).set('idempotency-key', 'job-once').expect(422);
  });

  it('of another caller is another key', async () => {
    const a = await door
      .call('POST', '/v1/jobs', town.keys.member)
      .send(smallJob())
      .set('idempotency-key', 'shared')
      .expect(201);
    const b = await door.post('/v1/jobs', smallJob()).set('idempotency-key', 'shared').expect(201);
    expect(a.body.id).not.toBe(b.body.id);
  });

  it('is free again after a refusal: nothing was done', async () => {
    await door
      .post('/v1/projects', { name: 'late', organization: 'late' })
      .set('idempotency-key', 'refused')
      .expect(404);
    await door.post('/v1/organizations', { name: 'late' }).expect(201);
    await door
      .post('/v1/projects', { name: 'late', organization: 'late' })
      .set('idempotency-key', 'refused')
      .expect(201);
  });

  it('with members in another order is the same request', async () => {
    const send = (text: string) =>
      door
        .call('POST', '/v1/projects')
        .set('content-type', 'application/json')
        .set('idempotency-key', 'order')
        .send(text)
        .expect(201);
    await send('{"name":"order","organization":"acme"}');
    expect((await send('{"organization":"acme",  "name":"order"}')).headers['idempotency-replayed']).toBe(
      'true',
    );
  });

  it('is told to come back while its twin takes long', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let begin = () => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const twin = door.deps.store.transaction(async (tx) => {
      await tx.execute(
        sql`insert into idempotency (principal, key, fingerprint, status, created_at) values ('key-admin', 'slow', 'x', 0, now())`,
      );
      begin();
      await held;
      throw new Error('rolled back');
    });
    await begun;
    const answer = await door.post('/v1/organizations', { name: 'slow' }).set('idempotency-key', 'slow');
    expect([answer.status, answer.body.type]).toEqual([409, '/problems/request-in-progress']);
    release();
    await twin.catch(() => {});
    await door.post('/v1/organizations', { name: 'slow' }).set('idempotency-key', 'slow').expect(201);
  });

  it('is forgotten after its time', async () => {
    const before = await count('idempotency');
    const gone = await expireIdempotency(door.deps.store, new Date(Date.now() + 1_000), 3);
    expect(gone).toBe(3);
    expect(await count('idempotency')).toBe(before - 3);
    await expireIdempotency(door.deps.store, new Date(Date.now() + 1_000));
    expect(await count('idempotency')).toBe(0);
  });
});
