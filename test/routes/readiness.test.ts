import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { expireLeases } from '../../src/flows/expire.ts';
import { healthPass } from '../../src/flows/health.ts';
import { noteOnce } from '../../src/flows/listen.ts';
import { placePass } from '../../src/flows/place.ts';
import { readinessOf } from '../../src/flows/readiness.ts';
import { makeChecker } from './checker.ts';
import { openDoor, populate, smallJob, smallOffer, smallProvider, type Door, type Town } from './door.ts';

/** The real door, database and flows; agents are what SQL says of them, and the clock goes on where a test moves it. */
let door: Door;
let town: Town;
let nowMs = Date.parse('2026-11-22T10:00:00Z');

const run = (statement: string) => door.deps.store.db.execute(sql.raw(statement));
const pass = (seconds: number) => {
  nowMs += seconds * 1_000;
};
/** Everybody is heard but those. */
const hear = (...except: string[]) =>
  run(`update providers set last_contact_at = '${new Date(nowMs).toISOString()}'
    where name <> all(array[${except.map((name) => `'${name}'`).join()}]::text[])`);
/** What was placed runs: as its agents would say. */
const start = async (seconds = 1) => {
  await run(`update allocations set state = 'active', started_at = placed_at + interval '${seconds} s',
    serving_at = placed_at + interval '${seconds + 2} s' where state = 'submitting'`);
  await run(`update jobs set state = 'running', started_at = queued_at where state = 'provisioning'`);
};
const job = (name: string, over: object = {}) =>
  smallJob({ name, resources: { gpu: { count: 8 } }, ...over });
const submit = async (body: object) => (await door.post('/v1/jobs', body).expect(201)).body.id as string;
const krw = (amount: string) => ({ amount, currency: 'KRW' });

const SITES = { seoul: [37.57, 126.98], gasan: [37.48, 126.88], gwangju: [35.16, 126.85] } as const;
const provider = async (name: string, site: keyof typeof SITES, capacity: number, price: string) => {
  const [latitude, longitude] = SITES[site];
  const where = { city: site, country: 'KR', region: 'kr', latitude, longitude };
  await door.post('/v1/providers', smallProvider(name, { vendor: name, site: where })).expect(201);
  await door
    .put(`/v1/providers/${name}/offers`, [smallOffer('h100x8', { capacity, price: krw(price) })])
    .expect(200);
};

beforeAll(async () => {
  door = await openDoor({ clock: { ...systemClock(), now: () => new Date(nowMs) } });
  town = await populate(door);
  for (const name of ['pangyo', 'gwangju']) await door.put(`/v1/providers/${name}/offers`, []).expect(200);
  await provider('cheap', 'seoul', 6, '100');
  await provider('near', 'gasan', 2, '200');
  await provider('far', 'gwangju', 2, '300');
  await run(`update providers set health = 'healthy'`);
  await hear();
});
afterAll(() => door.close());

interface Item {
  readonly jobId: string;
  readonly name: string;
  readonly to: { readonly provider: string; readonly offer: string; readonly pricePerHour: object } | null;
  readonly nowhere: { readonly reason: string; readonly detail: string } | null;
}
const readiness = async (query = '', key?: string) => {
  const path = `/v1/readiness${query}`;
  const asked = key === undefined ? door.get(path) : door.call('GET', path, key);
  const { body, text, headers } = await asked.expect(200);
  // The answer is as the document has it.
  makeChecker(door.app.swagger()).check('GET', '/v1/readiness', 200, headers['content-type'], text);
  return body as {
    items: Item[];
    nextCursor: string | null;
    summary: Record<string, unknown>;
    asOf: string;
  };
};

describe('GET /v1/readiness', () => {
  it('says nothing of nothing', async () => {
    expect(await readiness()).toEqual({
      items: [],
      nextCursor: null,
      summary: { running: 0, covered: 0, uncovered: 0, byProvider: [], byReason: [] },
      asOf: '2026-11-22T10:00:00.000Z',
    });
  });

  it('foresees what the loss of the provider then brings', async () => {
    pass(3);
    const apart = { continuity: { minSeparationKm: 100, rtoSeconds: 60, rpoSeconds: 30 } };
    for (const body of [
      job('plain-1'),
      job('apart-1', apart),
      job('ending', { continuity: { mode: 'none' } }),
      job('urgent', { priority: 90 }),
      job('plain-2'),
      job('theirs', { project: 'weather' }),
    ])
      await submit(body);
    await hear();
    await placePass(door.deps, true);
    await start();
    pass(10);
    await hear();
    const foreseen = await readiness();
    expect(foreseen.summary).toMatchObject({ running: 6, covered: 4, uncovered: 2 });
    expect(foreseen.summary['byReason']).toEqual([
      { reason: 'continuity-none', jobs: 1 },
      { reason: 'no-capacity', jobs: 1 },
    ]);
    const apartOne = foreseen.items.find(({ name }) => name === 'apart-1');
    expect(apartOne).toMatchObject({
      from: { provider: 'cheap', pricePerHour: krw('100') },
      to: { provider: 'far', pricePerHour: krw('300'), priceChangePerHour: krw('200') },
      nowhere: null,
      fenceSeconds: 6.75,
      // Nothing was ever seen to start there.
      expectedSeconds: null,
      checkpointAgeSeconds: null,
      lostSeconds: 10,
      rto: { targetSeconds: 60, met: null },
      rpo: { targetSeconds: 30, met: true },
    });
    expect(await readinessOf(door.deps, { down: ['cheap'] })).toHaveLength(6);

    // It falls silent: verdict, lease, placement, by the flows that would do it.
    for (let second = 0; second < 6; second += 1) {
      pass(1);
      await hear('cheap');
      await noteOnce(door.deps);
    }
    await healthPass(door.deps);
    pass(1);
    await expireLeases(door.deps);
    await placePass(door.deps, true);
    const now = await door.get('/v1/jobs?limit=100').expect(200);
    const jobs = now.body.items as {
      id: string;
      name: string;
      state: string;
      placement: Item['to'];
      waiting: Item['nowhere'];
    }[];
    const happened = jobs.map(({ name, state, placement, waiting }) => [
      name,
      state === 'failed' ? 'continuity-none' : (placement?.provider ?? waiting?.reason),
      waiting?.detail ?? null,
    ]);
    const said = foreseen.items.map(({ name, to, nowhere }) => [
      name,
      to?.provider ?? nowhere?.reason,
      nowhere?.reason === 'continuity-none' ? null : (nowhere?.detail ?? null),
    ]);
    expect(said).toEqual(happened);
  });

  it('knows what starting takes where it was seen, and what was saved', async () => {
    await start(4);
    pass(5);
    await hear('cheap');
    await run(`update providers set health = 'healthy' where name = 'cheap'`);
    const { items } = await readiness('?provider=near');
    // `cheap` started everything in a second, and `near` is lost: there is room again.
    expect(items.map(({ to }) => to?.provider)).toEqual(['cheap', 'cheap']);
    expect(items[0]).toMatchObject({ expectedSeconds: 7.75 });
    const jobId = items[0]?.jobId ?? '';
    await run(`insert into checkpoints (id, job_id, allocation_id, attempt, complete, size_bytes, sha256, location, created_at, completed_at)
      values ('ckp-1', '${jobId}', 'alc-1', 1, true, 1, '', 'file:x', now(), '${new Date(nowMs - 2_000).toISOString()}')`);
    pass(3);
    const after = await readiness('?provider=near');
    expect(after.items[0]).toMatchObject({ jobId, checkpointAgeSeconds: 5, lostSeconds: 5 });
  });

  it('is shared by those who ask together, and by those who ask soon after', async () => {
    pass(3);
    const [a, b] = await Promise.all([readiness(), readiness()]);
    expect(a.asOf).toBe(b.asOf);
    pass(1);
    expect((await readiness()).asOf).toBe(a.asOf);
    pass(2);
    expect((await readiness()).asOf).not.toBe(a.asOf);
  });

  it('comes in pages, newest first, with the summary of the whole', async () => {
    const all = await readiness();
    expect(all.items.map(({ jobId }) => jobId)).toEqual(
      all.items
        .map(({ jobId }) => jobId)
        .toSorted()
        .toReversed(),
    );
    const first = await readiness('?limit=2');
    const second = await readiness(`?limit=500&cursor=${first.nextCursor}`);
    expect([...first.items, ...second.items]).toEqual(all.items);
    expect([first.summary, second.summary]).toEqual([all.summary, all.summary]);
    await door.get('/v1/readiness?cursor=eyJ4Ijox').expect(400);
    await door.get('/v1/readiness?region=kr').expect(400);
  });

  it('shows everybody their own', async () => {
    const projects = async (key: string, query = '') =>
      [
        ...new Set(
          (await readiness(query, key)).items.map((one) => (one as unknown as { project: string }).project),
        ),
      ].sort();
    const { member, otherMember, officer, otherOfficer, operator, auditor } = town.keys;
    expect(await projects(operator)).toEqual(['kogpt', 'weather']);
    expect(await projects(auditor)).toEqual(['kogpt', 'weather']);
    for (const key of [member, officer]) expect(await projects(key)).toEqual(['kogpt']);
    for (const key of [otherMember, otherOfficer]) expect(await projects(key)).toEqual(['weather']);
    expect(await projects(member, '?project=weather')).toEqual([]);
    expect((await readiness('', otherMember)).summary).toMatchObject({ running: 1 });
    await door.call('GET', '/v1/readiness', town.keys.vendor).expect(403);
  });
});
