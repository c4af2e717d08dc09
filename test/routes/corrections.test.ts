import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { placePass } from '../../src/flows/place.ts';
import { applyChanges } from '../../src/store/apply/changes.ts';
import { settle } from '../../src/store/apply/settle.ts';
import { checkFocus, micros, readFocus } from '../core/focus-checker.ts';
import { makeChecker, type Checker } from './checker.ts';
import { openDoor, populate, smallJob, type Door, type Town } from './door.ts';

let door: Door;
let town: Town;
let checker: Checker;
let now = new Date('2026-11-20T03:00:00.000Z');
beforeAll(async () => {
  door = await openDoor({ clock: { now: () => now, sleep: async () => {} } });
  town = await populate(door);
  checker = makeChecker(door.app.swagger());
  // A won a second.
  await exec(`update providers set health = 'healthy', control = 'healthy', attested_at = now(), last_contact_at = '2027-01-01';
    update offers set capacity = 1000, price_micros_per_hour = 3600000000`);
});
afterAll(() => door.close());

const exec = (text: string) => door.deps.store.db.execute(sql.raw(text));
const won = (amount: string | number) => ({ amount: String(amount), currency: 'KRW' });

interface Site {
  readonly project: string;
  /** Of the month, and of the year. */
  readonly budgets: readonly [string, string];
}
let made = 0;
async function site(cap: number): Promise<Site> {
  const project = `team-${(made += 1)}`;
  await door.post('/v1/projects', { name: project, organization: 'acme' }).expect(201);
  const budget = async (kind: string) => {
    const body = { name: `${project}-${kind}`, scope: { project }, period: { kind }, cap: won(cap) };
    return (await door.post('/v1/budgets', body).expect(201)).body.id as string;
  };
  return { project, budgets: [await budget('month'), await budget('fiscal-year')] };
}

/** Placed and running since now. */
async function start(project: string): Promise<string> {
  const { body } = await door.post('/v1/jobs', smallJob({ project })).expect(201);
  await placePass(door.deps, true);
  const { body: found } = await door.get(`/v1/jobs/${body.id}/allocations`).expect(200);
  const { id } = (found.items as { id: string }[])[0]!;
  await change({ kind: 'activate', allocationId: id, startedAt: now, endpoint: null, serving: null });
  return id;
}
const change = (...changes: Parameters<typeof applyChanges>[3]) =>
  door.deps.store.transaction((tx) => applyChanges(tx, now, door.deps.terms, changes));

/** Seconds: less than what is held at first. */
const METERED = 50;

/** A run of so many seconds, over by now. */
async function run(project: string, seconds: number): Promise<string> {
  const startedAt = now;
  const id = await start(project);
  for (let left = seconds; left > 0; left -= METERED) {
    now = new Date(now.getTime() + Math.min(left, METERED) * 1000);
    await door.deps.store.transaction((tx) => settle(tx, now, door.deps.terms, [id]));
  }
  const ended = { startedAt, endedAt: now, outcome: 'exited', endReason: 'exited', exitCode: 0 } as const;
  await change({ kind: 'release', allocationId: id, ...ended, detail: null });
  return id;
}

const correct = async (
  allocation: string,
  kind: string,
  amount: number | string,
  key: string = town.keys.officer,
  headers: Record<string, string> = {},
) => {
  const body = { allocation, kind, amount: won(amount), reason: "the vendor's outage" };
  const answer = await door.call('POST', '/v1/corrections', key).set(headers).send(body);
  checker.check('POST', '/v1/corrections', answer.status, answer.headers['content-type'], answer.text);
  return answer;
};

/** What each of its periods is charged, oldest first. */
async function charged(budget: string): Promise<string[]> {
  const { body } = await door.get(`/v1/budgets/${budget}/verify`).expect(200);
  expect(body.ok).toBe(true);
  return (body.accounts as { charged: { amount: string } }[]).map((one) => one.charged.amount);
}
const firsts = (of: Site) => Promise.all(of.budgets.map(async (id) => (await charged(id))[0]));
const cost = async (project: string): Promise<string> => {
  const { body } = await door.get(`/v1/costs?from=2026-10-01&to=2026-12-01&project=${project}&groupBy=`);
  return body.total.cost.amount as string;
};

/** Everything that must hold, whatever was corrected. */
async function books(): Promise<void> {
  for (const month of ['2026-10', '2026-11']) {
    const { body, status } = await door.get(`/v1/months/${month}/verify`);
    if (status === 200) expect(body).toMatchObject({ ok: true, wrongLines: 0 });
  }
  const { rows } = await exec(`
    select a.id from accounts a where a.charged_micros <>
      (select coalesce(sum(h.charged_micros), 0) from holds h where h.account_id = a.id)
    union all select a.id from allocations a where a.charged_micros <>
      (select coalesce(sum(amount_micros), 0) from ledger l where l.allocation_id = a.id and l.kind = 'usage')
    union all select a.id from allocations a where a.metered_seconds <>
      (select coalesce(sum(seconds), 0) from cost_days d where d.allocation_id = a.id)`);
  expect(rows).toEqual([]);
}
const focus = async (project: string) => {
  const path = `/v1/costs?from=2026-10-01&to=2026-12-01&project=${project}&format=focus`;
  const { text } = await door.get(path).expect(200);
  expect(checkFocus(text)).toEqual([]);
  return readFocus(text);
};
const stored = async (): Promise<unknown> =>
  (
    await exec(`select (select max(seq) from ledger) as ledger, (select max(seq) from audit) as audit,
      (select json_agg(a order by id) from accounts a) as accounts, (select json_agg(h) from holds h) as holds,
      (select json_agg(c) from cost_days c) as days`)
  ).rows;

describe('a credit', () => {
  it('is given back to every budget that paid, and is on the bill', async () => {
    const own = await site(10_000);
    const id = await run(own.project, 1_000);
    expect(await firsts(own)).toEqual(['1000', '1000']);
    const { body, status } = await correct(id, 'credit', '300.5');
    expect(status).toBe(201);
    expect(body).toMatchObject({
      allocation: id,
      project: own.project,
      provider: 'gwangju',
      kind: 'credit',
      amount: won('300.5'),
      month: '2026-11',
      day: '2026-11-20',
      createdAt: now.toISOString(),
    });
    expect(await firsts(own)).toEqual(['699.5', '699.5']);
    expect(await cost(own.project)).toBe('699.5');
    await books();
    for (const budget of own.budgets) {
      const entries = await door.get(`/v1/budgets/${budget}/entries?kind=adjust`).expect(200);
      expect(entries.body.items).toMatchObject([
        { debit: 'charged', credit: 'available', amount: won('300.5'), transfer: body.id as string },
      ]);
    }
    const { body: audit } = await door.get(`/v1/audit?target=${body.id}`).expect(200);
    expect(audit.items).toMatchObject([
      { action: 'correction.create', data: { allocation: id, amount: '300.5', kind: 'credit' } },
    ]);
    const [used, credited, ...more] = await focus(own.project);
    expect(more).toEqual([]);
    expect(used).toMatchObject({ ChargeCategory: 'Usage', BilledCost: '1000' });
    expect(credited).toMatchObject({ ChargeCategory: 'Adjustment', ChargeClass: null, BilledCost: '-300.5' });
  });

  it('is at most what was charged, less what was credited before', async () => {
    const own = await site(10_000);
    const id = await run(own.project, 1_000);
    const before = await stored();
    const refused = await correct(id, 'credit', '1000.000001');
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/amount/amount']);
    expect(refused.body.detail).toContain('1000 KRW');
    expect(await stored()).toEqual(before);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => correct(id, 'credit', 300)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 201, 422, 422]);
    expect((await correct(id, 'credit', 200)).body.detail).toContain('100 KRW');
    expect((await correct(id, 'credit', 100)).status).toBe(201);
    expect((await correct(id, 'charge', 40)).status).toBe(201);
    expect(await firsts(own)).toEqual(['40', '40']);
    await books();
  });

  it('lets work run that waits for the money', async () => {
    const own = await site(1_100);
    const id = await run(own.project, 1_050);
    const { body: job } = await door.post('/v1/jobs', smallJob({ project: own.project })).expect(201);
    await placePass(door.deps, true);
    const state = async () => (await door.get(`/v1/jobs/${job.id}`).expect(200)).body.state as string;
    expect(await state()).toBe('queued');
    const rings = door.rings.length;
    await correct(id, 'credit', 900);
    expect(door.rings.slice(rings)).toContain('place');
    await placePass(door.deps, true);
    expect(await state()).toBe('provisioning');
  });

  it('is given once, however often it is asked for with one key', async () => {
    const own = await site(10_000);
    const id = await run(own.project, 1_000);
    const again = { 'idempotency-key': 'outage-1' };
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => correct(id, 'credit', 100, town.keys.officer, again)),
    );
    for (const { body } of answers) expect(body).toEqual(answers[0]?.body);
    expect(await firsts(own)).toEqual(['900', '900']);
    expect((await correct(id, 'credit', 101, town.keys.officer, again)).status).toBe(422);
    await books();
  });
});

describe('a charge', () => {
  it('is paid by every budget, or by none', async () => {
    const own = await site(1_500);
    const id = await run(own.project, 1_000);
    expect((await correct(id, 'charge', 400)).status).toBe(201);
    expect(await firsts(own)).toEqual(['1400', '1400']);
    await door.patch(`/v1/budgets/${own.budgets[0]}`, { cap: won(2_000), reason: 'more' }).expect(200);
    const before = await stored();
    const refused = await correct(id, 'charge', '100.000001');
    expect([refused.status, refused.body.type]).toEqual([402, '/problems/budget-exhausted']);
    expect(refused.body.detail).toContain(own.budgets[1]);
    expect(await stored()).toEqual(before);
    expect((await correct(id, 'charge', 100)).status).toBe(201);
    expect(await cost(own.project)).toBe('1500');
    await books();
    expect((await focus(own.project)).map((row) => [row['ChargeCategory'], row['BilledCost']])).toEqual([
      ['Usage', '1000'],
      ['Adjustment', '500'],
    ]);
  });

  it('of what stands under no budget is on the bill alone', async () => {
    const id = await run('weather', 10);
    expect((await correct(id, 'charge', 5)).status).toBe(404);
    expect((await correct(id, 'charge', 5, town.keys.otherOfficer)).status).toBe(201);
    expect(await cost('weather')).toBe('15');
    await books();
  });
});

describe('what is refused', () => {
  it('is what goes on, what never ran, and what is somebody else’s', async () => {
    const own = await site(10_000);
    const running = await start(own.project);
    const over = await run(own.project, 100);
    const never = await start(own.project);
    await exec(`update allocations set state = 'released', released_at = now(), started_at = null, metered_seconds = 0,
      paid_seconds = null where id = '${never}'`);
    const before = await stored();
    const { body, status } = await correct(running, 'credit', 1);
    expect([status, body.detail]).toEqual([409, expect.stringContaining('not over yet')]);
    for (const kind of ['credit', 'charge']) expect((await correct(never, kind, 1)).status).toBe(422);
    expect((await correct(over, 'credit', 0)).status).toBe(422);
    const dollars = {
      allocation: over,
      kind: 'credit',
      reason: 'x',
      amount: { amount: '1', currency: 'USD' },
    };
    await door.post('/v1/corrections', dollars).expect(422);
    for (const amount of ['-1', '1e3', 'NaN'])
      expect((await correct(over, 'credit', amount)).status).toBe(400);
    expect((await correct(over, 'gift', 1)).status).toBe(400);
    const foreign = await correct(over, 'credit', 1, town.keys.otherOfficer);
    const missing = await correct('alc-missing', 'credit', 1, town.keys.otherOfficer);
    expect([foreign.status, missing.status]).toEqual([404, 404]);
    expect({ ...foreign.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
    expect((await correct(over, 'credit', 1, town.keys.member)).status).toBe(403);
    expect(await stored()).toEqual(before);
  });
});

describe('a run over the end of a month', () => {
  let own: Site;
  let id: string;
  beforeAll(async () => {
    const back = now;
    now = new Date('2026-10-31T14:50:00.000Z');
    own = await site(10_000);
    id = await run(own.project, 900);
    now = back;
  });

  it('gives back of the newest period first, then of the one before', async () => {
    expect(await charged(own.budgets[0])).toEqual(['600', '300']);
    expect((await correct(id, 'credit', 400)).body).toMatchObject({ month: '2026-11', day: '2026-11-01' });
    expect(await charged(own.budgets[0])).toEqual(['500', '0']);
    expect(await firsts(own)).toEqual(['500', '500']);
    await books();
  });

  it('is corrected on the bill of this month where its own is closed', async () => {
    const back = now;
    now = new Date('2026-10-31T14:00:00.000Z');
    const closed = await run(own.project, 60);
    now = back;
    await door.post('/v1/months/2026-10/close').expect(200);
    const { body } = await correct(closed, 'credit', 50);
    expect(body).toMatchObject({ month: '2026-11', day: '2026-10-31' });
    expect((await correct(closed, 'charge', 20)).status).toBe(201);
    await books();
    const corrections = (await focus(own.project)).filter((row) => row['ChargeClass'] === 'Correction');
    expect(corrections).toMatchObject([
      {
        ChargeCategory: 'Adjustment',
        BilledCost: '-30',
        ResourceId: closed,
        BillingPeriodStart: '2026-10-31T15:00:00Z',
      },
    ]);
    const { text } = await door.get('/v1/costs?from=2026-10-01&to=2026-12-01&format=focus').expect(200);
    expect(checkFocus(text)).toEqual([]);
    const { body: statement } = await door
      .get('/v1/providers/gwangju/statement?from=2026-10-01&to=2026-12-01')
      .expect(200);
    const { body: all } = await door.get('/v1/costs?from=2026-10-01&to=2026-12-01&groupBy=&provider=gwangju');
    expect(micros(statement.total.cost.amount as string)).toBe(micros(all.total.cost.amount as string));
  });
});
