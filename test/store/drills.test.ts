import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { applyChanges } from '../../src/store/apply/changes.ts';
import { cutOff, declareCuts, endCuts } from '../../src/store/apply/cuts.ts';
import { insertDrill, otherDrillOn } from '../../src/store/apply/drills.ts';
import { insertVerifications } from '../../src/store/apply/verifications.ts';
import { loadCuts } from '../../src/store/load/cuts.ts';
import { loadDueDrills, loadEndangered, loadScope } from '../../src/store/load/drills.ts';
import { loadStateAt } from '../../src/store/load/world.ts';
import { readLegs } from '../../src/store/read/moves.ts';
import { readVerifiedPairs } from '../../src/store/read/verifications.ts';
import { allocations, drills, jobs, providerHealth, providers } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { drillSpec } from '../core/drill-facts.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW, TERMS } from './rows.ts';

const LEASE = 6;
const after = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
let store: Store;
onGround(4, (opened) => {
  store = opened;
});

const drill = (id: string, more: Partial<typeof drills.$inferInsert> = {}) =>
  store.transaction((tx) =>
    insertDrill(tx, {
      id,
      state: 'running',
      mode: 'parallel',
      spec: drillSpec(),
      providers: ['pangyo'],
      createdBy: 'key-1',
      createdRole: 'operator',
      createdAt: NOW,
      startedAt: NOW,
      ...more,
    }),
  );
const runs = async (n: number, more: object = {}) => {
  const spec = { continuity: { mode: 'restart', rtoSeconds: 60 }, ...more } as never;
  await store.db
    .insert(jobs)
    .values(jobRow(`job-${n}`, { state: 'running', currentAllocationId: `alc-${n}`, spec, startedAt: NOW }));
  await store.db
    .insert(allocations)
    .values(allocationRow(`alc-${n}`, `job-${n}`, 1, { state: 'active', startedAt: NOW }));
};
const heard = (at: Date) => store.db.update(providers).set({ lastContactAt: at });
const cut = (at: Date, untilAt: Date, allocationId: string | null = 'alc-1') =>
  store.transaction((tx) =>
    cutOff(tx, at, LEASE, [{ drillId: 'drl-1', provider: 'pangyo', allocationId, untilAt }]),
  );
const give = (at: Date, ...ids: string[]) =>
  store.transaction((tx) =>
    applyChanges(
      tx,
      at,
      TERMS,
      ids.map((allocationId) => ({
        kind: 'releasing',
        allocationId,
        endReason: 'provider-down',
        detail: null,
      })),
    ),
  );
const leaseOf = async (id: string) =>
  (await store.db.select().from(allocations).where(eq(allocations.id, id)))[0]?.leaseUntil;

beforeEach(async () => {
  await store.db.execute(
    sql`truncate allocations, jobs, drills, drill_jobs, drill_cuts, verifications, provider_health cascade`,
  );
  await store.db.delete(providers).where(eq(providers.name, 'gwangju'));
  await store.db.update(providers).set({ health: 'healthy', agentVersion: '1.0.0', lastContactAt: NOW });
});

describe('a cut', () => {
  beforeEach(async () => {
    await drill('drl-1');
    await runs(1);
    await runs(2);
  });

  test('holds from its beginning to its end, whoever may be alive', async () => {
    await cut(after(1), after(60));
    const seen = async (at: Date) => [...(await loadCuts(store.db, at, 'pangyo')).cut];
    expect(await seen(after(0.9))).toEqual([]);
    expect(await seen(after(1))).toEqual(['alc-1']);
    expect(await seen(after(59.9))).toEqual(['alc-1']);
    expect(await seen(after(60))).toEqual([]);
    expect((await loadCuts(store.db, after(2), 'gwangju')).cut.size).toBe(0);
  });

  test('is over when it is ended, and ending it again changes nothing', async () => {
    await cut(after(1), after(60), null);
    expect((await loadCuts(store.db, after(5), 'pangyo')).whole).toBe(true);
    expect(await store.transaction((tx) => endCuts(tx, after(5), 'drl-1'))).toBe(1);
    expect(await store.transaction((tx) => endCuts(tx, after(9), 'drl-1'))).toBe(0);
    expect((await loadCuts(store.db, after(5), 'pangyo')).whole).toBe(false);
  });

  test('wakes whoever waits for orders', async () => {
    const version = async () => (await store.db.select().from(providers))[0]?.ordersVersion ?? 0;
    const before = await version();
    await cut(after(1), after(60));
    expect(await version()).toBe(before + 1);
  });

  test('leaves a lease as it was, while others are renewed by every contact', async () => {
    await heard(after(3));
    await cut(after(3.5), after(60));
    await heard(after(8));
    await give(after(8.5), 'alc-1', 'alc-2');
    expect(await leaseOf('alc-1')).toEqual(after(3 + LEASE));
    expect(await leaseOf('alc-2')).toEqual(after(8 + LEASE));
  });

  test('counts no more for a lease when it is over', async () => {
    await heard(after(3));
    await cut(after(3.5), after(5));
    await heard(after(8));
    await give(after(8.5), 'alc-1');
    expect(await leaseOf('alc-1')).toEqual(after(8 + LEASE));
  });

  test('ends for an allocation that is released', async () => {
    await cut(after(1), after(60));
    await store.db
      .update(allocations)
      .set({ state: 'released', releasedAt: after(2), endReason: 'lost' })
      .where(eq(allocations.id, 'alc-1'));
    expect((await loadCuts(store.db, after(3), 'pangyo')).cut.size).toBe(0);
  });

  test('tells when a move began, and not some verdict of long ago', async () => {
    await store.db.insert(providerHealth).values({
      provider: 'pangyo',
      at: after(-86_400),
      source: 'verdict',
      state: 'down',
      reason: 'silent',
      lastContactAt: after(-86_405),
    });
    await cut(after(1), after(60));
    await give(after(6), 'alc-1');
    await store.transaction((tx) => declareCuts(tx, after(6), 'drl-1', ['alc-1', 'alc-9']));
    expect((await readLegs(store.db, 'job-1'))[0]?.verdict).toEqual({
      lastContactAt: after(1),
      suspectedAt: null,
      downAt: after(6),
    });
  });
});

describe('a drill', () => {
  test('is in nobody’s way but for its providers, while it goes on', async () => {
    const other = (names: string[], armedBy: Date | null = null) =>
      store.transaction((tx) => otherDrillOn(tx, 'drl-9', names, armedBy));
    expect(await other(['pangyo'])).toBeNull();
    await drill('drl-1', { state: 'planned', startsAt: after(5) });
    expect(await other(['pangyo'])).toBeNull();
    expect(await other(['pangyo'], after(4))).toBeNull();
    expect(await other(['pangyo'], after(5))).toBe('drl-1');
    await store.db.update(drills).set({ state: 'running' });
    expect(await other(['pangyo'])).toBe('drl-1');
    expect(await other(['gwangju'])).toBeNull();
    await store.db.update(drills).set({ mode: 'tabletop' });
    expect(await other(['pangyo'])).toBeNull();
    await store.db.update(drills).set({ mode: 'full', state: 'passed', finishedAt: after(9) });
    expect(await other(['pangyo'])).toBeNull();
  });

  test('is due when it goes on, or its time has come', async () => {
    await drill('drl-1', { state: 'planned', startsAt: after(5) });
    await drill('drl-2', { state: 'planned', startsAt: null });
    await drill('drl-3', { state: 'restoring' });
    await drill('drl-4', { state: 'passed', finishedAt: NOW });
    const due = async (at: Date) => (await loadDueDrills(store.db, at)).map(({ id }) => id);
    expect(await due(after(4))).toEqual(['drl-3']);
    expect(await due(after(5))).toEqual(['drl-1', 'drl-3']);
  });

  test('is about what runs there, and about no canary', async () => {
    await runs(1);
    await runs(2, { continuity: { mode: 'none' } });
    await runs(3);
    await store.db.update(jobs).set({ drillId: 'drl-0' }).where(eq(jobs.id, 'job-3'));
    await runs(4);
    await store.db.update(jobs).set({ state: 'queued' }).where(eq(jobs.id, 'job-4'));
    expect(await loadScope(store.db, ['pangyo'])).toEqual([
      {
        jobId: 'job-1',
        allocationId: 'alc-1',
        provider: 'pangyo',
        mode: 'restart',
        rtoSeconds: 60,
        rpoSeconds: null,
      },
      {
        jobId: 'job-2',
        allocationId: 'alc-2',
        provider: 'pangyo',
        mode: 'none',
        rtoSeconds: null,
        rpoSeconds: null,
      },
    ]);
  });

  test('knows who would fail with a provider that it has cut off', async () => {
    await drill('drl-1');
    await runs(1);
    await runs(2, { continuity: { mode: 'none' } });
    const endangered = (at: Date) => loadEndangered(store.db, at, 'drl-1');
    expect(await endangered(after(2))).toEqual([]);
    await cut(after(1), after(60), null);
    expect(await endangered(after(2))).toEqual(['job-2']);
    await store.db.update(providers).set({ health: 'down' });
    expect(await endangered(after(2))).toEqual([]);
  });
});

describe('what was proved', () => {
  const proof = (jobId: string, more: object = {}) => ({
    jobId,
    drillId: 'drl-1',
    mode: 'restart' as const,
    from: 'pangyo',
    to: 'gwangju',
    gpu: 'H100',
    rtoSeconds: 8,
    rpoSeconds: 4,
    verifiedAt: NOW,
    validUntil: after(1_000),
    fromVersion: '1.0.0',
    toVersion: '1.0.0',
    ...more,
  });
  beforeEach(async () => {
    const [pangyo] = await store.db.select().from(providers);
    if (pangyo !== undefined) await store.db.insert(providers).values({ ...pangyo, name: 'gwangju' });
    await drill('drl-1');
    await store.transaction((tx) => insertVerifications(tx, [proof('job-1')]));
  });
  const down = (provider: string, at: Date) =>
    store.db
      .insert(providerHealth)
      .values({ provider, at, source: 'verdict', state: 'down', reason: 'silent', lastContactAt: null });
  const pairs = (at: Date) => readVerifiedPairs(store.db, at);

  test('reaches the world that jobs are placed in', async () => {
    const asked = { currency: 'KRW', defaults: { dataGrades: [], capacityClasses: [], gpuSpeeds: [] } };
    const at = async (now: Date) => {
      const { providers: known, verifiedPairs } = await loadStateAt(store, { ...asked, now });
      return { until: known.map(({ name, verifiedUntil }) => [name, verifiedUntil]), verifiedPairs };
    };
    expect(await at(after(1))).toEqual({
      until: [
        ['gwangju', null],
        ['pangyo', after(1_000)],
      ],
      verifiedPairs: [{ from: 'pangyo', to: 'gwangju', mode: 'restart', gpu: 'H100', until: after(1_000) }],
    });
    expect(await at(after(1_000))).toEqual({
      until: [
        ['gwangju', null],
        ['pangyo', null],
      ],
      verifiedPairs: [],
    });
  });

  test('is void when a provider is given up, but not when a drill did it', async () => {
    await cut(after(100), after(120), null);
    await down('pangyo', after(105));
    await down('pangyo', after(121));
    expect(await pairs(after(200))).toHaveLength(1);
    await down('gwangju', after(110));
    expect(await pairs(after(200))).toEqual([]);
  });

  test('is void for a silence while single allocations were cut off, as that was no drill', async () => {
    await runs(1);
    await cut(after(100), after(120));
    await down('pangyo', after(105));
    expect(await pairs(after(200))).toEqual([]);
  });

  test('is void with another major version', async () => {
    await store.db.update(providers).set({ agentVersion: '2.0.0' }).where(eq(providers.name, 'gwangju'));
    expect(await pairs(after(1))).toEqual([]);
  });
});
