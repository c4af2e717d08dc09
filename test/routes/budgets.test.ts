import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoor, populate, type Door, type Town } from './door.ts';

/** Noon in Seoul. */
const NOW = new Date('2026-11-24T03:00:00.000Z');

let door: Door;
let town: Town;
let now = NOW;
beforeAll(async () => {
  door = await openDoor({ clock: { now: () => now, sleep: async () => {} } });
  town = await populate(door);
  for (const name of ['north', 'south', 'east', 'west', 'far', 'cut'])
    await door.post('/v1/projects', { name, organization: 'acme' }).expect(201);
});
afterAll(() => door.close());

const won = (amount: string | number) => ({ amount: String(amount), currency: 'KRW' });
const monthly = (name: string, project: string, over: object = {}) => ({
  name,
  scope: { project },
  period: { kind: 'month' },
  cap: won(1_000),
  ...over,
});
const made = async (body: object) =>
  (await door.post('/v1/budgets', body).expect(201)).body as { id: string };
/** What a placement would have done. */
const use = (id: string, reserved: number, charged: number) =>
  door.deps.store.db.execute(sql`
    update accounts set reserved_micros = ${reserved * 1e6}, charged_micros = ${charged * 1e6}
    where budget_id = ${id} and starts_at <= ${now.toISOString()} and ends_at > ${now.toISOString()}`);
const entries = async (id: string) =>
  (
    await door.deps.store.db.execute<{ kind: string; debit: string; amount: string }>(sql`
      select l.kind, l.debit, (l.amount_micros / 1000000)::text as amount from ledger l
      join accounts a on a.id = l.account_id where a.budget_id = ${id} order by l.seq`)
  ).rows;

describe('a budget', () => {
  it('is made with its current period and the next, and read as it was made', async () => {
    const answer = await door
      .post('/v1/budgets', {
        name: 'gpt-2026',
        scope: { project: 'kogpt' },
        period: { kind: 'fiscal-year' },
        cap: won(1_000),
        disasterReserve: won(100),
        allotments: [
          { afterMonths: 0, amount: won(250) },
          { afterMonths: 3, amount: won(250) },
          { afterMonths: 6, amount: won(250) },
          { afterMonths: 11, amount: won(250) },
        ],
        approvalAbove: won(50),
        carryOver: true,
      })
      .expect(201);
    expect(answer.headers['etag']).toBe('"1"');
    expect(answer.headers['location']).toBe(`/v1/budgets/${answer.body.id}`);
    expect(answer.body).toMatchObject({
      name: 'gpt-2026',
      organization: 'acme',
      project: 'kogpt',
      period: {
        kind: 'fiscal-year',
        from: '2026-01-01',
        until: null,
        current: { from: '2026-01-01', until: '2027-01-01' },
      },
      cap: won(1_000),
      currentCap: won(1_000),
      allotted: won(750),
      reserved: won(0),
      charged: won(0),
      available: won(750),
      disasterReserve: { amount: won(100), used: won(0) },
      forecast: won(0),
      burnPerHour: won(0),
      exhaustedAt: null,
      thresholds: [50, 80, 100],
      onExhausted: 'stop',
      carryOver: true,
      approvalAbove: won(50),
      version: 1,
    });
    const read = await door.get(`/v1/budgets/${answer.body.id}`).expect(200);
    expect(read.body).toEqual(answer.body);
    expect(read.headers['etag']).toBe('"1"');
    const { rows } = await door.deps.store.db.execute(
      sql`select starts_at, ends_at from accounts where budget_id = ${answer.body.id as string} order by starts_at`,
    );
    expect(rows.map((row) => new Date(row['starts_at'] as string).toISOString())).toEqual([
      '2025-12-31T15:00:00.000Z',
      '2026-12-31T15:00:00.000Z',
    ]);
    expect(await entries(answer.body.id as string)).toEqual(
      ['1000', '1000'].map((amount) => ({ kind: 'appropriate', debit: 'appropriation', amount })),
    );
  });

  it('of `once` is from today until its end', async () => {
    const { body } = await door
      .post('/v1/budgets', {
        name: 'hackathon',
        scope: { organization: 'globex' },
        period: { kind: 'once', until: '2026-12-05' },
        cap: won(10),
      })
      .expect(201);
    expect(body.period).toEqual({
      kind: 'once',
      from: '2026-11-24',
      until: '2026-12-05',
      current: { from: '2026-11-24', until: '2026-12-05' },
    });
  });

  it('that begins later has no period yet, and stands over nothing', async () => {
    const later = { name: 'later', scope: { project: 'far' }, cap: won(5) };
    const { body } = await door
      .post('/v1/budgets', { ...later, period: { kind: 'month', from: '2027-02-01' } })
      .expect(201);
    expect(body).toMatchObject({ period: { current: null }, currentCap: won(0), available: won(0) });
  });

  it('shows where it is going from what runs', async () => {
    const { id } = await made(monthly('burning', 'north', { cap: won(100_000_000) }));
    const job = (await door.post('/v1/jobs', {
      name: 'x',
      project: 'north',
      kind: 'training',
      run: { command: ['true'] },
      resources: { gpu: { count: 0 } },
    })) as { body: { id: string } };
    await door.deps.store.db.execute(sql`
      insert into allocations (id, job_id, attempt, provider, offer, region, spot, state, list_price_micros_per_hour,
        list_currency, rate_micros, price_micros_per_hour, gpu_count, grace_seconds, placed_at, lease_until)
      values ('alc-burn', ${job.body.id}, 1, 'pangyo', 'h100x8', 'kr-central', false, 'active', 40000000000, 'KRW', 1000000,
        40000000000, 8, 10, now(), now())`);
    await use(id, 0, 99_000_000);
    const { body } = await door.get(`/v1/budgets/${id}`).expect(200);
    // From noon of the 24th to the end of the month it is six and a half days.
    expect(body).toMatchObject({
      burnPerHour: won(40_000),
      forecast: won(99_000_000 + 40_000 * 156),
      exhaustedAt: new Date(NOW.getTime() + 25 * 3_600_000).toISOString(),
    });
  });
});

describe('lists', () => {
  it('have what the key may see, and can be filtered', async () => {
    const names = async (key: string | undefined, query = '') =>
      ((await door.call('GET', `/v1/budgets${query}`, key).expect(200)).body.items as { name: string }[]).map(
        ({ name }) => name,
      );
    expect(await names(undefined)).toEqual(['burning', 'later', 'hackathon', 'gpt-2026']);
    expect(await names(town.keys.member)).toEqual(['gpt-2026']);
    expect(await names(town.keys.otherMember)).toEqual([]);
    expect(await names(town.keys.otherOfficer)).toEqual(['hackathon']);
    expect(await names(undefined, '?project=far')).toEqual(['later']);
    expect(await names(undefined, '?organization=globex')).toEqual(['hackathon']);
  });
});

describe('refusals leave nothing behind', () => {
  const count = async () =>
    (
      await door.deps.store.db.execute(sql`select (select count(*) from budgets) as b,
        (select count(*) from accounts) as a, (select count(*) from ledger) as l, (select max(seq) from audit) as s`)
    ).rows;
  const cases: [string, object, number, string][] = [
    ['a negative cap', { cap: won(-1) }, 400, '/cap/amount'],
    ['a cap that is no number', { cap: won('NaN') }, 400, '/cap/amount'],
    ['a cap with an exponent', { cap: won('1e3') }, 400, '/cap/amount'],
    ['a cap of too many digits', { cap: won('1.1234567') }, 400, '/cap/amount'],
    ['a currency that there is not', { cap: { amount: '1', currency: 'ZZZ' } }, 400, '/cap/currency'],
    ['another currency', { cap: { amount: '1', currency: 'USD' } }, 422, '/cap/currency'],
    [
      'an allotment in another currency',
      { allotments: [{ afterMonths: 0, amount: { amount: '1', currency: 'USD' } }] },
      422,
      '/allotments/0/amount/currency',
    ],
    ['a day that there is not', { period: { kind: 'month', from: '2026-02-30' } }, 400, '/period/from'],
    ['a kind that there is not', { period: { kind: 'week' } }, 400, '/period/kind'],
    ['`once` without an end', { period: { kind: 'once' } }, 422, '/period/until'],
    [
      'an end before the start',
      { period: { kind: 'month', from: '2027-01-01', until: '2026-12-31' } },
      422,
      '/period/until',
    ],
    [
      'an end in the past',
      { period: { kind: 'month', from: '2026-01-01', until: '2026-11-24' } },
      422,
      '/period/until',
    ],
    ['a reserve above the cap', { disasterReserve: won(1_001) }, 422, '/disasterReserve'],
    [
      'allotments above the cap',
      { allotments: [{ afterMonths: 0, amount: won(1_001) }] },
      422,
      '/allotments',
    ],
    [
      'an allotment beyond the period',
      { allotments: [{ afterMonths: 1, amount: won(1) }] },
      422,
      '/allotments/0/afterMonths',
    ],
    [
      'allotments out of order',
      {
        period: { kind: 'fiscal-year' },
        allotments: [
          { afterMonths: 3, amount: won(1) },
          { afterMonths: 3, amount: won(1) },
        ],
      },
      422,
      '/allotments/1/afterMonths',
    ],
    ['a threshold of nothing', { thresholds: [0] }, 400, '/thresholds/0'],
    ['a threshold above all', { thresholds: [101] }, 400, '/thresholds/0'],
    ['thresholds that do not rise', { thresholds: [80, 80] }, 422, '/thresholds/1'],
    ['no project of that name', { scope: { project: 'nobody' } }, 404, '/scope/project'],
    ['no organization of that name', { scope: { organization: 'nobody' } }, 404, '/scope/organization'],
    ['an unknown field', { colour: 'red' }, 400, '/colour'],
  ];
  it.each(cases)('%s', async (_, over, status, pointer) => {
    const before = await count();
    const { body } = await door.post('/v1/budgets', monthly('refused', 'south', over)).expect(status);
    expect((body.errors as { pointer: string }[]).map((error) => error.pointer)).toContain(pointer);
    expect(await count()).toEqual(before);
  });

  it('a name that is taken, and days that another of its scope and kind has', async () => {
    await made(monthly('first', 'south', { period: { kind: 'month', until: '2027-03-01' } }));
    const before = await count();
    await door.post('/v1/budgets', monthly('first', 'east')).expect(409);
    const { body } = await door.post('/v1/budgets', monthly('second', 'south')).expect(409);
    expect(body.detail).toContain('first');
    const from = (day: string) => ({ period: { kind: 'month', from: day } });
    await door.post('/v1/budgets', monthly('second', 'south', from('2027-02-01'))).expect(409);
    expect(await count()).toEqual(before);
    await made(monthly('second', 'south', from('2027-03-01')));
    await made(monthly('other-kind', 'south', { period: { kind: 'quarter' } }));
    await made({ ...monthly('whole', 'south'), scope: { organization: 'acme' } });
  });

  it("another organization's scope, exactly as what does not exist", async () => {
    const post = (scope: object) =>
      door.call('POST', '/v1/budgets', town.keys.otherOfficer).send({ ...monthly('theirs', 'south'), scope });
    const hidden = await post({ project: 'south' }).expect(404);
    const missing = await post({ project: 'nobody' }).expect(404);
    expect({ ...hidden.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
    await post({ organization: 'acme' }).expect(404);
    const own = await post({ project: 'weather' }).expect(201);
    await door.call('DELETE', `/v1/budgets/${own.body.id}`, town.keys.otherOfficer).expect(204);
  });
});

describe('a change', () => {
  let path: string;
  let id: string;
  beforeAll(async () => {
    ({ id } = await made(monthly('changing', 'east')));
    path = `/v1/budgets/${id}`;
  });
  const patch = (body: object, etag?: string) =>
    etag === undefined ? door.patch(path, body) : door.patch(path, body).set('if-match', etag);

  it('of the cap needs a reason, and counts for this period and the later ones, with an entry each', async () => {
    await patch({ cap: won(2_000) }).expect(400);
    const rings = door.rings.length;
    const answer = await patch({ cap: won(2_000), reason: 'supplement' }, '"1"').expect(200);
    expect(answer.body).toMatchObject({ cap: won(2_000), currentCap: won(2_000), version: 2 });
    expect(answer.headers['etag']).toBe('"2"');
    expect(door.rings.slice(rings)).toEqual(['place']);
    await patch({ cap: won(1_500), reason: 'cut' }, '"2"').expect(200);
    const moved = (await entries(id)).slice(2);
    expect(moved.map(({ debit, amount }) => `${debit} ${amount}`)).toEqual([
      'appropriation 1000',
      'appropriation 1000',
      'available 500',
      'available 500',
    ]);
  });

  it('as a version that is gone is answered with what is there now', async () => {
    const { body, headers } = await patch({ thresholds: [90] }, '"1"').expect(412);
    expect(body).toMatchObject({ type: '/problems/precondition-failed', current: { version: 3, id } });
    expect(headers['etag']).toBe('"3"');
    expect((await door.get(path).expect(200)).body.thresholds).toEqual([50, 80, 100]);
  });

  it('of which two come at once wins once', async () => {
    const both = await Promise.all([patch({ thresholds: [70] }, '"3"'), patch({ thresholds: [75] }, '"3"')]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
  });

  it('below what is held and charged is refused with the amounts, and changes nothing', async () => {
    await use(id, 200, 700);
    const before = (await door.get(path).expect(200)).body as object;
    const { body } = await patch({ cap: won(899), reason: 'cut' }).expect(422);
    expect(body.errors[0].pointer).toBe('/cap');
    expect(body.detail).toContain('700 KRW are charged and 200 KRW reserved, 900 KRW together');
    expect((await patch({ disasterReserve: won(601) }).expect(422)).body.errors[0].pointer).toBe(
      '/disasterReserve',
    );
    expect((await door.get(path).expect(200)).body).toEqual(before);
    await patch({ cap: won(900), reason: 'to what is spent' }).expect(200);
    await patch({ cap: won(1_500), disasterReserve: won(600), reason: 'again' }).expect(200);
    await use(id, 0, 0);
  });

  it('of the end may not reach into the past, nor into the next budget', async () => {
    expect((await patch({ until: '2026-11-24' }).expect(422)).body.errors[0].pointer).toBe('/until');
    const { body } = await patch({ until: '2026-11-28' }).expect(200);
    expect(body.period.current).toEqual({ from: '2026-11-01', until: '2026-11-28' });
    // The next period is none any more: what it had went back.
    expect((await entries(id)).at(-1)).toMatchObject({ debit: 'available', amount: '1500' });
    await made(monthly('after', 'east', { period: { kind: 'month', from: '2027-01-01' } }));
    await patch({ until: null }).expect(409);
    const longer = await patch({ until: '2027-01-01' }).expect(200);
    expect(longer.body.period.current).toEqual({ from: '2026-11-01', until: '2026-12-01' });
    expect((await entries(id)).at(-1)).toMatchObject({ debit: 'appropriation', amount: '1500' });
  });

  it('can make one last that is over, in the same period', async () => {
    const cut = await made(monthly('cut', 'cut', { period: { kind: 'month', until: '2026-11-26' } }));
    await use(cut.id, 0, 300);
    now = new Date('2026-11-27T03:00:00.000Z');
    expect((await door.get(`/v1/budgets/${cut.id}`).expect(200)).body.period.current).toBeNull();
    await door.patch(`/v1/budgets/${cut.id}`, { until: null }).expect(200);
    const { body } = await door.get(`/v1/budgets/${cut.id}`).expect(200);
    expect(body).toMatchObject({ charged: won(300), currentCap: won(1_000), available: won(700) });
    now = NOW;
  });

  it('is audited with what was and what is', async () => {
    const { body } = await door.get(`/v1/audit?action=budget.change&target=${id}`).expect(200);
    expect(body.items.at(-1).data).toMatchObject({
      before: { capMicros: '1000000000' },
      after: { capMicros: '2000000000' },
      reason: 'supplement',
    });
  });
});

describe('taking back', () => {
  it('goes while nothing was ever held, and its name is free again', async () => {
    const { id } = await made(monthly('mistake', 'west'));
    await door.call('DELETE', `/v1/budgets/${id}`).expect(204);
    await door.get(`/v1/budgets/${id}`).expect(404);
    await door.call('DELETE', `/v1/budgets/${id}`).expect(404);
    expect((await entries(id)).map(({ debit }) => debit)).toEqual([
      'appropriation',
      'appropriation',
      'available',
      'available',
    ]);
    await made(monthly('mistake', 'west'));
  });

  it('does not go once there are entries', async () => {
    const { body } = await door.get('/v1/budgets?project=west').expect(200);
    const [{ id }] = body.items as [{ id: string }];
    await door.deps.store.db.execute(sql`
      insert into ledger (at, kind, debit, credit, account_id, amount_micros, reason, actor)
      select now(), 'reserve', 'available', 'reserved', id, 1, 'test', 'system' from accounts where budget_id = ${id} limit 1`);
    const answer = await door.call('DELETE', `/v1/budgets/${id}`).expect(409);
    expect(answer.body.detail).toContain('entries');
    await door.get(`/v1/budgets/${id}`).expect(200);
  });
});

describe('at once', () => {
  it('of many that overlap exactly one is made', async () => {
    await door.post('/v1/projects', { name: 'raced', organization: 'acme' }).expect(201);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => door.post('/v1/budgets', monthly(`race-${n}`, 'raced'))),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array<number>(11).fill(409),
    ]);
  });
});
