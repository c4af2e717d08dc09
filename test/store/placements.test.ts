import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { applyPlacements, type PlacementRow } from '../../src/store/apply/placements.ts';
import { applyWaiting } from '../../src/store/apply/waiting.ts';
import {
  allocations,
  decisions,
  events,
  jobs,
  offers,
  organizations,
  policies,
  pools,
  projects,
  providers,
} from '../../src/store/schema.ts';
import type { Store, Tx } from '../../src/store/store.ts';
import { onGround, somebodyWaits } from './ground.ts';
import { allocationRow, jobRow, NOW, TERMS, placementRow } from './rows.ts';

const after = (ms: number) => new Date(NOW.getTime() + ms);

let store: Store;
onGround(6, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.execute(sql`truncate events, decisions, allocations, jobs cascade`);
  await store.db.update(offers).set({
    used: 0,
    capacity: 2,
    withdrawnAt: null,
    pool: null,
    region: 'kr-central',
    gpuModel: 'H100',
    gpuCount: 8,
    gpuFormFactor: null,
    cpus: 64,
  });
  await store.db.delete(pools);
  await store.db.update(organizations).set({ rulesVersion: 0 });
  await store.db.update(projects).set({ rulesVersion: 0 });
  await store.db.update(providers).set({ mode: 'active', health: 'healthy', version: 1 });
  await store.db.delete(policies);
  await store.db.insert(jobs).values([1, 2, 3].map((n) => jobRow(`job-${n}`)));
});

const plan = placementRow;
const place = (now: Date, ...rows: PlacementRow[]) =>
  store.transaction((tx) => applyPlacements(tx, now, TERMS, rows));
const jobNow = async (id: string) => (await store.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
const used = async () => (await store.db.select().from(offers))[0]!.used;
/** A pool that the offer draws on; its limits, and what is left unlimited. */
const given = async (limits: Partial<typeof pools.$inferInsert>) => {
  await store.db.insert(pools).values({ provider: 'pangyo', name: 'dc', gpus: 64, ...limits });
  await store.db.update(offers).set({ pool: 'dc' });
};
const draw = (gpus: number, cpuMillis = 0, memoryMiB = 0) => ({
  draw: { pool: 'dc', gpus, cpuMillis, memoryMiB },
});
const drawn = async () => {
  const [row] = await store.db.select().from(pools);
  return [row!.usedGpus, row!.usedCpuMillis, row!.usedMemoryMiB];
};

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
  expect(await store.db.select().from(decisions)).toMatchObject([
    { allocationId: 'alc-1', inputId: 'inp-1' },
  ]);
});

test('a placement on several nodes holds as many places, and its prices are of all of them', async () => {
  await given({ cpuMillis: 100_000, memoryMiB: 500_000 });
  await place(after(1_000), plan(1, { nodes: 2, ...draw(16, 64_000, 262_144) }));
  const [made] = await store.db.select().from(allocations);
  expect(made).toMatchObject({
    nodes: 2,
    gpuCount: 8,
    listPriceMicrosPerHour: 80_000_000_000n,
    priceMicrosPerHour: 80_000_000_000n,
    pool: 'dc',
    poolGpus: 16,
    poolCpuMillis: 64_000,
    poolMemoryMiB: 262_144,
  });
  expect(await used()).toBe(2);
  expect(await drawn()).toEqual([16, 64_000, 262_144]);
});

describe('is dropped as stale', () => {
  const nothing = async (more: Partial<PlacementRow> = {}) => {
    expect(await place(after(1_000), plan(1, more))).toEqual(new Set());
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
  test('when it needs more places than there are', async () => {
    await store.db.update(offers).set({ used: 1 });
    await nothing({ nodes: 2 });
  });
  test('when the rules of its organization changed', async () => {
    await store.db.update(organizations).set({ rulesVersion: 1 });
    await nothing();
    expect(await place(after(1_000), plan(1, { organizationRulesVersion: 1 }))).toEqual(new Set(['alc-1']));
  });
  test('when the rules of its project changed', async () => {
    await store.db.update(projects).set({ rulesVersion: 1 });
    await nothing();
    expect(await place(after(1_000), plan(1, { projectRulesVersion: 1 }))).toEqual(new Set(['alc-1']));
  });
  test('when it was planned by the rules of another organization', async () => {
    await store.db.insert(organizations).values({ name: 'kisti', createdAt: NOW }).onConflictDoNothing();
    await nothing({ organization: 'kisti' });
  });
  test.each([
    ['GPUs', { gpus: 7 }],
    ['CPUs', { cpuMillis: 31_999 }],
    ['memory', { memoryMiB: 1_023 }],
  ])('when its pool has not so many %s', async (_, limits) => {
    await given(limits);
    await nothing(draw(8, 32_000, 1_024));
    expect(await drawn()).toEqual([0, 0, 0]);
    expect(await used()).toBe(0);
  });
  test('when others hold too much of its pool', async () => {
    await given({ gpus: 15, usedGpus: 8 });
    await nothing(draw(8));
  });
  test('when its offer draws on a pool by now', async () => {
    await given({});
    await nothing();
  });
  test('when its offer draws on none any more', async () => {
    await given({});
    await store.db.update(offers).set({ pool: null });
    await nothing(draw(8));
  });
  test.each([
    { gpuCount: 4 },
    { gpuModel: 'A100-80GB' },
    { gpuFormFactor: 'PCIe' },
    { cpus: 32 },
    { region: 'x' },
  ])('when its offer is another thing by now: %j', async (shape) => {
    await store.db.update(offers).set(shape as Partial<typeof offers.$inferInsert>);
    expect(await place(after(1_000), plan(1))).toEqual(new Set());
  });

  test('when something else is said of its provider', async () => {
    await store.db.update(providers).set({ version: 2 });
    expect(await place(after(1_000), plan(1))).toEqual(new Set());
  });

  test('when a policy was replaced', async () => {
    const policy = { name: 'data-grades' as const, body: [], updatedAt: NOW, updatedBy: 'key-test' };
    await store.db.insert(policies).values(policy);
    expect(await place(after(1_000), plan(1))).toEqual(new Set());
    expect(await place(after(1_000), plan(1, { policiesVersion: 1 }))).toEqual(new Set(['alc-1']));
    await store.db.update(policies).set({ version: 2 });
    expect(await place(after(1_000), plan(2, { policiesVersion: 1 }))).toEqual(new Set());
  });

  test('when its offer draws on another pool', async () => {
    await given({});
    await store.db.insert(pools).values({ provider: 'pangyo', name: 'lab', gpus: 64 });
    await store.db.update(offers).set({ pool: 'lab' });
    await nothing(draw(8));
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

describe('a plan that wants more than there is', () => {
  test('gets of an offer what there is, in its own order', async () => {
    expect(await place(after(1_000), plan(2), plan(1, { nodes: 2 }), plan(3))).toEqual(
      new Set(['alc-2', 'alc-3']),
    );
    expect(await used()).toBe(2);
  });

  test('gets of a pool what there is, in its own order', async () => {
    await given({ gpus: 10, cpuMillis: 20_000 });
    const placed = await place(
      after(1_000),
      plan(3, draw(8, 16_000)),
      plan(1, draw(4, 4_000)),
      plan(2, draw(2, 4_000)),
    );
    expect(placed).toEqual(new Set(['alc-3', 'alc-2']));
    expect(await drawn()).toEqual([10, 20_000, 0]);
    expect(await used()).toBe(2);
  });

  test('and what takes nothing of an overdrawn dimension is not held up by it', async () => {
    await given({ gpus: 4, usedGpus: 8, cpuMillis: 8_000 });
    expect(await place(after(1_000), plan(1, draw(0, 8_000)))).toEqual(new Set(['alc-1']));
    expect(await drawn()).toEqual([8, 8_000, 0]);
  });
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
      await somebodyWaits(tx);
      return result;
    });
    await written.promise;
    return Promise.all([one, store.transaction(second)]);
  }
  const tell = (at: Date, row: PlacementRow) => (tx: Tx) => applyPlacements(tx, at, TERMS, [row]);

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

  test('nothing slips in beside a cancellation', async () => {
    const cancel = async (tx: Tx) => {
      await tx.update(jobs).set({ state: 'cancelled', finishedAt: NOW, version: 2 });
      return new Set<string>();
    };
    const placed = await overlapping(cancel, tell(after(1_000), plan(1)));
    expect(placed.map(({ size }) => size)).toEqual([0, 0]);
    expect((await jobNow('job-1')).state).toBe('cancelled');
    expect(await used()).toBe(0);
  });

  test('the last of a pool is sold once', async () => {
    await given({ gpus: 8 });
    const placed = await overlapping(
      tell(after(1_000), plan(1, draw(8))),
      tell(after(1_000), plan(2, draw(8))),
    );
    expect(placed.map(({ size }) => size)).toEqual([1, 0]);
    expect(await drawn()).toEqual([8, 0, 0]);
  });

  test.each(['organization', 'project'])(
    'nothing slips in beside a change of the %s’s rules',
    async (level) => {
      const table = level === 'project' ? projects : organizations;
      const change = async (tx: Tx) => {
        await tx.update(table).set({ rulesVersion: 1 });
        return new Set<string>();
      };
      const before = await overlapping(change, tell(after(1_000), plan(1)));
      expect(before.map(({ size }) => size)).toEqual([0, 0]);
      // The other way round, the change has to wait: overlapping() ends only when it does.
      const same = plan(
        1,
        level === 'project' ? { projectRulesVersion: 1 } : { organizationRulesVersion: 1 },
      );
      const later = await overlapping(tell(after(1_000), same), change);
      expect(later.map(({ size }) => size)).toEqual([1, 0]);
    },
  );

  test('a job is submitted while its project’s rules are held', async () => {
    await store.transaction(async (tx) => {
      await applyPlacements(tx, after(1_000), TERMS, [plan(1)]);
      await store.db.insert(jobs).values(jobRow('job-4'));
    });
    expect((await jobNow('job-4')).state).toBe('queued');
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
        {
          jobId: 'job-1',
          jobVersion,
          reason,
          detail,
          decisionId: `dec-${reason}-${detail}`,
          decision: '{}',
          inputId: 'inp-1',
        },
      ]),
    );

  test('is told once per reason, and its detail kept up to date', async () => {
    await wait('no-capacity', '0 of 2');
    await wait('no-capacity', '0 of 3');
    expect((await jobNow('job-1')).waiting).toEqual({ reason: 'no-capacity', detail: '0 of 3' });
    expect((await store.db.select().from(events)).length).toBe(1);
    expect(await store.db.select().from(decisions)).toMatchObject([{ jobId: 'job-1', inputId: 'inp-1' }]);
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
