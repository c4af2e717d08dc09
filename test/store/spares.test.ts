import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Change } from '../../src/core/change.ts';
import { applyChanges } from '../../src/store/apply/changes.ts';
import { applySpares, type PlacementRow } from '../../src/store/apply/placements.ts';
import { applyPromotions } from '../../src/store/apply/promotions.ts';
import { loadQueued } from '../../src/store/load/queue.ts';
import {
  loadLostRuns,
  loadPromotable,
  loadUnguarded,
  loadUnneeded,
} from '../../src/store/load/protection.ts';
import { placementsOf } from '../../src/store/read/allocations.ts';
import { allocations, decisions, events, jobs, offers, providers } from '../../src/store/schema.ts';
import type { AllocationRow, JobRow, Store } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW, TERMS, placementRow } from './rows.ts';

const after = (ms: number) => new Date(NOW.getTime() + ms);

let store: Store;
onGround(6, (opened) => {
  store = opened;
});

const elsewhere = async (name: string) => {
  const [first] = await store.db.select().from(providers).where(eq(providers.name, 'pangyo'));
  const [offer] = await store.db.select().from(offers).where(eq(offers.provider, 'pangyo'));
  await store.db.insert(providers).values({ ...first!, name, vendor: name });
  await store.db.insert(offers).values({ ...offer!, provider: name });
};
beforeEach(async () => {
  await store.db.execute(sql`truncate events, decisions, allocations, jobs cascade`);
  await store.db.execute(sql`delete from offers where provider <> 'pangyo'`);
  await store.db.execute(sql`delete from providers where name <> 'pangyo'`);
  await elsewhere('gwangju');
  await store.db.update(offers).set({ used: 1 });
  await store.db.update(providers).set({ mode: 'active', health: 'healthy', version: 1, lastContactAt: NOW });
});

const spec = (mode: 'standby' | 'active') =>
  ({ continuity: { mode }, checkpoint: { fromJob: null } }) as JobRow['spec'];
/** A job with its run at pangyo, and what stands by at gwangju. */
const guarded = async (
  mode: 'standby' | 'active',
  job: Partial<JobRow> = {},
  run: Partial<AllocationRow> = {},
  spare: Partial<AllocationRow> | null = {},
) => {
  const state = { state: 'running', spares: 1, currentAllocationId: 'alc-run', attempts: 1 } as const;
  await store.db.insert(jobs).values(jobRow('job-1', { ...state, spec: spec(mode), ...job }));
  const ran = { state: 'active', startedAt: NOW } as const;
  await store.db.insert(allocations).values(allocationRow('alc-run', 'job-1', 1, { ...ran, ...run }));
  if (spare === null) return;
  const role = mode === 'standby' ? ('standby' as const) : ('replica' as const);
  const own = {
    provider: 'gwangju',
    role,
    slot: 1,
    purpose: mode === 'standby' ? 'standby' : 'run',
  } as const;
  await store.db
    .insert(allocations)
    .values(allocationRow('alc-spare', 'job-1', mode === 'standby' ? 1 : 2, { ...ran, ...own, ...spare }));
};
const allocation = async (id: string) =>
  (await store.db.select().from(allocations).where(eq(allocations.id, id)))[0];
const job = async () => (await store.db.select().from(jobs))[0]!;
const used = async () =>
  (await store.db.select().from(offers).where(eq(offers.provider, 'gwangju')))[0]!.used;
const told = async () =>
  (await store.db.select().from(events).orderBy(events.seq)).map(({ type, reason }) => [type, reason]);

describe('a place that stands by', () => {
  const row = (n: string, more: Partial<PlacementRow & { runId: string }> = {}) => ({
    ...placementRow(n, { jobId: 'job-1', provider: 'gwangju', spare: { role: 'standby', slot: 1 } }),
    runId: 'alc-run',
    ...more,
  });
  const stand = (...rows: (PlacementRow & { runId: string })[]) =>
    store.transaction((tx) => applySpares(tx, NOW, TERMS, rows));

  test('is claimed beside the run, which goes on; it is no attempt of its own, and its cost is apart', async () => {
    await guarded('standby', { spareWaiting: { reason: 'no-match', detail: 'x' } }, {}, null);
    expect(await stand(row('s'))).toEqual(new Set(['alc-s']));
    expect(await allocation('alc-s')).toMatchObject({
      role: 'standby',
      slot: 1,
      purpose: 'standby',
      attempt: 1,
    });
    expect(await job()).toMatchObject({
      state: 'running',
      currentAllocationId: 'alc-run',
      attempts: 1,
      spareWaiting: null,
    });
    expect(await used()).toBe(2);
    expect(await told()).toEqual([['allocation.submitting', 'standby']]);
    const shown = (await placementsOf(store.db, ['job-1'])).get('job-1');
    expect(shown).toMatchObject({ current: { id: 'alc-run' }, spares: [{ id: 'alc-s' }] });
  });

  test('is one: a second for the same slot is stale, as is one for another run or a job that does not run', async () => {
    await guarded('standby', {}, {}, null);
    await stand(row('s'));
    expect(await stand(row('t'))).toEqual(new Set());
    expect(await stand(row('u', { runId: 'alc-other', spare: { role: 'standby', slot: 2 } }))).toEqual(
      new Set(),
    );
    await store.db.update(jobs).set({ state: 'queued' });
    expect(await stand(row('v', { spare: { role: 'standby', slot: 2 } }))).toEqual(new Set());
    expect(await used()).toBe(2);
  });

  test('is wanted by who has less than it asks for, apart from everything that it has', async () => {
    await guarded('active', { spares: 2 });
    expect(await loadUnguarded(store.db, 10)).toMatchObject([
      { id: 'job-1', slot: 2, runId: 'alc-run', standsByFor: 'pangyo', apartFrom: ['pangyo', 'gwangju'] },
    ]);
    await store.db.update(jobs).set({ spares: 1 });
    expect(await loadUnguarded(store.db, 10)).toEqual([]);
    expect(await loadUnneeded(store.db)).toEqual([]);
    await store.db.update(jobs).set({ state: 'succeeded', finishedAt: NOW });
    expect(await loadUnneeded(store.db)).toEqual(['alc-spare']);
  });
});

describe('a standby takes over', () => {
  const lost = {
    state: 'releasing',
    releasingAt: NOW,
    endReason: 'provider-down',
    leaseUntil: after(6_000),
  } as const;
  const promotion = {
    jobId: 'job-1',
    jobVersion: 1,
    standbyId: 'alc-spare',
    allocationId: 'alc-new',
    restoredCheckpoint: null,
    decisionId: 'dec-1',
    decision: '{}',
  };
  const promote = (at: Date, over: Partial<typeof promotion> = {}) =>
    store.transaction((tx) => applyPromotions(tx, at, TERMS, [{ ...promotion, ...over }]));
  const now = after(10_000);

  test('where it stands, as soon as the lost run is over: what it holds passes over, and the bill is split', async () => {
    await guarded('standby', { state: 'queued', home: 'pangyo' }, lost, { poolGpus: 8 });
    expect(await loadPromotable(store.db, after(9_500))).toMatchObject([
      {
        jobId: 'job-1',
        standby: { id: 'alc-spare', provider: 'gwangju', priceMicrosPerHour: 40_000_000_000n },
      },
    ]);
    expect(await promote(now)).toEqual(new Set(['alc-new']));
    expect(await job()).toMatchObject({
      state: 'provisioning',
      currentAllocationId: 'alc-new',
      attempts: 2,
      version: 2,
    });
    expect(await allocation('alc-new')).toMatchObject({
      state: 'submitting',
      role: 'run',
      slot: 0,
      purpose: 'failover',
      tookOver: 'alc-spare',
      provider: 'gwangju',
      attempt: 2,
      poolGpus: 8,
      leaseUntil: after(16_000),
    });
    expect(await allocation('alc-spare')).toMatchObject({
      state: 'released',
      endReason: 'promoted',
      releasedAt: now,
      meteredSeconds: 10,
    });
    expect(await used()).toBe(1);
    expect(await store.db.select().from(decisions)).toMatchObject([
      { allocationId: 'alc-new', inputId: null },
    ]);
    expect(await told()).toEqual([
      ['allocation.released', 'promoted'],
      ['job.provisioning', 'placed'],
    ]);
    expect(await promote(now, { allocationId: 'alc-2' })).toEqual(new Set());
  });

  test.each([
    ['the lost run may still run', after(6_400), {}, {}],
    ['the job is not queued', now, { state: 'running' as const }, {}],
    ['the job changed', now, { version: 2 }, {}],
    ['it is not ready', now, {}, { startedAt: null }],
    ['it is not live', now, {}, { state: 'releasing' as const }],
  ])('never while %s', async (_, at, jobMore, spare) => {
    await guarded('standby', { state: 'queued', ...jobMore }, lost, spare);
    expect(await promote(at)).toEqual(new Set());
    expect(await allocation('alc-new')).toBeUndefined();
  });

  test('never where its provider is given up, too; and the job is placed like any other then', async () => {
    await guarded('standby', { state: 'queued' }, lost);
    expect(await loadQueued(store.db, new Map(), 10, 500)).toMatchObject([
      { standbyAt: 'gwangju', apartFrom: ['gwangju'] },
    ]);
    await store.db.update(providers).set({ health: 'down' }).where(eq(providers.name, 'gwangju'));
    expect(await promote(now)).toEqual(new Set());
    expect(await loadPromotable(store.db, now)).toEqual([]);
    expect((await loadQueued(store.db, new Map(), 10, 500))[0]).not.toHaveProperty('standbyAt');
  });

  test('once, however many replicas see to it', async () => {
    await guarded('standby', { state: 'queued' }, lost);
    const all = await Promise.all(
      ['a', 'b', 'c'].map((n) => promote(now, { allocationId: `alc-${n}`, decisionId: n })),
    );
    expect(all.filter(({ size }) => size === 1)).toHaveLength(1);
    expect(await used()).toBe(1);
  });
});

describe('a replica goes on as the run', () => {
  const gone: Change[] = [
    { kind: 'releasing', allocationId: 'alc-run', endReason: 'provider-down', detail: null },
    {
      kind: 'job',
      jobId: 'job-1',
      allocationId: 'alc-run',
      to: 'queued',
      reason: 'provider-down',
      detail: null,
      requeue: { notBefore: null, avoid: null, moveTo: null, failedStart: false, toReplica: true },
    },
  ];
  const lose = () => store.transaction((tx) => applyChanges(tx, after(1_000), TERMS, gone));

  test('at once: the job is not queued, and what was the run is on its way out', async () => {
    await guarded('active');
    expect(await lose()).toMatchObject({ takenOver: 1, jobs: {} });
    expect(await job()).toMatchObject({
      state: 'running',
      reason: 'taken-over',
      currentAllocationId: 'alc-spare',
    });
    expect(await allocation('alc-spare')).toMatchObject({ role: 'run', slot: 0, state: 'active' });
    expect(await allocation('alc-run')).toMatchObject({ role: 'run', state: 'releasing' });
    expect(await loadUnguarded(store.db, 10)).toMatchObject([{ slot: 1, standsByFor: 'gwangju' }]);
  });

  test.each([
    ['does not run', { startedAt: null, state: 'submitting' as const }],
    ['is on its way out', { state: 'releasing' as const, releasingAt: NOW }],
  ])('not one that %s: then the job is queued', async (_, spare) => {
    await guarded('active', {}, {}, spare);
    expect(await lose()).toMatchObject({ takenOver: 0, jobs: { queued: 1 } });
    expect(await job()).toMatchObject({ state: 'queued', currentAllocationId: 'alc-run' });
  });

  test('whose run went in the moment in which it took over is found, and queued or switched again', async () => {
    await guarded('active', {}, { state: 'released', releasedAt: NOW });
    expect(await loadLostRuns(store.db)).toEqual([{ jobId: 'job-1', allocationId: 'alc-run' }]);
    await store.db
      .update(allocations)
      .set({ state: 'active', releasedAt: null })
      .where(eq(allocations.id, 'alc-run'));
    expect(await loadLostRuns(store.db)).toEqual([]);
  });

  test('not one whose provider is given up; when another one runs later, the queued job goes on there', async () => {
    await guarded('active');
    await store.db.update(providers).set({ health: 'down' }).where(eq(providers.name, 'gwangju'));
    await lose();
    expect((await job()).state).toBe('queued');
    expect(await loadLostRuns(store.db)).toEqual([{ jobId: 'job-1', allocationId: 'alc-run' }]);
  });
});
