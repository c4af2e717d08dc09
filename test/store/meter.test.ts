import { eq, sql } from 'drizzle-orm';
import { beforeEach, expect, test } from 'vitest';
import { costMicros } from '../../src/core/money.ts';
import { settle } from '../../src/store/apply/settle.ts';
import { allocations, jobs, providers } from '../../src/store/schema.ts';
import type { AllocationRow, Store } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW, TERMS } from './rows.ts';

const after = (ms: number) => new Date(NOW.getTime() + ms);

let store: Store;
onGround(4, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.execute(sql`truncate allocations, jobs cascade`);
  await store.db.update(providers).set({ lastContactAt: null });
});

async function running(more: Partial<AllocationRow>): Promise<void> {
  await store.db.insert(jobs).values(jobRow('job-1'));
  await store.db.insert(allocations).values(
    allocationRow('alc-1', 'job-1', 1, {
      state: 'active',
      startedAt: NOW,
      leaseUntil: after(600_000),
      ...more,
    }),
  );
}
const meter = (now: Date) => store.transaction((tx) => settle(tx, now, TERMS, ['alc-1']));
const bill = async () => {
  const [row] = await store.db.select().from(allocations).where(eq(allocations.id, 'alc-1'));
  expect(row!.chargedMicros).toBe(costMicros(row!.priceMicrosPerHour, row!.meteredSeconds));
  return row!.meteredSeconds;
};

test('whole seconds since the start, begun ones counted, the same however often it is asked', async () => {
  await running({});
  await meter(after(1_500));
  expect(await bill()).toBe(2);
  await meter(after(1_500));
  await meter(after(7_000));
  expect(await bill()).toBe(7);
});

test('a replica whose clock is behind takes nothing back', async () => {
  await running({});
  await meter(after(9_000));
  await meter(after(4_000));
  expect(await bill()).toBe(9);
});

test('what has not started costs nothing, and what is released costs what it ran for', async () => {
  await running({ startedAt: null });
  await meter(after(9_000));
  expect(await bill()).toBe(0);
  await store.db.update(allocations).set({ state: 'released', releasedAt: after(1_000), startedAt: NOW });
  await meter(after(9_000));
  expect(await bill()).toBe(1);
});

test('a silent provider is paid up to its lease: from its last contact while it is live, its own when fenced', async () => {
  await running({ leaseUntil: after(2_000) });
  await store.db.update(providers).set({ lastContactAt: after(3_000) });
  await meter(after(60_000));
  expect(await bill()).toBe(9);
  await store.db.update(allocations).set({ state: 'releasing', leaseUntil: after(9_000) });
  await store.db.update(providers).set({ lastContactAt: after(50_000) });
  await meter(after(60_000));
  expect(await bill()).toBe(9);
});
