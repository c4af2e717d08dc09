import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WAITING_TITLES } from '../../src/core/messages.ts';
import { placePass } from '../../src/flows/place.ts';
import { openDoor, populate, smallJob, type Door, type Town } from './door.ts';

let door: Door;
let town: Town;
beforeAll(async () => {
  door = await openDoor();
  town = await populate(door);
  await door.deps.store.db.execute(sql`update providers set health = 'healthy', control = 'healthy'`);
});
afterAll(() => door.close());

const won = (amount: string | number) => ({ amount: String(amount), currency: 'KRW' });
let budgets = 0;
/** A project of its own, with a budget. */
async function project(over: object): Promise<{ project: string; budget: string }> {
  const name = `paid-${(budgets += 1)}`;
  await door.post('/v1/projects', { name, organization: 'acme' }).expect(201);
  const body = { name, scope: { project: name }, period: { kind: 'month' }, cap: won(1_000), ...over };
  return { project: name, budget: (await door.post('/v1/budgets', body).expect(201)).body.id as string };
}
const submit = (of: string, over: object = {}) => door.post('/v1/jobs', smallJob({ project: of, ...over }));
const use = (budget: string, reserved: number) =>
  door.deps.store.db.execute(
    sql`update accounts set reserved_micros = ${reserved * 1e6} where budget_id = ${budget}`,
  );
const jobs = async () =>
  (await door.deps.store.db.execute<{ n: number }>(sql`select count(*)::int as n from jobs`)).rows[0]?.n;

describe('a job that may cost more than a budget lets pass', () => {
  it('waits for somebody else than who asked, and goes on when it is approved', async () => {
    const { project: name, budget } = await project({ approvalAbove: won(100) });
    const { body: job } = await submit(name, { limits: { maxCost: won('100.5') } }).expect(201);
    expect(job.approval).toEqual({
      needed: true,
      budget,
      limit: won(100),
      approvedBy: null,
      approvedAt: null,
      note: null,
    });
    await placePass(door.deps, true);
    const waits = await door.get(`/v1/jobs/${job.id}`).expect(200);
    expect(waits.body.waiting).toMatchObject({
      reason: 'approval',
      title: WAITING_TITLES.approval.en,
    });
    const listed = await door.get('/v1/jobs?waiting=approval').expect(200);
    expect((listed.body.items as { id: string }[]).map(({ id }) => id)).toEqual([job.id]);

    const approve = (key?: string) => door.call('POST', `/v1/jobs/${job.id}/approve`, key);
    const own = await approve().expect(403);
    expect(own.body.detail).toContain('somebody else');
    await approve(town.keys.otherOfficer).expect(404);
    const rings = door.rings.length;
    const approved = await approve(town.keys.officer).send({ note: 'board' }).expect(200);
    expect(approved.body).toMatchObject({
      waiting: null,
      approval: { needed: false, note: 'board', approvedBy: expect.stringMatching(/^key-/) as string },
    });
    expect(door.rings.slice(rings)).toContain('place');
    await approve(town.keys.officer).expect(409);
    await placePass(door.deps, true);
    const { body } = await door.get(`/v1/jobs/${job.id}`).expect(200);
    expect(body.waiting?.reason).not.toBe('approval');
    const { body: events } = await door.get(`/v1/jobs/${job.id}/events`).expect(200);
    expect((events.items as { type: string }[]).map(({ type }) => type)).toContain('job.approved');
    const { body: audit } = await door.get(`/v1/audit?action=job.approve&target=${job.id}`).expect(200);
    expect(audit.items).toHaveLength(1);
  });

  it('is cancelled, with the reason, when it is not', async () => {
    const { project: name } = await project({ approvalAbove: won(100) });
    const { body: job } = await submit(name).expect(201);
    expect(job.approval.needed).toBe(true);
    const reject = () =>
      door.call('POST', `/v1/jobs/${job.id}/reject`, town.keys.officer).send({ reason: 'too dear' });
    const { body } = await reject().expect(200);
    expect(body).toMatchObject({ state: 'cancelled', reason: 'rejected', reasonDetail: 'too dear' });
    await reject().expect(409);
    await door.call('POST', `/v1/jobs/${job.id}/approve`, town.keys.officer).expect(409);
  });

  it('is one that costs more: what says that it costs less runs at once, and nobody can approve it', async () => {
    const { project: name } = await project({ approvalAbove: won(100) });
    const { body: job } = await submit(name, { limits: { maxCost: won(100) } }).expect(201);
    expect(job.approval).toBeNull();
    await door.call('POST', `/v1/jobs/${job.id}/approve`, town.keys.officer).expect(409);
    await door
      .call('POST', `/v1/jobs/${job.id}/reject`, town.keys.officer)
      .send({ reason: 'no' })
      .expect(409);
  });

  it('asks the strictest of the budgets above it', async () => {
    await door
      .post('/v1/budgets', {
        name: 'above-all',
        scope: { organization: 'globex' },
        period: { kind: 'fiscal-year' },
        cap: won(1_000),
        approvalAbove: won(10),
      })
      .expect(201);
    const own = { name: 'own', scope: { project: 'weather' }, period: { kind: 'month' }, cap: won(1_000) };
    await door.post('/v1/budgets', { ...own, approvalAbove: won(50) }).expect(201);
    const limit = async (cost: number) =>
      (await submit('weather', { limits: { maxCost: won(cost) } }).expect(201)).body.approval
        ?.limit as unknown;
    expect(await limit(60)).toEqual(won(10));
    expect(await limit(20)).toEqual(won(10));
    expect(await limit(10)).toBeUndefined();
  });

  it('is answered as before, when its request is repeated after the approval', async () => {
    const { project: name } = await project({ approvalAbove: won(100) });
    const ask = () => submit(name).set('idempotency-key', 'repeated-approval').expect(201);
    const first = await ask();
    await door.call('POST', `/v1/jobs/${first.body.id}/approve`, town.keys.officer).expect(200);
    const again = await ask();
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
  });
});

describe('402 budget-exhausted', () => {
  it('says which budget, how much is missing and until when; work that must not stop is let in', async () => {
    const { project: name, budget } = await project({ disasterReserve: won(200) });
    await submit(name).set('idempotency-key', 'before-it-was-empty').expect(201);
    await use(budget, 799);
    await submit(name).expect(201);
    await use(budget, 800);
    const before = await jobs();
    const { body } = await submit(name, { limits: { maxCost: won(30) } })
      .expect(402)
      .expect('content-type', /problem\+json/);
    expect(body).toMatchObject({
      type: '/problems/budget-exhausted',
      budget: { id: budget, name, available: won(0), missing: won(30) },
    });
    expect(body.budget.until).toMatch(/^\d{4}-\d\d-01$/);
    expect(body.detail).toContain(name);
    expect((await submit(name).expect(402)).body.budget.missing).toBeNull();
    expect(await jobs()).toBe(before);
    await submit(name, { continuity: { mode: 'standby' } }).expect(201);
    // Taken before, so answered as before.
    const again = await submit(name).set('idempotency-key', 'before-it-was-empty').expect(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it('refuses its own alone of many that come at once', async () => {
    const { project: name, budget } = await project({});
    await use(budget, 1_000);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => submit(n % 2 === 0 ? name : 'kogpt')),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, n) => (n % 2 === 0 ? 402 : 201)));
  });

  it('is said of a budget that has ended, until there is another', async () => {
    const { project: name, budget } = await project({});
    await door.deps.store.db.execute(
      sql`update budgets set from_day = '2020-01-01', until_day = '2020-02-01' where id = ${budget}`,
    );
    await door.deps.store.db.execute(sql`delete from accounts where budget_id = ${budget}`);
    const { body } = await submit(name).expect(402);
    expect(body.detail).toContain('ended on 2020-02-01');
    expect(body.budget.until).toBeNull();
    const next = { name: `${name}-next`, scope: { project: name }, period: { kind: 'quarter' }, cap: won(5) };
    await door.post('/v1/budgets', next).expect(201);
    await submit(name).expect(201);
  });
});

describe('limits.maxCost', () => {
  it('is an account of its own, with the entry that it comes from', async () => {
    const { body: job } = await submit('kogpt', { limits: { maxCost: won('12.5') } }).expect(201);
    expect(job.limits.maxCost).toEqual(won('12.5'));
    const { rows } = await door.deps.store.db.execute(sql`
      select a.cap_micros::text as cap, a.allotted_micros::text as allotted, a.ends_at, l.kind, l.debit, l.credit,
        l.amount_micros::text as amount, l.job_id as job
      from accounts a join ledger l on l.account_id = a.id where a.job_id = ${job.id as string}`);
    expect(rows).toEqual([
      {
        cap: '12500000',
        allotted: '12500000',
        ends_at: null,
        kind: 'appropriate',
        debit: 'appropriation',
        credit: 'available',
        amount: '12500000',
        job: job.id as string,
      },
    ]);
  });

  it('or an end is what a budget that blocks wants to know', async () => {
    const { project: name } = await project({ onExhausted: 'block' });
    const { body } = await submit(name).expect(422);
    expect(body.errors[0].pointer).toBe('/limits');
    await submit(name, { limits: { maxCost: won(3) } }).expect(201);
    await submit(name, { limits: { maxRuntimeSeconds: 60 } }).expect(201);
  });
});
