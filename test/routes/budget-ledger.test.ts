import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetPass } from '../../src/flows/budgets.ts';
import { placePass } from '../../src/flows/place.ts';
import { somebodyWaits } from '../store/ground.ts';
import { openDoor, populate, smallJob, type Door, type Town } from './door.ts';

const NOON = new Date('2026-11-24T03:00:00.000Z');

let door: Door;
let town: Town;
let now = NOON;
let officer: string;
beforeAll(async () => {
  door = await openDoor({ clock: { now: () => now, sleep: async () => {} } });
  town = await populate(door);
  const key = await door.post('/v1/keys', { role: 'budgetOfficer', organization: 'acme' }).expect(201);
  officer = key.body.secret as string;
});
afterAll(() => door.close());

const won = (amount: string | number) => ({ amount: String(amount), currency: 'KRW' });
let made = 0;
async function budget(over: object = {}): Promise<string> {
  const name = `team-${(made += 1)}`;
  await door.post('/v1/projects', { name, organization: 'acme' }).expect(201);
  const body = { name, scope: { project: name }, period: { kind: 'month' }, cap: won(1_000), ...over };
  return (await door.post('/v1/budgets', body).expect(201)).body.id as string;
}
const read = async (id: string) =>
  (await door.get(`/v1/budgets/${id}`).expect(200)).body as Record<string, never>;
const verify = async (id: string) =>
  (await door.get(`/v1/budgets/${id}/verify`).expect(200)).body as { ok: boolean };
const db = () => door.deps.store.db;
const currentOf = async (id: string): Promise<string> => {
  const { rows } = await db().execute<{ id: string }>(sql`
    select id from accounts where budget_id = ${id} and starts_at <= ${now.toISOString()} and ends_at > ${now.toISOString()}`);
  return rows[0]?.id ?? '';
};
/** As a placement and a metering would have it, with the entries of both. */
async function spend(id: string, reserved: number, charged: number): Promise<void> {
  const account = await currentOf(id);
  const entry = (kind: string, from: string, to: string, amount: number) =>
    amount === 0
      ? Promise.resolve()
      : db().execute(sql`
          insert into ledger (at, kind, debit, credit, account_id, amount_micros, job_id, reason, actor)
          values (${now.toISOString()}, ${kind}, ${from}, ${to}, ${account}, ${amount * 1e6}, 'job-x', 'test', 'system')`);
  await entry('reserve', 'available', 'reserved', reserved + charged);
  await entry('charge', 'reserved', 'charged', charged);
  await db().execute(sql`
    update accounts set reserved_micros = reserved_micros + ${reserved * 1e6},
      charged_micros = charged_micros + ${charged * 1e6} where id = ${account}`);
  if (reserved > 0)
    await db().execute(sql`
      insert into holds (allocation_id, account_id, failover, from_seconds, paid_seconds, reserved_micros)
      values (${`alc-${account}`}, ${account}, false, 0, 60, ${reserved * 1e6})`);
}

describe('the entries of a budget', () => {
  it('are listed newest first, page by page, and by kind and job', async () => {
    const id = await budget();
    await spend(id, 100, 50);
    const list = async (query = '') =>
      (await door.get(`/v1/budgets/${id}/entries${query}`).expect(200)).body as {
        items: { seq: number; kind: string }[];
        nextCursor: string | null;
      };
    const all = await list();
    expect(all.items.map(({ kind }) => kind)).toEqual(['charge', 'reserve', 'appropriate', 'appropriate']);
    expect(all.items[1]).toMatchObject({
      debit: 'available',
      credit: 'reserved',
      amount: won(150),
      job: 'job-x',
      period: { from: '2026-11-01', until: '2026-12-01' },
    });
    const first = await list('?limit=3');
    const rest = await list(`?limit=3&cursor=${first.nextCursor}`);
    expect([...first.items, ...rest.items]).toEqual(all.items);
    expect((await list('?kind=reserve')).items).toHaveLength(1);
    expect((await list('?job=job-y')).items).toEqual([]);
  });

  it('come to what the budget says, until somebody meddles with it', async () => {
    const id = await budget();
    await spend(id, 100, 50);
    const { body } = await door.get(`/v1/budgets/${id}/verify`).expect(200);
    expect(body).toMatchObject({
      ok: true,
      accounts: [
        {
          ok: true,
          cap: won(1_000),
          reserved: won(100),
          charged: won(50),
          entries: { count: 3, cap: won(1_000), available: won(850), reserved: won(100), charged: won(50) },
          holds: won(100),
        },
        { ok: true, cap: won(1_000), entries: { count: 1 } },
      ],
    });
    await db().execute(sql`update accounts set charged_micros = 51000000 where id = ${await currentOf(id)}`);
    expect(await verify(id)).toMatchObject({ ok: false, accounts: [{ ok: false }, { ok: true }] });
  });
});

describe('a transfer', () => {
  const ask = (from: string, to: string, amount: number, key?: string) =>
    door
      .call('POST', `/v1/budgets/${from}/transfers`, key)
      .send({ to, amount: won(amount), reason: 'the team has moved' });
  const decide = (from: string, id: string, verb: string, key: string) =>
    door.call('POST', `/v1/budgets/${from}/transfers/${id}/${verb}`, key).send({ note: 'as agreed' });

  it('moves money when somebody else has approved it', async () => {
    const [from, to] = [await budget(), await budget()];
    const { body } = await ask(from, to, 300, town.keys.officer).expect(201);
    expect(body).toMatchObject({ from, to, amount: won(300), state: 'requested', decidedBy: null });
    expect(await read(from)).toMatchObject({ available: won(1_000) });
    const own = await decide(from, body.id as string, 'approve', town.keys.officer).expect(403);
    expect(own.body.detail).toContain('requester cannot approve');
    await decide(from, body.id as string, 'approve', town.keys.otherOfficer).expect(404);
    const done = await decide(to, body.id as string, 'approve', officer).expect(200);
    expect(done.body).toMatchObject({ state: 'done', note: 'as agreed' });
    expect(await read(from)).toMatchObject({ cap: won(1_000), currentCap: won(700), available: won(700) });
    expect(await read(to)).toMatchObject({ cap: won(1_000), currentCap: won(1_300), available: won(1_300) });
    await decide(from, body.id as string, 'approve', officer).expect(409);
    for (const id of [from, to]) {
      expect(await verify(id)).toMatchObject({ ok: true });
      const { body: entries } = await door.get(`/v1/budgets/${id}/entries?kind=transfer`).expect(200);
      expect(entries.items).toMatchObject([{ amount: won(300), transfer: body.id as string }]);
      const { body: listed } = await door.get(`/v1/budgets/${id}/transfers`).expect(200);
      expect(listed.items).toEqual([done.body]);
    }
    const { body: audit } = await door.get(`/v1/audit?target=${body.id}`).expect(200);
    expect((audit.items as { action: string }[]).map(({ action }) => action)).toEqual([
      'budget.transfer-approve',
      'budget.transfer-request',
    ]);
  });

  it('that is rejected moves nothing', async () => {
    const [from, to] = [await budget(), await budget()];
    const { body } = await ask(from, to, 300).expect(201);
    const rejected = await decide(from, body.id as string, 'reject', officer).expect(200);
    expect(rejected.body.state).toBe('rejected');
    expect(await read(from)).toMatchObject({ available: won(1_000) });
  });

  it('leaves what is held, charged and kept for disasters', async () => {
    const [from, to] = [await budget({ disasterReserve: won(200) }), await budget()];
    await spend(from, 100, 100);
    const { body } = await ask(from, to, 601).expect(201);
    const short = await decide(from, body.id as string, 'approve', officer).expect(409);
    expect(short.body.detail).toContain('600 KRW');
    expect(await read(from)).toMatchObject({ currentCap: won(1_000) });
    const fits = await ask(from, to, 600).expect(201);
    await decide(from, fits.body.id as string, 'approve', officer).expect(200);
    expect(await read(from)).toMatchObject({ currentCap: won(400), available: won(200) });
  });

  it('is refused where it contradicts itself or goes to others', async () => {
    const from = await budget();
    expect((await ask(from, from, 1).expect(422)).body.errors[0].pointer).toBe('/to');
    expect((await ask(from, await budget(), 0).expect(422)).body.errors[0].pointer).toBe('/amount/amount');
    const theirs = {
      name: 'theirs',
      scope: { organization: 'globex' },
      period: { kind: 'month' },
      cap: won(1),
    };
    const other = (await door.post('/v1/budgets', theirs).expect(201)).body.id as string;
    const hidden = await ask(from, other, 1, town.keys.officer).expect(404);
    const missing = await ask(from, 'bud-missing', 1, town.keys.officer).expect(404);
    expect({ ...hidden.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
  });

  it('of which twenty are approved at once never takes what is not there, and loses nothing', async () => {
    const [from, to] = [await budget(), await budget()];
    const asked = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        // Half of them the other way, so that the two accounts are asked for in both orders.
        const [a, b] = n % 2 === 0 ? [from, to] : [to, from];
        return (await ask(a, b, n % 2 === 0 ? 150 : 10).expect(201)).body as { id: string; from: string };
      }),
    );
    const answers = await Promise.all(asked.map((one) => decide(one.from, one.id, 'approve', officer)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
    const out = statuses.filter((status, n) => n % 2 === 0 && status === 200).length;
    const back = statuses.filter((status, n) => n % 2 === 1 && status === 200).length;
    expect(out).toBeGreaterThanOrEqual(6);
    expect(out).toBeLessThan(10);
    expect(await read(from)).toMatchObject({ currentCap: won(1_000 - 150 * out + 10 * back) });
    expect(await read(to)).toMatchObject({ currentCap: won(1_000 + 150 * out - 10 * back) });
    for (const id of [from, to]) expect(await verify(id)).toMatchObject({ ok: true });
  });
});

describe('an exception', () => {
  it('is listed, and closed by somebody who answers for it, once', async () => {
    const id = await budget();
    const account = await currentOf(id);
    await db().execute(sql`
      insert into budget_exceptions (id, account_id, job_id, at, detail)
      values ('exc-1', ${account}, 'job-x', ${now.toISOString()}, 'lacks 5 KRW')`);
    const { body } = await door.get(`/v1/budgets/${id}/exceptions`).expect(200);
    expect(body.items).toMatchObject([{ id: 'exc-1', job: 'job-x', closedAt: null }]);
    const close = (of: string) =>
      door.post(`/v1/budgets/${of}/exceptions/exc-1/close`, { resolution: 'from the contingency fund' });
    await close(await budget()).expect(404);
    const rings = door.rings.length;
    const closed = await close(id).expect(200);
    expect(closed.body).toMatchObject({ closedBy: 'key-admin', resolution: 'from the contingency fund' });
    expect(door.rings.slice(rings)).toEqual(['place']);
    await close(id).expect(409);
    const { body: audit } = await door
      .get('/v1/audit?action=budget.exception-close&target=exc-1')
      .expect(200);
    expect(audit.items).toHaveLength(1);
  });
});

describe('the outlook', () => {
  it('shows what has a place, until when it is paid, and when the money is used up', async () => {
    const id = await budget({ cap: won(100_000) });
    const { project } = await read(id);
    const { body: job } = await door.post('/v1/jobs', smallJob({ project, name: 'runs' })).expect(201);
    await db().execute(sql`
      insert into allocations (id, job_id, attempt, provider, offer, region, spot, state, list_price_micros_per_hour,
        list_currency, rate_micros, price_micros_per_hour, gpu_count, grace_seconds, placed_at, lease_until, started_at, paid_seconds)
      values ('alc-runs', ${job.id as string}, 1, 'pangyo', 'h100x8', 'kr-central', false, 'active', 40000000000, 'KRW', 1000000,
        40000000000, 8, 10, ${now.toISOString()}, ${now.toISOString()}, ${now.toISOString()}, 900)`);
    const { body } = await door.get(`/v1/budgets/${id}/outlook`).expect(200);
    expect(body).toEqual({
      exhaustedAt: new Date(NOON.getTime() + 2.5 * 3_600_000).toISOString(),
      burnPerHour: won(40_000),
      available: won(100_000),
      items: [
        {
          job: job.id as string,
          name: 'runs',
          project,
          allocation: 'alc-runs',
          role: 'run',
          provider: 'pangyo',
          pricePerHour: won(40_000),
          reserved: won(0),
          heldUntil: new Date(NOON.getTime() + 900_000).toISOString(),
          mustNotStop: false,
        },
      ],
      nextCursor: null,
    });
  });
});

describe('time', () => {
  const pass = () => budgetPass(door.deps);

  it('tells of each threshold once, and whoever asked to be told', async () => {
    await pass();
    await door
      .post('/v1/webhooks', {
        url: 'http://127.0.0.1:9/told',
        events: ['budget.threshold'],
        organization: 'acme',
      })
      .expect(201);
    const id = await budget();
    await spend(id, 200, 600);
    const [first, second] = await Promise.all([pass(), pass()]);
    expect(first.told + second.told).toBe(2);
    expect((await pass()).told).toBe(0);
    const { body } = await door.get(`/v1/budgets/${id}/alerts`).expect(200);
    expect(body.items).toMatchObject([
      { threshold: 80, used: won(800), allotted: won(1_000) },
      { threshold: 50, period: { from: '2026-11-01', until: '2026-12-01' } },
    ]);
    const paged = await door.get(`/v1/budgets/${id}/alerts?limit=1`).expect(200);
    const next = await door
      .get(`/v1/budgets/${id}/alerts?limit=1&cursor=${paged.body.nextCursor}`)
      .expect(200);
    expect([...paged.body.items, ...next.body.items]).toEqual(body.items);
    const { rows } = await db().execute<{ body: { data: { threshold: number } } }>(
      sql`select body from webhook_deliveries where body -> 'data' ->> 'budget' = ${id}`,
    );
    expect(rows.map((row) => row.body.data.threshold).toSorted((a, b) => a - b)).toEqual([50, 80]);
  });

  it('lets more be spent as it is allotted, makes the next periods, and carries over what is left', async () => {
    const allotments = [
      { afterMonths: 0, amount: won(400) },
      { afterMonths: 2, amount: won(600) },
    ];
    const quarter = await budget({ period: { kind: 'quarter' }, allotments });
    const month = await budget({ carryOver: true, disasterReserve: won(100) });
    const lapsing = await budget();
    await spend(month, 0, 250);
    await spend(lapsing, 0, 250);
    const held = await budget({ carryOver: true });
    await spend(held, 10, 0);
    expect(await read(quarter)).toMatchObject({ currentCap: won(1_000), allotted: won(400) });

    now = new Date('2026-12-01T00:00:00.000Z');
    expect(await read(month)).toMatchObject({ currentCap: won(1_000), available: won(1_000) });
    await Promise.all([pass(), pass(), pass()]);
    expect(await read(quarter)).toMatchObject({ allotted: won(1_000) });
    expect(await read(month)).toMatchObject({
      period: { current: { from: '2026-12-01', until: '2027-01-01' } },
      cap: won(1_000),
      currentCap: won(1_750),
      available: won(1_750),
    });
    expect(await read(lapsing)).toMatchObject({ currentCap: won(1_000) });
    expect(await read(held)).toMatchObject({ currentCap: won(1_000) });
    await db().execute(sql`update accounts set reserved_micros = 0 where budget_id = ${held}`);
    await pass();
    expect(await read(held)).toMatchObject({ currentCap: won(2_000) });
    expect(await pass()).toEqual({ made: 0, raised: 0, carried: 0, told: 0 });
    for (const id of [quarter, month, lapsing]) expect(await verify(id)).toMatchObject({ ok: true });
    const { body } = await door.get(`/v1/budgets/${month}/entries?kind=carry`).expect(200);
    expect(body.items).toMatchObject([
      { amount: won(750), credit: 'available', period: { from: '2026-12-01' } },
      { amount: won(750), debit: 'available', period: { from: '2026-11-01' } },
    ]);
    const { rows } = await db().execute(sql`select starts_at from accounts where budget_id = ${month}`);
    expect(rows).toHaveLength(3);
    now = NOON;
  });
});

describe('a placement', () => {
  it('is held by the budget above it, which cannot be cut below that, and shows in its entries', async () => {
    await db().execute(
      sql`update providers set health = 'healthy', control = 'healthy', attested_at = now()`,
    );
    const id = await budget({ cap: won(10_000_000) });
    const { project } = await read(id);
    const limits = { maxCost: won(1_000_000) };
    const { body: job } = await door.post('/v1/jobs', smallJob({ project, limits })).expect(201);
    await placePass(door.deps, true);
    const { body: placed } = await door.get(`/v1/jobs/${job.id}`).expect(200);
    expect(placed.state).toBe('provisioning');
    expect(placed.cost.reserved).toEqual((await read(id))['reserved']);
    const { reserved } = (await read(id)) as unknown as { reserved: { amount: string } };
    expect(Number(reserved.amount)).toBeGreaterThan(0);
    expect(await verify(id)).toMatchObject({ ok: true });
    const below = won(Math.floor(Number(reserved.amount)) - 1);
    await door.patch(`/v1/budgets/${id}`, { cap: below, reason: 'too late' }).expect(422);
    await door.call('DELETE', `/v1/budgets/${id}`).expect(409);
    const { body: entries } = await door.get(`/v1/budgets/${id}/entries?job=${job.id}`).expect(200);
    expect(entries.items).toMatchObject([{ kind: 'reserve', amount: reserved }]);
    const { body: outlook } = await door.get(`/v1/budgets/${id}/outlook`).expect(200);
    expect(outlook.items).toMatchObject([{ job: job.id as string, reserved }]);
  });
});

describe('beside a placement that holds money just now', () => {
  /** Holds 900, and lets go only when what is asked meanwhile waits for it. */
  async function whileHolding<T>(id: string, ask: () => Promise<T>): Promise<T> {
    const account = await currentOf(id);
    let asked: Promise<T> | undefined;
    await door.deps.store.transaction(async (tx) => {
      await tx.execute(sql`update accounts set reserved_micros = 900000000 where id = ${account}`);
      asked = ask();
      await somebodyWaits(tx);
    });
    return asked!;
  }

  it('a cap is not cut below it', async () => {
    const id = await budget();
    const cut = () =>
      door.patch(`/v1/budgets/${id}`, { cap: won(500), reason: 'cut' }).then((answer) => answer);
    const { status, body } = await whileHolding(id, cut);
    expect([status, body.errors?.[0]?.pointer]).toEqual([422, '/cap']);
  });

  it('a transfer does not take it', async () => {
    const [from, to] = [await budget(), await budget()];
    const wanted = { to, amount: won(500), reason: 'the team has moved' };
    const { body } = await door.post(`/v1/budgets/${from}/transfers`, wanted).expect(201);
    const approve = () =>
      door.call('POST', `/v1/budgets/${from}/transfers/${body.id}/approve`, officer).then((answer) => answer);
    const answer = await whileHolding(from, approve);
    expect([answer.status, answer.body.detail]).toEqual([409, expect.stringContaining('can spare 100 KRW')]);
  });

  it('a budget is not taken back', async () => {
    const id = await budget();
    const account = await currentOf(id);
    let asked: Promise<number> | undefined;
    await door.deps.store.transaction(async (tx) => {
      await tx.execute(sql`select from accounts where id = ${account} for no key update`);
      asked = door.call('DELETE', `/v1/budgets/${id}`).then(({ status }) => status);
      await somebodyWaits(tx);
      await tx.execute(sql`
        insert into ledger (at, kind, debit, credit, account_id, amount_micros, reason, actor)
        values (now(), 'reserve', 'available', 'reserved', ${account}, 1, 'test', 'system')`);
    });
    expect(await asked).toBe(409);
  });
});
