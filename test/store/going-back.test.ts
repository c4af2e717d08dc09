import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { struckRankOf } from '../../src/core/queue-rank.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import type { Deps } from '../../src/deps.ts';
import { failbackPass } from '../../src/flows/failback.ts';
import { preemptPass } from '../../src/flows/preempt.ts';
import { createMetrics } from '../../src/metrics.ts';
import { allocations, audit, jobs, offers, projects, providers } from '../../src/store/schema.ts';
import type { JobRow, Store } from '../../src/store/store.ts';
import { specOf, type SpecParts } from '../core/placement-world.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW, TERMS } from './rows.ts';

/** What is asked of the market after a disaster: the way home, and room for what must not stop. */
let store: Store;
onGround(4, (opened) => {
  store = opened;
});
const after = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);

beforeEach(async () => {
  await store.db.execute(sql`truncate events, decisions, decision_inputs, allocations, jobs, audit cascade`);
  await store.db.execute(sql`delete from offers where provider <> 'pangyo'`);
  await store.db.execute(sql`delete from providers where name <> 'pangyo'`);
  const [first] = await store.db.select().from(providers);
  const [offer] = await store.db.select().from(offers);
  await store.db.insert(providers).values({ ...first!, name: 'gwangju', vendor: 'nuri' });
  await store.db.insert(offers).values({ ...offer!, provider: 'gwangju' });
  await store.db.update(providers).set({
    mode: 'active',
    health: 'healthy',
    healthSince: NOW,
    lastContactAt: NOW,
    offersVersion: sql`offers_version + 1`,
  });
  await store.db.update(offers).set({ capacity: 1, used: 0 });
  await store.db.update(projects).set({ rules: null });
});

let ids = 0;
const depsAt = (now: Date): Deps =>
  ({
    clock: { now: () => now, sleep: () => Promise.resolve() },
    ids: { next: (kind: string) => `${kind}-${String((ids += 1)).padStart(6, '0')}`, secret: () => '' },
    store,
    config: { currency: 'KRW' },
    timing: DEFAULT_TIMING,
    terms: TERMS,
    metrics: createMetrics({ process: false }),
    watch: { changed: () => undefined },
    bell: { ring: () => undefined },
  }) as unknown as Deps;

const running = async (id: string, provider: string, parts: SpecParts, more: Partial<JobRow> = {}) => {
  const spec = specOf({ resources: { gpu: { count: 8 } }, ...parts });
  const state = {
    state: 'running',
    startedAt: NOW,
    currentAllocationId: `alc-${id}`,
    attempts: 1,
    spec,
  } as const;
  await store.db.insert(jobs).values(jobRow(id, { ...state, ...more }));
  await store.db
    .insert(allocations)
    .values(allocationRow(`alc-${id}`, id, 1, { provider, state: 'active', startedAt: NOW }));
  await store.db
    .update(offers)
    .set({ used: sql`used + 1` })
    .where(eq(offers.provider, provider));
};
const job = async (id: string) => (await store.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
const actions = async () =>
  (await store.db.select().from(audit)).map(({ action, target }) => [action, target]);

describe('going home', () => {
  const away = (failback: 'auto' | 'manual') =>
    running('job-1', 'gwangju', { continuity: { failback } }, { home: 'pangyo' });
  const well = after(DEFAULT_TIMING.failbackAfterMs / 1_000 + 1);

  test('a job goes back by itself once home has been well for long enough, with its grace and in the audit', async () => {
    await away('auto');
    expect(await failbackPass(depsAt(after(60)))).toBe(0);
    expect(await failbackPass(depsAt(well))).toBe(1);
    expect(await job('job-1')).toMatchObject({
      state: 'queued',
      reason: 'failback',
      moveTo: 'pangyo',
      home: 'pangyo',
    });
    const [allocation] = await store.db.select().from(allocations);
    expect(allocation).toMatchObject({ state: 'releasing', endReason: 'failback' });
    expect(await actions()).toEqual([['job.failback', 'job-1']]);
    expect(await failbackPass(depsAt(well))).toBe(0);
  });

  test.each([
    ['nobody asked for that', 'manual', {}, {}],
    ['home is down', 'auto', { health: 'down' }, {}],
    ['home is drained', 'auto', { mode: 'draining' }, {}],
    ['there is no room at home', 'auto', {}, { used: 1 }],
  ] as const)(
    'not while %s: nothing is stopped for a place that is not there',
    async (_, failback, home, offer) => {
      await away(failback);
      if (Object.keys(home).length > 0)
        await store.db.update(providers).set(home).where(eq(providers.name, 'pangyo'));
      if (Object.keys(offer).length > 0)
        await store.db.update(offers).set(offer).where(eq(offers.provider, 'pangyo'));
      expect(await failbackPass(depsAt(well))).toBe(0);
      expect((await job('job-1')).state).toBe('running');
    },
  );
});

describe('making room', () => {
  const rank = struckRankOf(0, true, null);
  const struck = async () => {
    await store.db.update(providers).set({ health: 'down' }).where(eq(providers.name, 'pangyo'));
    const spec = specOf({ resources: { gpu: { count: 8 } }, continuity: { mode: 'standby' } });
    await store.db
      .insert(jobs)
      .values(
        jobRow('job-vital', { spec, spares: 1, queueRank: rank, reason: 'provider-down', attempts: 1 }),
      );
  };
  const allow = (preemptible: boolean) =>
    store.db.update(projects).set({ rules: { ...NO_RULES, preemptible } });

  test('ordinary work is saved, stopped and queued again, once, where its project lets it', async () => {
    await running('job-plain', 'gwangju', {});
    await struck();
    await allow(true);
    expect(await preemptPass(depsAt(after(10)))).toBe(1);
    expect(await job('job-plain')).toMatchObject({ state: 'queued', reason: 'preempted' });
    expect((await job('job-plain')).reasonDetail).toContain('job-vital');
    expect(await actions()).toEqual([['job.preempt', 'job-plain']]);
    // Its room is about to be there.
    expect(await preemptPass(depsAt(after(11)))).toBe(0);
  });

  test.each([
    ['its project does not let it', false, {}],
    ['it must not stop either', true, { spares: 1 }],
  ])('not where %s', async (_, allowed, more) => {
    await running('job-plain', 'gwangju', {}, more);
    await struck();
    await allow(allowed);
    expect(await preemptPass(depsAt(after(10)))).toBe(0);
    expect((await job('job-plain')).state).toBe('running');
  });

  test('not for what no disaster struck', async () => {
    await running('job-plain', 'gwangju', {});
    await struck();
    await allow(true);
    await store.db.update(jobs).set({ queueRank: 1 }).where(eq(jobs.id, 'job-vital'));
    expect(await preemptPass(depsAt(after(10)))).toBe(0);
  });
});
