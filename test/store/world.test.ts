import { expect, test } from 'vitest';
import { loadQueue, loadWorld } from '../../src/store/load/placement.ts';
import { allocations, exchangeRates, jobs } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW } from './rows.ts';

const before = (ms: number) => new Date(NOW.getTime() - ms);

let store: Store;
onGround(4, (opened) => {
  store = opened;
});

test('what a provider refused or lost in the last ten minutes counts against it, and nothing else does', async () => {
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
  const world = await loadWorld(store.db, NOW);
  expect(world.providers.map(({ name, recentRefusals }) => [name, recentRefusals])).toEqual([['pangyo', 3]]);
});

test('the newest rate that holds already is the one that counts', async () => {
  const rate = (asOf: Date, rateMicros: bigint) => ({ currency: 'USD', asOf, rateMicros, createdAt: NOW });
  await store.db
    .insert(exchangeRates)
    .values([
      rate(before(2_000), 1_300_000_000n),
      rate(before(1_000), 1_400_000_000n),
      rate(before(-1_000), 1n),
    ]);
  expect((await loadWorld(store.db, NOW)).rates).toEqual(new Map([['USD', 1_400_000_000n]]));
});

test('the queue is read page by page in its order, each job once', async () => {
  await store.db.delete(allocations);
  await store.db.delete(jobs);
  const rows = Array.from({ length: 23 }, (_, n) =>
    jobRow(`job-${String(n).padStart(2, '0')}`, { priority: [10, 50, 90][n % 3] ?? 0 }),
  );
  await store.db.insert(jobs).values(rows);
  const seen: { id: string; priority: number }[] = [];
  for (let mark = null; ;) {
    const page = await loadQueue(store.db, mark, 5, 500);
    if (page.length === 0) break;
    seen.push(...page);
    mark = page.at(-1)!;
  }
  const expected = rows.toSorted((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  expect(seen.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
});
