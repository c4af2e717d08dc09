import { mkdtempSync, existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { movesOf } from '../../src/core/moves.ts';
import { termsOf } from '../../src/core/ledger/run.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import type { Deps } from '../../src/deps.ts';
import { rehearse } from '../../src/rehearsal/rehearse.ts';
import { readLegs } from '../../src/store/read/moves.ts';
import { allocations, checkpoints, installation, jobs, offers, providers } from '../../src/store/schema.ts';
import type { AllocationRow, JobRow, Store } from '../../src/store/store.ts';
import { specOf, type SpecParts } from '../core/placement-world.ts';
import { quiet } from '../harness/log.ts';
import { onGround } from '../store/ground.ts';
import { allocationRow, jobRow } from '../store/rows.ts';

/** The simulator of drills: the real flows on a copy. A database server of its own is started for each. */
const NOW = new Date('2026-11-24T09:00:00.000Z');
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1_000);

let store: Store;
let dataDir = '';
onGround(4, (opened) => {
  store = opened;
});
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'naru-rehearsal-'));
  await store.db.insert(installation).values({ currency: 'KRW', createdAt: NOW });
  const [pangyo] = await store.db.select().from(providers);
  const [offer] = await store.db.select().from(offers);
  const site = { city: 'Gwangju', country: 'KR', region: 'kr-south', latitude: 35.16, longitude: 126.85 };
  await store.db
    .insert(providers)
    .values({ ...pangyo!, name: 'gwangju', vendor: 'nuri', site, brokerKind: 'process' });
  await store.db.insert(offers).values({ ...offer!, provider: 'gwangju', name: 'h100', capacity: 1 });
  await store.db
    .update(providers)
    .set({ lastContactAt: ago(1), contactSince: ago(900), healthSince: ago(900) });
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
beforeEach(async () => {
  await store.db.execute(
    sql`truncate events, decisions, decision_inputs, allocations, jobs, checkpoints cascade`,
  );
  await store.db.update(offers).set({ used: 0 });
});

const deps = (): Deps =>
  ({
    clock: { now: () => NOW, sleep: () => Promise.resolve() },
    store,
    log: quiet,
    config: { currency: 'KRW', dataDir },
    timing: DEFAULT_TIMING,
    terms: termsOf(DEFAULT_TIMING, 'Asia/Seoul'),
  }) as unknown as Deps;

const running = async (
  id: string,
  parts: SpecParts = {},
  more: Partial<JobRow> = {},
  run: Partial<AllocationRow> = {},
) => {
  const spec = specOf({ resources: { gpu: { count: 8 } }, ...parts });
  const state = {
    state: 'running',
    startedAt: ago(600),
    currentAllocationId: `alc-${id}`,
    attempts: 1,
  } as const;
  await store.db.insert(jobs).values(jobRow(id, { spec, createdAt: ago(900), ...state, ...more }));
  const there = { state: 'active', placedAt: ago(700), startedAt: ago(600), leaseUntil: ago(694) } as const;
  await store.db.insert(allocations).values(allocationRow(`alc-${id}`, id, 1, { ...there, ...run }));
  await store.db
    .update(offers)
    .set({ used: sql`used + 1` })
    .where(eq(offers.provider, 'pangyo'));
};
const content = async () =>
  (
    await store.db.execute<{ all: string }>(
      sql`select md5(string_agg(t, '' order by t)) as all from (
        select j::text as t from jobs j union all select a::text from allocations a union all select p::text from providers p
        union all select o::text from offers o union all select e::text from events e) every`,
    )
  ).rows[0]?.all;

describe('a rehearsal of a provider that falls silent', () => {
  test('shows who would go where, how fast, and who would find no place; and touches nothing', async () => {
    await running('job-1', {}, { queueRank: 1 });
    await running('job-2', {}, { queueRank: 2 });
    await store.db.insert(checkpoints).values({
      id: 'chk-1',
      jobId: 'job-1',
      allocationId: 'alc-job-1',
      attempt: 1,
      complete: true,
      sizeBytes: 10,
      sha256: 'x',
      location: 'file:x',
      createdAt: ago(50),
      completedAt: ago(40),
    });
    const before = await content();
    const played = await rehearse(deps(), {
      name: 'one',
      down: ['pangyo'],
      jobs: ['job-1'],
      startMs: new Map([['gwangju', 3_000]]),
    });
    try {
      const { db } = played.store;
      const [first, second] = await db.select().from(jobs).orderBy(jobs.id);
      expect([first?.state, second?.state]).toEqual(['running', 'queued']);
      expect(second?.waiting).toMatchObject({ reason: 'no-capacity' });
      const target = { kind: 'training', startedAt: ago(600), rtoSeconds: 15, rpoSeconds: 60 } as const;
      const [move] = movesOf(target, await readLegs(db, 'job-1'), played.now, DEFAULT_TIMING);
      expect(move).toMatchObject({
        from: { provider: 'pangyo' },
        to: { provider: 'gwangju' },
        cause: 'provider-down',
      });
      // The lease, its margin and the start: nothing of it can be quicker.
      const least = DEFAULT_TIMING.leaseSeconds + DEFAULT_TIMING.leaseMarginMs / 1_000 + 3 - 1;
      expect(move?.rto.achievedSeconds).toBeGreaterThan(least);
      expect(move?.rto.met).toBe(true);
      expect(move?.checkpoint).toMatchObject({ id: 'chk-1' });
      const [lost] = await db.select().from(providers).where(eq(providers.name, 'pangyo'));
      expect(lost?.health).toBe('down');
    } finally {
      await played.close();
    }
    expect(await content()).toBe(before);
    expect(existsSync(join(dataDir, 'rehearsals', 'one'))).toBe(false);
  });

  test('lets a service go on where a copy of it runs', async () => {
    const serve = { port: null, healthPath: null, replicas: 2 };
    await running(
      'job-1',
      { kind: 'inference', continuity: { mode: 'active' } },
      { spares: 1, kind: 'inference' },
    );
    await store.db
      .update(jobs)
      .set({ spec: { ...specOf({ kind: 'inference', continuity: { mode: 'active' } }), serve } });
    const there = { state: 'active', placedAt: ago(700), startedAt: ago(600), leaseUntil: ago(694) } as const;
    await store.db
      .insert(allocations)
      .values(
        allocationRow('alc-copy', 'job-1', 2, { ...there, provider: 'gwangju', role: 'replica', slot: 1 }),
      );
    const played = await rehearse(deps(), {
      name: 'two',
      down: ['pangyo'],
      jobs: ['job-1'],
      startMs: new Map(),
    });
    try {
      const [job] = await played.store.db.select().from(jobs);
      expect(job).toMatchObject({ state: 'running', reason: 'taken-over', currentAllocationId: 'alc-copy' });
    } finally {
      await played.close();
    }
  });
});
