import { describe, expect, it } from 'vitest';
import type { OfferTerms } from '../../src/core/offer-set.ts';
import { patchOffer, putOffers, withdrawOffers } from '../../src/store/apply/offers.ts';
import { poolsOf, putPools } from '../../src/store/apply/pools.ts';
import { findOffer } from '../../src/store/read/offers.ts';
import { findProvider } from '../../src/store/read/providers.ts';
import type { Store, Tx } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { NOW } from './rows.ts';

let store: Store;
onGround(4, (opened) => (store = opened));

const terms = (name: string, over: Partial<OfferTerms> = {}): OfferTerms => ({
  name,
  region: 'kr-central',
  gpuModel: 'H100',
  gpuCount: 8,
  gpuMemoryGiB: 80,
  gpuFormFactor: null,
  cpus: 64,
  memoryGiB: 512,
  capacity: 2,
  priceMicrosPerHour: 1n,
  spotPriceMicrosPerHour: null,
  currency: 'KRW',
  pool: null,
  effectiveFrom: null,
  listed: null,
  ...over,
});
const pool = { name: 'host', gpus: 8, cpuMillis: 64_000, memoryMiB: null };
const version = async () => (await findProvider(store.db, 'pangyo'))?.offersVersion ?? 0;
/** How much the version rose. */
const rise = async (work: (tx: Tx) => Promise<unknown>): Promise<number> => {
  const before = await version();
  await store.transaction(work);
  return (await version()) - before;
};
const offer = async (name: string) => {
  const view = await findOffer(store.db, { now: NOW, accountingCurrency: 'KRW' }, 'pangyo', name);
  if (view === null) throw new Error(`there is no offer ${name}`);
  return view;
};

describe('every function that writes terms raises the version of what the provider sells', () => {
  it('whatever it writes, in its own transaction', async () => {
    expect(await rise((tx) => putPools(tx, 'pangyo', [pool]))).toBeGreaterThan(0);
    expect(
      await rise((tx) => putOffers(tx, 'pangyo', NOW, [terms('a', { pool: 'host' }), terms('b')])),
    ).toBeGreaterThan(0);
    const { offer: row } = await offer('a');
    expect(await rise((tx) => patchOffer(tx, NOW, row, { capacity: 3 }))).toBeGreaterThan(0);
    expect(await rise((tx) => withdrawOffers(tx, 'pangyo', NOW, ['b']))).toBeGreaterThan(0);
    const before = await version();
    const failing = store.transaction(async (tx) => {
      await putPools(tx, 'pangyo', [{ ...pool, gpus: 16 }]);
      throw new Error('given up');
    });
    await expect(failing).rejects.toThrow('given up');
    expect(await version()).toBe(before);
    expect((await offer('a')).pool).toMatchObject({ gpus: 8 });
  });

  it('and nothing where there is nothing to write', async () => {
    expect(await rise((tx) => putPools(tx, 'pangyo', []))).toBe(0);
    expect(await rise((tx) => putOffers(tx, 'pangyo', NOW, []))).toBe(0);
    expect(await rise((tx) => withdrawOffers(tx, 'pangyo', NOW, []))).toBe(0);
    const { offer: row } = await offer('a');
    expect(await rise((tx) => patchOffer(tx, NOW, { ...row, version: 99 }, { capacity: 1 }))).toBe(0);
  });

  it('and new totals leave alone what is held of a pool', async () => {
    await store.db.execute(`update pools set used_gpus = 7, used_cpu_millis = 5, used_memory_mib = 3`);
    await store.transaction((tx) => putPools(tx, 'pangyo', [{ ...pool, gpus: 4, cpuMillis: null }]));
    const [stored] = await store.transaction((tx) => poolsOf(tx, 'pangyo'));
    expect(stored).toMatchObject({
      gpus: 4,
      cpuMillis: null,
      usedGpus: 7,
      usedCpuMillis: 5,
      usedMemoryMiB: 3,
    });
  });
});
