import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drillPass } from '../../src/flows/drillPass.ts';
import { allocations, jobs } from '../../src/store/schema.ts';
import { allocationRow } from '../store/rows.ts';
import { openDoor, populate, smallJob, type Door, type Town } from './door.ts';
import { makeChecker, type Checker } from './checker.ts';

let door: Door;
let town: Town;
let checker: Checker;
beforeAll(async () => {
  door = await openDoor();
  town = await populate(door);
  checker = makeChecker(door.app.swagger());
});
afterAll(() => door.close());

const outage = (provider: string) => ({ kind: 'provider-outage', provider });
const small = (over: object = {}) => ({ scenario: outage('pangyo'), mode: 'tabletop', ...over });
const stored = async () =>
  (
    await door.deps.store.db.execute(
      `select (select count(*) from drills) as drills, (select count(*) from audit) as audit,
        (select count(*) from idempotency) as keys, (select count(*) from organizations) as organizations,
        (select count(*) from projects) as projects, (select count(*) from jobs) as jobs`,
    )
  ).rows;

/** For tables of calls that are all refused: nothing is stored after any of them. */
function storesNothing(): void {
  let before: unknown;
  beforeEach(async () => void (before = await stored()));
  afterEach(async () => expect(await stored()).toEqual(before));
}

describe('a drill that is refused stores nothing', () => {
  storesNothing();

  const malformed: [string, object, string][] = [
    ['nothing', {}, '/scenario'],
    ['an unknown field', small({ surprise: true }), '/surprise'],
    ['an unknown scenario', small({ scenario: { kind: 'meteor' } }), '/scenario/kind'],
    ['no provider', small({ scenario: { kind: 'provider-outage' } }), '/scenario/provider'],
    [
      'a latitude beyond the pole',
      small({ scenario: { kind: 'site-disaster', latitude: 91, longitude: 0, radiusKm: 1 } }),
      '/scenario/latitude',
    ],
    ['an unknown mode', small({ mode: 'walkthrough' }), '/mode'],
    ['too many canaries', small({ mode: 'parallel', jobs: 21 }), '/jobs'],
    ['half a canary', small({ mode: 'parallel', jobs: 0.5 }), '/jobs'],
    ['no time to abort', small({ limits: { abortAfterSeconds: 29 } }), '/limits/abortAfterSeconds'],
    ['more than an hour', small({ limits: { abortAfterSeconds: 3_601 } }), '/limits/abortAfterSeconds'],
    ['money as a number', small({ limits: { maxCost: 5 } }), '/limits/maxCost'],
    ['valid for longer than a year', small({ validDays: 366 }), '/validDays'],
    ['every day and a half', small({ everyDays: 1.5 }), '/everyDays'],
  ];
  it.each(malformed)('400: %s', async (_, body, pointer) => {
    const answer = await door.post('/v1/drills', body).expect(400);
    expect(answer.body.errors).toEqual(
      expect.arrayContaining([expect.objectContaining({ pointer })]) as unknown,
    );
  });

  const refused: [string, number, string, object, string | null][] = [
    [
      'a provider that is not there',
      404,
      'not-found',
      small({ scenario: outage('nowhere') }),
      '/scenario/provider',
    ],
    [
      'a disaster that strikes nobody',
      422,
      'impossible-spec',
      small({ scenario: { kind: 'site-disaster', latitude: 0, longitude: 0, radiusKm: 10 } }),
      '/scenario/radiusKm',
    ],
    [
      'chosen jobs for canaries',
      422,
      'impossible-spec',
      small({ mode: 'parallel', jobs: ['job-1'] }),
      '/jobs',
    ],
    [
      'a cost in another currency',
      422,
      'impossible-spec',
      small({ limits: { maxCost: { amount: '1', currency: 'USD' } } }),
      '/limits/maxCost/currency',
    ],
    [
      'more canaries than jobs it may touch',
      422,
      'impossible-spec',
      small({ mode: 'parallel', jobs: 3, limits: { maxJobs: 2 } }),
      '/limits/maxJobs',
    ],
    ['a full one where nothing runs', 409, 'state-conflict', small({ mode: 'full' }), null],
    ['a job that does not run there', 409, 'state-conflict', small({ jobs: ['job-1'] }), '/jobs/0'],
  ];
  it.each(refused)('%s', async (_, status, type, body, pointer) => {
    const answer = await door.post('/v1/drills', body).expect(status);
    expect(answer.body.type).toBe(`/problems/${type}`);
    if (pointer !== null) expect(answer.body.errors).toMatchObject([{ pointer }]);
  });

  it.each([
    ['/v1/organizations', { name: 'naru-drills' }, '/name'],
    ['/v1/projects', { name: 'naru-drills', organization: 'acme' }, '/name'],
    ['/v1/projects', { name: 'mine', organization: 'naru-drills' }, '/organization'],
    ['/v1/keys', { role: 'member', projects: ['kogpt', 'naru-drills'] }, '/projects/1'],
    ['/v1/keys', { role: 'budgetOfficer', organization: 'naru-drills' }, '/organization'],
    ['/v1/jobs', smallJob({ project: 'naru-drills' }), '/project'],
    ['/v1/quotes', smallJob({ project: 'naru-drills' }), '/project'],
  ])("the canaries' name is nobody's: %s", async (path, body, pointer) => {
    const answer = await door.post(path, body).expect(422);
    expect(answer.body.errors).toMatchObject([{ pointer }]);
  });
});

describe('a tabletop drill', () => {
  it('is taken once, ends by itself, and has a report of both kinds', async () => {
    const ask = () =>
      door.post('/v1/drills', small({ note: '<b>"Who" & where?</b>' })).set('idempotency-key', 'table');
    const first = await ask().expect(202);
    expect(first.headers['location']).toBe(`/v1/drills/${first.body.id}`);
    const again = await ask().expect(202).expect('idempotency-replayed', 'true');
    expect(again.body).toEqual(first.body);
    const path = `/v1/drills/${first.body.id}`;
    await door.get(`${path}/report`).expect(409);
    await drillPass(door.deps);
    await drillPass(door.deps);
    expect((await door.get(path).expect(200)).body).toMatchObject({ state: 'passed', providers: ['pangyo'] });
    const report = await door.get(`${path}/report`).expect(200);
    checker.check('GET', '/v1/drills/{id}/report', 200, report.headers['content-type'], report.text);
    expect(report.body.report).toMatchObject({ result: 'passed', jobs: [], findings: [] });
    expect(report.body.report.notExercised).toContain('real-move');
    for (const [language, title] of [
      ['ko-KR', '재해복구 훈련 결과 보고서'],
      ['fr', 'Disaster recovery drill: report'],
    ] as const) {
      const page = await door.get(`${path}/report`).set({ accept: 'text/html', 'accept-language': language });
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(page.text).toContain(title);
      expect(page.text).toContain('&lt;b&gt;&quot;Who&quot; &amp; where?&lt;/b&gt;');
      expect(page.text).not.toContain('<b>');
      expect(page.text).not.toMatch(/(src|href)=/);
    }
    await door.post(`${path}/cancel`).expect(409);
    await door.post(`${path}/confirm`).expect(409);
    const keys = await door.call('GET', '/.well-known/jwks.json', null).expect(200);
    expect(keys.body.keys).toMatchObject([{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' }]);
    expect(JSON.stringify(keys.body)).not.toContain('seed');
  });

  it('recurs until somebody cancels it', async () => {
    const { id } = (await door.post('/v1/drills', small({ everyDays: 30 })).expect(202)).body;
    await drillPass(door.deps);
    await drillPass(door.deps);
    const { items } = (await door.get('/v1/drills?state=planned').expect(200)).body;
    expect(items).toMatchObject([{ previousId: id, state: 'planned', everyDays: 30, plan: null }]);
    const next = items[0] as { id: string; dueAt: string };
    const days = (Date.parse(next.dueAt) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
    expect((await door.get(`/v1/drills/${id}/report`).expect(200)).body.report.nextDueAt).toBe(next.dueAt);
    await drillPass(door.deps);
    expect((await door.get(`/v1/drills/${next.id}`)).body.state).toBe('planned');
    // Its day comes.
    const ago = `now() - interval '2 days'`;
    await door.deps.store.db.execute(
      `update drills set due_at = ${ago}, starts_at = ${ago} where id = '${next.id}'`,
    );
    await drillPass(door.deps);
    await drillPass(door.deps);
    const held = (await door.get(`/v1/drills/${next.id}/report`).expect(200)).body.report;
    expect(held).toMatchObject({ result: 'passed', findings: [{ code: 'overdue' }] });
    const [third] = (await door.get('/v1/drills?state=planned')).body.items as { id: string }[];
    // One that waits for somebody is what an operator is alerted of.
    await door.deps.store.db.execute(
      `update drills set mode = 'full', due_at = ${ago}, starts_at = null where id = '${third?.id}'`,
    );
    await drillPass(door.deps);
    expect((await door.call('GET', '/metrics', null)).text).toContain('naru_drills_overdue 1');
    await door.post(`/v1/drills/${third?.id}/cancel`).expect(202);
    await drillPass(door.deps);
    expect((await door.call('GET', '/metrics', null)).text).toContain('naru_drills_overdue 0');
    expect((await door.get('/v1/drills?state=planned')).body.items).toEqual([]);
    await door.get(`/v1/drills/${third?.id}/report`).expect(409);
  });
});

describe('a parallel drill', () => {
  it('queues canaries that no tenant sees, and takes them away when it is cancelled', async () => {
    const body = small({ mode: 'parallel', jobs: 2, limits: { maxJobs: 2 } });
    const { id } = (await door.post('/v1/drills', body).expect(202)).body;
    await door.post('/v1/drills', small({ mode: 'parallel' })).expect(409);
    await drillPass(door.deps);
    expect((await door.get(`/v1/drills/${id}`)).body).toMatchObject({
      state: 'running',
      plan: { canaries: [{ provider: 'pangyo', count: 2, gpu: { model: 'H100', count: 8 } }] },
      progress: [{ canary: true, state: 'queued' }, { canary: true }],
    });
    for (const key of [town.keys.member, town.keys.officer]) {
      const { items } = (await door.call('GET', '/v1/jobs', key).expect(200)).body;
      expect(items).toEqual([]);
    }
    await door.post('/v1/drills', small({ mode: 'parallel' })).expect(409);
    await door.post('/v1/drills', small({ scenario: outage('gwangju'), mode: 'tabletop' })).expect(202);
    await door.post(`/v1/drills/${id}/cancel`).expect(202);
    await door.post(`/v1/drills/${id}/cancel`).expect(202);
    for (let passes = 0; passes < 3; passes += 1) await drillPass(door.deps);
    expect((await door.get(`/v1/drills/${id}`)).body).toMatchObject({
      state: 'cancelled',
      progress: [{ state: 'cancelled' }, { state: 'cancelled' }],
    });
    const report = await door.get(`/v1/drills/${id}/report`).expect(200);
    checker.check('GET', '/v1/drills/{id}/report', 200, report.headers['content-type'], report.text);
  });
});

describe('a drill is aborted', () => {
  it('when its time is over, and says so', async () => {
    const { id } = (await door.post('/v1/drills', small({ mode: 'parallel' })).expect(202)).body;
    await drillPass(door.deps);
    await door.deps.store.db.execute(
      `update drills set started_at = started_at - interval '600 s' where id = '${id}'`,
    );
    for (let passes = 0; passes < 3; passes += 1) await drillPass(door.deps);
    const { report } = (await door.get(`/v1/drills/${id}/report`).expect(200)).body;
    expect(report).toMatchObject({
      result: 'aborted',
      reason: 'it was not over after limits.abortAfterSeconds (600 s)',
      jobs: [{ result: 'not-recovered' }],
    });
    expect((report.findings as { code: string }[]).map(({ code }) => code)).toContain('not-finished');
    expect((report.steps as { action: string }[]).map(({ action }) => action)).toContain('drill.abort');
    const { verified } = (await door.get('/v1/providers/pangyo/verifications')).body;
    expect(verified).toBe(false);
  });

  it('before anything is cut off, where a job would fail for it', async () => {
    const { db } = door.deps.store;
    const job = await door.post('/v1/jobs', smallJob({ continuity: { mode: 'none' } })).expect(201);
    const jobId = job.body.id as string;
    await db
      .insert(allocations)
      .values(
        allocationRow('alc-none', jobId, 1, { state: 'active', offer: 'h100x8', startedAt: new Date() }),
      );
    await db
      .update(jobs)
      .set({ state: 'running', currentAllocationId: 'alc-none', waiting: null })
      .where(eq(jobs.id, jobId));
    const planned = (await door.post('/v1/drills', small({ mode: 'full' })).expect(202)).body;
    expect(planned).toMatchObject({
      state: 'planned',
      plan: { jobsInScope: 1, jobs: [{ jobId, from: 'pangyo', mode: 'none' }] },
    });
    await door.post(`/v1/drills/${planned.id}/confirm`).expect(409);
    const bold = (await door.post('/v1/drills', small({ mode: 'full', confirm: true })).expect(202)).body;
    await drillPass(door.deps);
    await drillPass(door.deps);
    expect((await door.get(`/v1/drills/${bold.id}`)).body).toMatchObject({
      state: 'aborted',
      reason: `the job ${jobId} would have failed: its continuity.mode is none`,
      confirmedBy: { id: 'key-admin' },
    });
    const { rows } = await db.execute(`select 1 from drill_cuts where drill_id = '${bold.id}'`);
    expect(rows).toEqual([]);
    await door.post(`/v1/drills/${planned.id}/cancel`).expect(202);
  });
});

describe('verifications', () => {
  it("are a vendor's to read of its own providers, and nobody else's", async () => {
    const path = '/v1/providers/pangyo/verifications';
    expect((await door.call('GET', path, town.keys.vendor).expect(200)).body).toEqual({
      verified: false,
      why: 'no drill has moved work from it yet',
      items: [],
    });
    await door.call('GET', path, town.keys.otherVendor).expect(404);
  });
});
