import { eq, sql } from 'drizzle-orm';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Change, JobChange } from '../../src/core/change.ts';
import { JOB_STATES, JOB_TRANSITIONS, isTerminal, type JobState } from '../../src/core/job.ts';
import { costMicros } from '../../src/core/money.ts';
import { struckRankOf } from '../../src/core/queue-rank.ts';
import { billedSeconds, cost } from '../../src/store/apply/bill.ts';
import { applyChanges } from '../../src/store/apply/changes.ts';
import { allocations, events, jobs, offers, pools, providers } from '../../src/store/schema.ts';
import type { AllocationRow, JobRow, Store } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW, TERMS } from './rows.ts';

const after = (ms: number) => new Date(NOW.getTime() + ms);

let store: Store;
onGround(6, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.execute(sql`truncate events, allocations, jobs cascade`);
  await store.db.update(offers).set({ used: 0, capacity: 5 });
  await store.db.delete(pools);
});

const apply = (now: Date, ...changes: Change[]) =>
  store.transaction((tx) => applyChanges(tx, now, TERMS, changes));
const jobNow = async (id = 'job-1') => (await store.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
const allocationNow = async (id = 'alc-1') =>
  (await store.db.select().from(allocations).where(eq(allocations.id, id)))[0]!;
const used = async () => (await store.db.select().from(offers))[0]!.used;
const told = async () => (await store.db.select().from(events).orderBy(events.seq)).map(({ type }) => type);

/** A job with one allocation that holds a place. */
async function given(job: Partial<JobRow> = {}, allocation: Partial<AllocationRow> = {}): Promise<void> {
  await store.db.insert(jobs).values(jobRow('job-1', { currentAllocationId: 'alc-1', ...job }));
  await store.db.insert(allocations).values(allocationRow('alc-1', 'job-1', 1, allocation));
  await store.db.update(offers).set({ used: 1 });
}

const release = (more: Partial<Extract<Change, { kind: 'release' }>> = {}): Change => ({
  kind: 'release',
  allocationId: 'alc-1',
  startedAt: null,
  endedAt: after(10_000),
  outcome: 'exited',
  endReason: 'exited',
  exitCode: 0,
  detail: null,
  ...more,
});
const toState = (to: JobState, more: Partial<JobChange> = {}): Change => ({
  kind: 'job',
  jobId: 'job-1',
  allocationId: 'alc-1',
  to,
  reason: 'exited',
  detail: null,
  ...(to === 'stopping' ? { stoppingTo: 'cancelled' as const } : {}),
  ...more,
});

describe('the cost in SQL and the cost in core are one', () => {
  test('for any price and any span', async () => {
    const price = fc.bigInt({ min: 0n, max: 10n ** 13n });
    const seconds = fc.integer({ min: 0, max: 100_000 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(price, seconds), { minLength: 1, maxLength: 50 }), async (pairs) => {
        const { rows } = await store.db.execute<{ micros: string }>(sql`
          select (${cost(sql`p`, sql`s`)})::text as micros
          from unnest(${sql.param(pairs.map(([p]) => p))}::bigint[], ${sql.param(pairs.map(([, s]) => s))}::bigint[])
            with ordinality as t(p, s, n) order by n`);
        expect(rows.map(({ micros }) => BigInt(micros))).toEqual(pairs.map(([p, s]) => costMicros(p, s)));
      }),
      { numRuns: 40 },
    );
  });

  test('begun seconds count, and none before a start', async () => {
    const at = (ms: number | null) => sql`${ms === null ? null : after(ms).toISOString()}::timestamptz`;
    const seconds = async (from: number | null, to: number) =>
      Number(
        (await store.db.execute<{ s: string }>(sql`select ${billedSeconds(at(from), at(to))} as s`)).rows[0]!
          .s,
      );
    expect(await seconds(0, 0)).toBe(0);
    expect(await seconds(0, 1)).toBe(1);
    expect(await seconds(0, 1_000)).toBe(1);
    expect(await seconds(0, 1_001)).toBe(2);
    expect(await seconds(5_000, 0)).toBe(0);
    expect(await seconds(null, 9_000)).toBe(0);
  });
});

describe('a release', () => {
  test('frees the place, and the bill is final', async () => {
    await given({ state: 'running' }, { state: 'active', startedAt: NOW });
    expect((await apply(after(12_000), release())).released).toBe(1);
    const done = await allocationNow();
    expect(done).toMatchObject({ state: 'released', meteredSeconds: 10, outcome: 'exited', exitCode: 0 });
    expect(done.chargedMicros).toBe(costMicros(done.priceMicrosPerHour, 10));
    expect(await used()).toBe(0);
  });

  test('frees a place for each node, and what they drew on, the pool’s of that time', async () => {
    await store.db.insert(pools).values({
      provider: 'pangyo',
      name: 'dc',
      gpus: 64,
      usedGpus: 20,
      usedCpuMillis: 50_000,
      usedMemoryMiB: 3_000_000_000,
    });
    await given(
      { state: 'running' },
      { state: 'active', startedAt: NOW, nodes: 2, pool: 'dc', poolGpus: 16, poolCpuMillis: 48_000 },
    );
    await store.db.insert(jobs).values(jobRow('job-2'));
    await store.db
      .insert(allocations)
      .values(allocationRow('alc-2', 'job-2', 1, { pool: 'dc', poolGpus: 1, poolMemoryMiB: 3_000_000_000 }));
    await store.db.update(offers).set({ used: 3 });
    await apply(after(12_000), release());
    expect(await used()).toBe(1);
    expect(await store.db.select().from(pools)).toMatchObject([
      { usedGpus: 4, usedCpuMillis: 2_000, usedMemoryMiB: 3_000_000_000 },
    ]);
    await apply(after(12_000), release(), release({ allocationId: 'alc-2' }));
    expect(await used()).toBe(0);
    expect(await store.db.select().from(pools)).toMatchObject([
      { usedGpus: 3, usedCpuMillis: 2_000, usedMemoryMiB: 0 },
    ]);
  });

  test('again is stale: no place is freed twice', async () => {
    await given({ state: 'running' }, { state: 'active', startedAt: NOW });
    await apply(after(12_000), release());
    const first = await allocationNow();
    expect((await apply(after(99_000), release({ endedAt: after(90_000), exitCode: 1 }))).released).toBe(0);
    expect(await allocationNow()).toEqual(first);
    expect(await used()).toBe(0);
    expect(await told()).toEqual(['allocation.released']);
  });

  test('by two at once is done by one', async () => {
    await given({ state: 'running' }, { state: 'active', startedAt: NOW });
    await store.db.insert(jobs).values(jobRow('job-2'));
    await store.db.insert(allocations).values(allocationRow('alc-2', 'job-2', 1));
    await store.db.update(offers).set({ used: 2 });
    const both = await Promise.all([apply(after(12_000), release()), apply(after(12_000), release())]);
    expect(both.map(({ released }) => released).toSorted((a, b) => a - b)).toEqual([0, 1]);
    expect(await used()).toBe(1);
  });

  test('never bills beyond now, nor before the placement', async () => {
    await given({ state: 'running' }, { state: 'active', startedAt: NOW });
    await apply(after(3_000), release({ endedAt: after(50_000) }));
    expect(await allocationNow()).toMatchObject({ meteredSeconds: 3 });
  });
});

describe('told to go', () => {
  test('its lease is that of the provider’s last contact, when that is longer', async () => {
    await given({ state: 'running' }, { state: 'active', leaseUntil: after(1_000) });
    await store.db.update(providers).set({ lastContactAt: after(4_000) });
    await apply(after(5_000), {
      kind: 'releasing',
      allocationId: 'alc-1',
      endReason: 'provider-down',
      detail: null,
    });
    expect(await allocationNow()).toMatchObject({ state: 'releasing', leaseUntil: after(10_000) });
    expect(await used()).toBe(1);
  });

  test('and its own where that is longer; orders get a new version', async () => {
    await given({ state: 'running' }, { state: 'active', leaseUntil: after(60_000) });
    const before = (await store.db.select().from(providers))[0]!.ordersVersion;
    await apply(after(5_000), {
      kind: 'releasing',
      allocationId: 'alc-1',
      endReason: 'cancelled',
      detail: null,
    });
    expect((await allocationNow()).leaseUntil).toEqual(after(60_000));
    expect((await store.db.select().from(providers))[0]!.ordersVersion).toBe(before + 1);
  });

  test('what is seen to run after that bills from its start and keeps its state', async () => {
    await given({ state: 'queued' }, { state: 'releasing', releasingAt: NOW });
    const seen: Change = {
      kind: 'activate',
      allocationId: 'alc-1',
      startedAt: after(1_000),
      endpoint: null,
      serving: null,
    };
    expect((await apply(after(2_000), seen)).activated).toBe(1);
    expect(await allocationNow()).toMatchObject({ state: 'releasing', startedAt: after(1_000) });
  });
});

describe('a job changes', () => {
  const row = (state: JobState): Partial<JobRow> => ({
    state,
    stoppingTo: state === 'stopping' ? 'cancelled' : null,
    finishedAt: isTerminal(state) ? NOW : null,
  });

  test.each(JOB_STATES.flatMap((from) => JOB_STATES.map((to) => [from, to] as const)))(
    '%s → %s',
    async (from, to) => {
      await given(row(from), { state: 'active' });
      const wanted = toState(
        to,
        to === 'queued' ? { requeue: { notBefore: null, avoid: null, moveTo: null, failedStart: true } } : {},
      );
      const { jobs: counted } = await apply(after(1_000), wanted);
      const allowed = JOB_TRANSITIONS[from].includes(to);
      expect(counted[to] ?? 0).toBe(allowed ? 1 : 0);
      const now = await jobNow();
      expect(now.state).toBe(allowed ? to : from);
      expect(now.version).toBe(allowed ? 2 : 1);
      expect(await told()).toEqual(allowed ? [`job.${to}`] : []);
    },
  );

  test('not by an allocation that is no longer its own', async () => {
    await given({ state: 'running', currentAllocationId: 'alc-2' }, { state: 'releasing' });
    await apply(after(1_000), toState('succeeded'));
    expect((await jobNow()).state).toBe('running');
    await apply(after(1_000), toState('succeeded', { allocationId: null }));
    expect((await jobNow()).state).toBe('succeeded');
  });

  test('a requeue remembers whom to avoid and counts failed starts', async () => {
    await given(
      {
        state: 'provisioning',
        avoid: { gwangju: after(1_000).toISOString() },
        failedStarts: 2,
        queueRank: 7,
      },
      { state: 'submitting' },
    );
    const requeue = {
      notBefore: after(4_000),
      avoid: { provider: 'pangyo', until: after(9_000) },
      moveTo: 'daegu',
      failedStart: true,
    };
    await apply(after(2_000), toState('queued', { requeue }));
    expect(await jobNow()).toMatchObject({
      avoid: { gwangju: after(1_000).toISOString(), pangyo: after(9_000).toISOString() },
      failedStarts: 3,
      notBefore: after(4_000),
      moveTo: 'daegu',
      queuedAt: after(2_000),
      // It waits on where it stood: what was lost was not its fault.
      queueRank: 7,
      // Still its own until it is placed again: a late truth counts.
      currentAllocationId: 'alc-1',
    });
  });

  test('a run too short to be seen passes through running in one go', async () => {
    await given({ state: 'provisioning' }, { state: 'submitting' });
    await apply(
      after(2_000),
      release(),
      toState('running', { startedAt: after(500) }),
      toState('succeeded', { exitCode: 0 }),
    );
    expect(await jobNow()).toMatchObject({ state: 'succeeded', startedAt: after(500), exitCode: 0 });
    expect(await told()).toEqual(['allocation.released', 'job.running', 'job.succeeded']);
  });

  test('two that want different ends at once: one is stale', async () => {
    await given({ state: 'running' }, { state: 'active' });
    const [a, b] = await Promise.all([
      apply(after(1_000), toState('succeeded')),
      apply(after(1_000), toState('failed')),
    ]);
    expect((a.jobs.succeeded ?? 0) + (b.jobs.failed ?? 0)).toBe(1);
    expect((await told()).length).toBe(1);
  });
});

describe('a job that a disaster took from its place', () => {
  const requeue = {
    notBefore: null,
    avoid: { provider: 'pangyo', until: after(60_000) },
    moveTo: null,
    failedStart: false,
  };
  const lose = (reason: JobChange['reason'] = 'provider-down') =>
    apply(after(2_000), toState('queued', { reason, requeue }));
  const running = { state: 'running', startedAt: NOW } as const;

  test.each([
    [0, null],
    [0, after(90_000)],
    [1, null],
    [1, after(90_000)],
  ])('goes to the front of the queue (%i spares, deadline %s), as core says', async (spares, deadlineAt) => {
    await given({ ...running, spares, deadlineAt }, { state: 'active' });
    const { queueRank } = await jobNow();
    await lose();
    expect((await jobNow()).queueRank).toBe(struckRankOf(queueRank, spares > 0, deadlineAt));
    // Struck again before it was placed: it stays where it is.
    await store.db.update(jobs).set({ state: 'provisioning' });
    await lose();
    expect((await jobNow()).queueRank).toBe(struckRankOf(queueRank, spares > 0, deadlineAt));
  });

  test.each([
    ['manual', 'provider-down', 'pangyo'],
    ['auto', 'provider-down', 'pangyo'],
    ['never', 'provider-down', null],
    [undefined, 'provider-down', 'pangyo'],
    ['auto', 'operator-move', null],
  ] as const)('failback %s, %s: its home is %s', async (failback, reason, home) => {
    const spec = { continuity: { ...(failback && { failback }) } } as JobRow['spec'];
    await given({ ...running, spec }, { state: 'active' });
    await lose(reason);
    expect((await jobNow()).home).toBe(home);
  });
});

describe('what was only being started', () => {
  const seen = (startedAt: Date | null): Change => ({
    kind: 'activate',
    allocationId: 'alc-1',
    startedAt,
    endpoint: null,
    serving: null,
  });

  test('has not started, and is not billed when it ends so', async () => {
    await given({ state: 'provisioning' });
    await apply(after(1_000), seen(null));
    expect(await allocationNow()).toMatchObject({ state: 'active', startedAt: null });
    await apply(
      after(9_000),
      release({ outcome: 'refused', endReason: 'refused', exitCode: null, endedAt: after(9_000) }),
    );
    expect(await allocationNow()).toMatchObject({ startedAt: null, meteredSeconds: 0, chargedMicros: 0n });
  });

  test('starts when it is seen to, and no earlier than it was placed', async () => {
    await given({ state: 'provisioning' });
    await apply(after(1_000), seen(null));
    await apply(after(5_000), seen(after(4_000)));
    expect((await allocationNow()).startedAt).toEqual(after(4_000));
    await store.db.update(allocations).set({ startedAt: null });
    await apply(after(6_000), seen(after(-60_000)));
    expect((await allocationNow()).startedAt).toEqual(NOW);
  });
});
