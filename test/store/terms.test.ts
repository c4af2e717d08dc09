import { and, eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { worldOf } from '../../src/core/world.ts';
import { loadWorldProviders } from '../../src/store/load/state.ts';
import { loadTerms, type TermsCache } from '../../src/store/load/terms.ts';
import { loadWorld } from '../../src/store/load/world.ts';
import { offers, pools, providers } from '../../src/store/schema.ts';
import { snapshot } from '../../src/store/snapshot.ts';
import { openStore, type Store, type Tx } from '../../src/store/store.ts';
import { withDatabase } from '../harness/server.ts';
import { seeded, type Random } from '../sim/random.ts';
import { onGround } from './ground.ts';
import { NOW } from './rows.ts';

let store: Store;
onGround(8, (opened) => {
  store = opened;
});

const ASKED = {
  now: NOW,
  currency: 'KRW',
  defaults: { dataGrades: [], capacityClasses: [], gpuSpeeds: [] },
};
const load = (cache: TermsCache, from: Store = store) => loadWorld(from, cache, ASKED);
/** As somebody sees it who never looked before. */
const fresh = async () => (await load(new Map())).terms;

beforeEach(async () => {
  await store.db.delete(offers);
  await store.db.delete(pools);
  await store.db.delete(providers).where(eq(providers.name, 'busan'));
  const [pangyo] = await store.db.select().from(providers);
  await store.db.insert(providers).values({ ...pangyo!, name: 'busan' });
  await store.db.insert(pools).values([pool('pangyo', 'dc'), pool('busan', 'dc')]);
  await store.db.insert(offers).values([offer('pangyo', 'a'), offer('pangyo', 'b'), offer('busan', 'a')]);
});

const pool = (provider: string, name: string) => ({ provider, name, gpus: 64 });
const offer = (provider: string, name: string) => ({
  provider,
  name,
  region: 'kr-central',
  gpuModel: 'H100',
  gpuCount: 8,
  gpuMemoryGiB: 80,
  cpus: 64,
  memoryGiB: 512,
  capacity: 2,
  priceMicrosPerHour: 40_000_000_000n,
  currency: 'KRW',
  updatedAt: NOW,
});
const one = (provider: string, name: string) => and(eq(offers.provider, provider), eq(offers.name, name));

/** As every writer of terms does it: the provider's row first, so that writers take turns, and its version with them. */
const change = (provider: string, work: (tx: Tx) => Promise<unknown>, on: Store = store) =>
  on.transaction(async (tx) => {
    await tx
      .update(providers)
      .set({ offersVersion: sql`offers_version + 1` })
      .where(eq(providers.name, provider));
    await work(tx);
  });

const CHANGES: readonly [string, (tx: Tx) => Promise<unknown>][] = [
  ['a new offer', (tx) => tx.insert(offers).values(offer('pangyo', 'c'))],
  ['another price', (tx) => tx.update(offers).set({ priceMicrosPerHour: 1n }).where(one('pangyo', 'a'))],
  ['a spot price', (tx) => tx.update(offers).set({ spotPriceMicrosPerHour: 1n }).where(one('pangyo', 'a'))],
  ['another capacity', (tx) => tx.update(offers).set({ capacity: 9 }).where(one('pangyo', 'a'))],
  [
    'another day to count from',
    (tx) => tx.update(offers).set({ effectiveFrom: NOW }).where(one('pangyo', 'a')),
  ],
  ['a withdrawal', (tx) => tx.update(offers).set({ withdrawnAt: NOW }).where(one('pangyo', 'a'))],
  [
    'the last withdrawal',
    (tx) => tx.update(offers).set({ withdrawnAt: NOW }).where(eq(offers.provider, 'pangyo')),
  ],
  ['another pool', (tx) => tx.update(offers).set({ pool: 'dc' }).where(one('pangyo', 'a'))],
  [
    'a pool’s totals',
    (tx) => tx.update(pools).set({ gpus: 1, cpuMillis: 5 }).where(eq(pools.provider, 'pangyo')),
  ],
  ['a new pool', (tx) => tx.insert(pools).values(pool('pangyo', 'lab'))],
];

describe('what was read before is read again', () => {
  test.each(CHANGES)('after %s, and only of that provider', async (_, work) => {
    const cache: TermsCache = new Map();
    const [busan, pangyo] = (await load(cache)).terms;
    await change('pangyo', work);
    const [busanAgain, pangyoAgain] = (await load(cache)).terms;
    expect(busanAgain).toBe(busan);
    expect(pangyoAgain).not.toBe(pangyo);
    expect(pangyoAgain).not.toEqual(pangyo);
    expect([busanAgain, pangyoAgain]).toEqual(await fresh());
  });

  test('not while nothing changed; and what is in use is no change of terms', async () => {
    const cache: TermsCache = new Map();
    const first = await load(cache);
    await store.db.update(offers).set({ used: 1 }).where(one('pangyo', 'a'));
    const second = await load(cache);
    expect(second.terms.map((terms, n) => terms === first.terms[n])).toEqual([true, true]);
    const byName = new Map(
      worldOf(second.terms, second.state).offers.map((o) => [`${o.provider}/${o.name}`, o]),
    );
    expect(byName.get('pangyo/a')?.used).toBe(1);
    // What is not in use goes into the world as it is, not as a copy.
    expect(byName.get('pangyo/b')).toBe(second.terms[1]?.offers[1]);
  });

  test('of a provider that is new', async () => {
    const cache: TermsCache = new Map();
    await load(cache);
    const [pangyo] = await store.db.select().from(providers).where(eq(providers.name, 'pangyo'));
    await store.db.insert(providers).values({ ...pangyo!, name: 'daegu', offersVersion: 0 });
    expect((await load(cache)).terms.map(({ provider }) => provider)).toEqual(['busan', 'daegu', 'pangyo']);
    await store.db.delete(providers).where(eq(providers.name, 'daegu'));
    expect((await load(cache)).terms.map(({ provider }) => provider)).toEqual(['busan', 'pangyo']);
  });
});

test('a slow load gives what its own snapshot saw, and does not put that back for the others', async () => {
  const cache: TermsCache = new Map();
  const old = await fresh();
  const quick = await snapshot(store, async (tx) => {
    const rows = await loadWorldProviders(tx);
    await change('pangyo', (other) => other.update(offers).set({ capacity: 9 }).where(one('pangyo', 'a')));
    const { terms } = await load(cache);
    expect(await loadTerms(tx, cache, rows)).toEqual(old);
    return terms;
  });
  const next = (await load(cache)).terms;
  expect(next[1]).toBe(quick[1]);
  expect(next).toEqual(await fresh());
});

test.each([1, 2, 3])('two replicas under changes by both never see old terms (seed %i)', async (seed) => {
  const random = seeded(`terms ${seed}`);
  const other = openStore(await urlOf(store), { max: 4 });
  const caches = new Map<Store, TermsCache>([
    [store, new Map()],
    [other, new Map()],
  ]);
  /** By provider and version. */
  const states = new Map<string, string>();
  const write = async (on: Store) => {
    const provider = random.pick(['pangyo', 'busan']);
    const capacity = random.int(0, 1_000_000);
    await change(provider, (tx) => touch(tx, random, provider, capacity), on);
  };
  const look = async (from: Store) => {
    const { terms } = await load(caches.get(from)!, from);
    for (const { provider, version, offers: sold } of terms) {
      const now = JSON.stringify(sold.map(({ name, capacity }) => [name, capacity]));
      // One version is one state of the terms, whoever reads it and whenever.
      expect(now).toBe(states.get(`${provider} ${version}`) ?? now);
      states.set(`${provider} ${version}`, now);
    }
  };
  for (let round = 0; round < 25; round += 1) {
    const from = random.pick([store, other]);
    const work = [write, look, look, look].map((step) => step(random.pick([store, other])));
    await Promise.all(work);
    await look(from);
    expect((await load(caches.get(from)!, from)).terms).toEqual(await fresh());
  }
  await other.close();
});

async function touch(tx: Tx, random: Random, provider: string, capacity: number): Promise<void> {
  const name = random.pick(['a', 'b', 'c']);
  const row = { ...offer(provider, name), capacity };
  const withdrawnAt = random.chance(0.2) ? NOW : null;
  await tx
    .insert(offers)
    .values(row)
    .onConflictDoUpdate({ target: [offers.provider, offers.name], set: { capacity, withdrawnAt } });
}

const urlOf = async (of: Store): Promise<string> => {
  const { rows } = await of.db.execute<{ name: string }>(sql`select current_database() as name`);
  return withDatabase(inject('database').url, rows[0]!.name);
};
