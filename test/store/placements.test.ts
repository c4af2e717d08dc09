import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { applyPlacements, applyWaiting, type PlacementRow } from '../../src/store/apply/placements.ts';
import { allocations, decisions, events, jobs, offers, providers } from '../../src/store/schema.ts';
import type { Store, Tx } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW } from './rows.ts';

const LEASE = { seconds: 6, marginMs: 500 };
const after = (ms: number) => new Date(NOW.getTime() + ms);

let store: Store;
onGround(6, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.execute(sql`truncate events, decisions, allocations, jobs`);
  await store.db.update(offers).set({ used: 0, capacity: 2, withdrawnAt: null });
  await store.db.update(providers).set({ mode: 'active', health: 'healthy' });
  await store.db.insert(jobs).values([1, 2, 3].map((n) => jobRow(`job-${n}`)));
});

const plan = (n: number, more: Partial<PlacementRow> = {}): PlacementRow => ({
  decisionId: `dec-${n}`,
  allocationId: `alc-${n}`,
  jobId: `job-${n}`,
  jobVersion: 1,
  provider: 'pangyo',
  offer: 'h100',
  region: 'kr-central',
  spot: false,
  listPriceMicrosPerHour: 40_000_000_000n,
  listCurrency: 'KRW',
  rateMicros: 1_000_000n,
  priceMicrosPerHour: 40_000_000_000n,
  gpuCount: 8,
  graceSeconds: 30,
  restoredCheckpoint: null,
  decision: '{}',
  ...more,
});
const place = (now: Date, ...rows: PlacementRow[]) =>
  store.transaction((tx) => applyPlacements(tx, now, LEASE, rows));
const jobNow = async (id: string) => (await store.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
const used = async () => (await store.db.select().from(offers))[0]!.used;

test('a placement: the job, its allocation with a lease, the claim, the event and the decision are one', async () => {
  expect(await place(after(1_000), plan(1))).toEqual(new Set(['alc-1']));
  expect(await jobNow('job-1')).toMatchObject({
    state: 'provisioning',
    currentAllocationId: 'alc-1',
    attempts: 1,
    version: 2,
  });
  const [made] = await store.db.select().from(allocations);
  expect(made).toMatchObject({
    state: 'submitting',
    attempt: 1,
    placedAt: after(1_000),
    leaseUntil: after(7_000),
  });
  expect(await used()).toBe(1);
  expect((await store.db.select().from(events)).map(({ type }) => type)).toEqual(['job.provisioning']);
  expect((await store.db.select().from(decisions)).map(({ allocationId }) => allocationId)).toEqual([
    'alc-1',
  ]);
});

describe('is dropped as stale', () => {
  const nothing = async () => {
    expect(await place(after(1_000), plan(1))).toEqual(new Set());
    expect(await store.db.select().from(allocations).where(eq(allocations.id, 'alc-1'))).toEqual([]);
    expect((await jobNow('job-1')).attempts).toBe(0);
    expect(await store.db.select().from(events)).toEqual([]);
  };

  test('when the job changed since the plan', async () => {
    await store.db.update(jobs).set({ version: 2 });
    await nothing();
  });
  test('when the job is not queued any more', async () => {
    await store.db.update(jobs).set({ state: 'cancelled', finishedAt: NOW });
    await nothing();
  });
  test.each(['unknown', 'degraded', 'down'] as const)('when the provider became %s', async (health) => {
    await store.db.update(providers).set({ health });
    await nothing();
  });
  test('when the provider began to drain', async () => {
    await store.db.update(providers).set({ mode: 'draining' });
    await nothing();
  });
  test('when the offer is full', async () => {
    await store.db.update(offers).set({ used: 2 });
    await nothing();
  });
  test('when the capacity was lowered', async () => {
    await store.db.update(offers).set({ capacity: 0 });
    await nothing();
  });
  test('when the offer was withdrawn', async () => {
    await store.db.update(offers).set({ withdrawnAt: NOW });
    await nothing();
  });
  test('when its old allocation is live', async () => {
    await store.db.insert(allocations).values(allocationRow('alc-0', 'job-1', 1, { state: 'active' }));
    await nothing();
  });
});

describe('the fence', () => {
  const old = (leaseUntil: Date) =>
    store.db
      .insert(allocations)
      .values(allocationRow('alc-0', 'job-1', 1, { state: 'releasing', leaseUntil }));
  const again = (now: Date) => place(now, plan(1));

  test('holds until the old lease and its margin are over', async () => {
    await store.db.update(jobs).set({ attempts: 1 }).where(eq(jobs.id, 'job-1'));
    await old(after(1_000));
    expect((await again(after(1_500))).size).toBe(0);
    expect((await again(after(1_501))).size).toBe(1);
    expect((await jobNow('job-1')).attempts).toBe(2);
  });
});

test('a plan that puts more on an offer than there is room for places none of it there', async () => {
  expect(await place(after(1_000), plan(1), plan(2), plan(3))).toEqual(new Set());
  expect(await used()).toBe(0);
  expect(await place(after(1_000), plan(1), plan(2))).toEqual(new Set(['alc-1', 'alc-2']));
});

describe('two at once, on two connections', () => {
  /** Starts the second when the first has written and not yet committed. */
  async function overlapping<T>(
    first: (tx: Tx) => Promise<T>,
    second: (tx: Tx) => Promise<T>,
  ): Promise<[T, T]> {
    const written = Promise.withResolvers<void>();
    const one = store.transaction(async (tx) => {
      const result = await first(tx);
      written.resolve();
      // Until the other waits for a lock of ours: that is what this is about.
      for (;;) {
        const { rows } = await tx.execute<{ n: number }>(sql`
          select count(*)::int as n from pg_locks where not granted and pid <> pg_backend_pid()`);
        if ((rows[0]?.n ?? 0) > 0) return result;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    await written.promise;
    return Promise.all([one, store.transaction(second)]);
  }
  const tell = (at: Date, row: PlacementRow) => (tx: Tx) => applyPlacements(tx, at, LEASE, [row]);

  test('one job is placed once', async () => {
    const twin = plan(1, { allocationId: 'alc-9', decisionId: 'dec-9' });
    const placed = await overlapping(tell(after(1_000), plan(1)), tell(after(1_000), twin));
    expect(placed.map(({ size }) => size)).toEqual([1, 0]);
    expect(await used()).toBe(1);
  });

  test('the last place is sold once', async () => {
    await store.db.update(offers).set({ used: 1 });
    const placed = await overlapping(tell(after(1_000), plan(1)), tell(after(1_000), plan(2)));
    expect(placed.map(({ size }) => size)).toEqual([1, 0]);
    expect(await used()).toBe(2);
  });

  test('nothing slips in beside a verdict', async () => {
    const down = async (tx: Tx) => {
      await tx.update(providers).set({ health: 'down' });
      return new Set<string>();
    };
    const placed = await overlapping(down, tell(after(1_000), plan(1)));
    expect(placed.map(({ size }) => size)).toEqual([0, 0]);
  });
});

describe('why a job waits', () => {
  const wait = (reason: string, detail: string, jobVersion = 1) =>
    store.transaction((tx) =>
      applyWaiting(tx, after(1_000), [
        { jobId: 'job-1', jobVersion, reason, detail, decisionId: `dec-${reason}-${detail}`, decision: '{}' },
      ]),
    );

  test('is told once per reason, and its detail kept up to date', async () => {
    await wait('no-capacity', '0 of 2');
    await wait('no-capacity', '0 of 3');
    expect((await jobNow('job-1')).waiting).toEqual({ reason: 'no-capacity', detail: '0 of 3' });
    expect((await store.db.select().from(events)).length).toBe(1);
    expect((await store.db.select().from(decisions)).length).toBe(1);
    await wait('no-match', 'no GPU');
    expect((await store.db.select().from(events)).map(({ reason }) => reason)).toEqual([
      'no-capacity',
      'no-match',
    ]);
  });

  test('of a job that changed meanwhile is stale', async () => {
    await wait('no-capacity', '0 of 2', 7);
    expect((await jobNow('job-1')).waiting).toBeNull();
  });
});
