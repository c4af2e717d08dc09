import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Policies } from '../../src/core/policy.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import { rulesSeen, worldOf } from '../../src/core/world.ts';
import type { TermsCache } from '../../src/store/load/terms.ts';
import { loadWorld, type LoadedWorld } from '../../src/store/load/world.ts';
import {
  allocations,
  exchangeRates,
  jobs,
  offers,
  organizations,
  policies,
  pools,
  projects,
  providers,
} from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { onGround, somebodyWaits } from './ground.ts';
import { allocationRow, jobRow, NOW } from './rows.ts';

const before = (ms: number) => new Date(NOW.getTime() - ms);
const DEFAULTS: Policies = {
  dataGrades: [],
  capacityClasses: [{ name: 'big', members: [], note: 'ours' }],
  gpuSpeeds: [{ model: 'H100', speed: 2, note: 'ours' }],
};

let store: Store;
onGround(4, (opened) => {
  store = opened;
});
const load = (cache: TermsCache = new Map(), now = NOW): Promise<LoadedWorld> =>
  loadWorld(store, cache, { now, currency: 'KRW', defaults: DEFAULTS });
const world = async () => {
  const { terms, state } = await load();
  return worldOf(terms, state);
};

beforeEach(async () => {
  await store.db.execute(sql`truncate allocations, jobs, exchange_rates, policies cascade`);
  await store.db.update(offers).set({ used: 0, capacity: 2, pool: null, withdrawnAt: null });
  await store.db.delete(pools);
  await store.db.update(organizations).set({ rules: null, rulesVersion: 0 });
  await store.db.update(projects).set({ rules: null, rulesVersion: 0 });
  await store.db.update(providers).set({ attestedAt: null });
});

describe('the world is', () => {
  test('what is sold and how much of it is in use', async () => {
    await store.db.insert(pools).values({
      provider: 'pangyo',
      name: 'dc',
      gpus: 64,
      memoryMiB: 3_000_000_000,
      usedGpus: 8,
      usedMemoryMiB: 2_500_000_000,
    });
    await store.db.update(offers).set({ used: 1, pool: 'dc' });
    const { offers: sold, pools: owned, currency, now } = await world();
    expect(sold).toMatchObject([
      {
        provider: 'pangyo',
        name: 'h100',
        used: 1,
        capacity: 2,
        pool: 'dc',
        priceMicrosPerHour: 40_000_000_000n,
      },
    ]);
    expect(owned).toEqual([
      {
        provider: 'pangyo',
        name: 'dc',
        gpus: 64,
        cpuMillis: null,
        memoryMiB: 3_000_000_000,
        usedGpus: 8,
        usedCpuMillis: 0,
        usedMemoryMiB: 2_500_000_000,
      },
    ]);
    expect([currency, now]).toEqual(['KRW', NOW]);
  });

  test('without what is withdrawn, also where it is still in use', async () => {
    await store.db.update(offers).set({ used: 1, withdrawnAt: NOW });
    expect((await world()).offers).toEqual([]);
  });

  test('providers as they are now, vouched for or not', async () => {
    expect((await world()).providers).toMatchObject([
      { name: 'pangyo', attested: false, multiNode: false, verifiedUntil: null, recentRefusals: 0 },
    ]);
    await store.db.update(providers).set({ attestedAt: NOW });
    expect((await world()).providers).toMatchObject([{ name: 'pangyo', attested: true }]);
  });

  test('rules of those who have any, with the versions that a placement is guarded by', async () => {
    const strict = { ...NO_RULES, dataGrade: 'sensitive' as const };
    await store.db.update(organizations).set({ rules: strict, rulesVersion: 3 });
    // Set once and taken back.
    await store.db.update(projects).set({ rules: null, rulesVersion: 2 });
    const { state } = await load();
    expect(state.rules).toEqual({ organizations: new Map([['nia', strict]]), projects: new Map() });
    expect(rulesSeen(state, 'nia', 'kogpt')).toEqual({
      organizationRulesVersion: 3,
      projectRulesVersion: 2,
    });
    expect(rulesSeen(state, 'kisti', 'weather')).toEqual({
      organizationRulesVersion: 0,
      projectRulesVersion: 0,
    });
  });

  test('policies as they were put, and the default of the others', async () => {
    const body = [{ model: 'H100', speed: 3, note: 'theirs' }];
    await store.db
      .insert(policies)
      .values({ name: 'gpu-speeds', body, updatedAt: NOW, updatedBy: 'key-test' });
    expect((await world()).policies).toEqual({ ...DEFAULTS, gpuSpeeds: body });
  });

  test('what a provider refused or lost in the last ten minutes, and nothing else', async () => {
    const released = (
      n: number,
      agoMs: number,
      outcome: 'exited' | 'stopped' | 'refused' | 'lost' | 'lease-expired',
    ) => allocationRow(`alc-${n}`, 'job-1', n, { state: 'released', releasedAt: before(agoMs), outcome });
    await store.db.insert(jobs).values(jobRow('job-1'));
    await store.db
      .insert(allocations)
      .values([
        released(1, 1_000, 'refused'),
        released(2, 599_000, 'lost'),
        released(3, 60_000, 'lease-expired'),
        released(4, 601_000, 'lost'),
        released(5, 1_000, 'exited'),
        released(6, 1_000, 'stopped'),
      ]);
    expect((await world()).providers.map(({ name, recentRefusals }) => [name, recentRefusals])).toEqual([
      ['pangyo', 3],
    ]);
  });

  test('the newest rate that holds already', async () => {
    const rate = (asOf: Date, rateMicros: bigint) => ({ currency: 'USD', asOf, rateMicros, createdAt: NOW });
    await store.db
      .insert(exchangeRates)
      .values([
        rate(before(2_000), 1_300_000_000n),
        rate(before(1_000), 1_400_000_000n),
        rate(before(-1_000), 1n),
      ]);
    expect((await world()).rates).toEqual(new Map([['USD', 1_400_000_000n]]));
  });

  test('of one moment: what is committed while it is read is not half in it', async () => {
    const reading = Promise.withResolvers<LoadedWorld>();
    await store.transaction(async (tx) => {
      // The load has read the providers, and their versions, when it comes to wait for this.
      await tx.execute(sql`lock table offers`);
      load().then(reading.resolve, reading.reject);
      await somebodyWaits(tx);
      await tx.update(providers).set({ offersVersion: sql`offers_version + 1` });
      await tx.update(offers).set({ capacity: 9, used: 9 });
    });
    const { terms, state } = await reading.promise;
    expect(worldOf(terms, state).offers).toMatchObject([{ capacity: 2, used: 0 }]);
    expect((await world()).offers).toMatchObject([{ capacity: 9, used: 9 }]);
  });
});
