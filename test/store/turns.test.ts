import { eq, sql } from 'drizzle-orm';
import { beforeEach, expect, test } from 'vitest';
import type { JobSpec } from '../../src/core/job.ts';
import { HOLD_AFTER_SECONDS } from '../../src/core/placement/hold.ts';
import type { Deps } from '../../src/deps.ts';
import { placePass } from '../../src/flows/place.ts';
import { createMetrics } from '../../src/metrics.ts';
import { applyChanges } from '../../src/store/apply/changes.ts';
import { putOffers } from '../../src/store/apply/offers.ts';
import { putPools } from '../../src/store/apply/pools.ts';
import { allocations, jobs, projects } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { specOf } from '../core/placement-world.ts';
import { unlikeDecisions } from '../sim/replayed.ts';
import { onGround } from './ground.ts';
import { jobRow, NOW, TERMS } from './rows.ts';

/** Whose turn it is, over many passes of the real flow on a real PostgreSQL: what a single decision cannot show. */
let store: Store;
let nowMs = NOW.getTime();
let names = 0;
onGround(4, (opened) => {
  store = opened;
});

beforeEach(async () => {
  nowMs = NOW.getTime();
  await store.db.execute(
    sql`truncate events, decisions, decision_inputs, allocations, jobs, offers, pools cascade`,
  );
  await store.db
    .insert(projects)
    .values({ name: 'vision', organization: 'nia', createdAt: NOW })
    .onConflictDoNothing();
});

const now = () => new Date(nowMs);
const nextName = (kind: string) => `${kind}-${String((names += 1)).padStart(6, '0')}`;
const deps = (): Deps =>
  ({
    clock: { now, sleep: () => Promise.resolve() },
    ids: { next: nextName, secret: () => '' },
    store,
    config: { currency: 'KRW' },
    timing: { leaseSeconds: 6, leaseMarginMs: 500 },
    terms: TERMS,
    metrics: createMetrics({ process: false }),
    watch: { changed: () => undefined },
  }) as unknown as Deps;

const pass = () => placePass(deps(), true);

/** Of 1 GPU or more at the same price for each; through the functions that say that the catalog is another one. */
async function sell(capacities: Readonly<Record<number, number>>, pool: string | null): Promise<void> {
  const sold = Object.entries(capacities).map(([gpus, capacity]) => ({
    name: `gpu-${gpus}`,
    region: 'kr-central',
    gpuModel: 'H100',
    gpuCount: Number(gpus),
    gpuMemoryGiB: 80,
    gpuFormFactor: null,
    cpus: 8,
    memoryGiB: 64,
    capacity,
    priceMicrosPerHour: BigInt(gpus) * 5_000_000_000n,
    spotPriceMicrosPerHour: null,
    currency: 'KRW',
    pool,
    effectiveFrom: null,
    listed: null,
  }));
  await store.transaction(async (tx) => {
    if (pool !== null)
      await putPools(tx, 'pangyo', [{ name: pool, gpus: 4, cpuMillis: null, memoryMiB: null }]);
    await putOffers(tx, 'pangyo', NOW, sold);
  });
}

async function submit(project: string, gpus: number): Promise<string> {
  const id = nextName('job');
  const { resources, ...rest } = specOf();
  const gpu = { count: gpus, models: [], class: null, minMemoryGiB: 0 };
  const spec: JobSpec = { ...rest, project, resources: { ...resources, gpu, cpus: 1, memoryGiB: 1 } };
  await store.db.insert(jobs).values(jobRow(id, { project, spec, createdAt: now(), queuedAt: now() }));
  return id;
}

interface Holder {
  readonly id: string;
  readonly jobId: string;
  readonly project: string;
  readonly placedAt: Date;
}

function holders(): Promise<Holder[]> {
  const { id, jobId, placedAt } = allocations;
  return store.db
    .select({ id, jobId, placedAt, project: jobs.project })
    .from(allocations)
    .innerJoin(jobs, eq(jobs.id, jobId))
    .where(sql`${allocations.state} <> 'released'`)
    .orderBy(placedAt, id);
}

/** It ran well, and is over. */
async function end({ id, jobId }: Pick<Holder, 'id' | 'jobId'>): Promise<void> {
  await store.transaction((tx) =>
    applyChanges(tx, now(), TERMS, [
      {
        kind: 'release',
        allocationId: id,
        startedAt: null,
        endedAt: now(),
        outcome: 'exited',
        endReason: 'exited',
        exitCode: 0,
        detail: null,
      },
      { kind: 'job', jobId, allocationId: id, to: 'succeeded', reason: 'exited', detail: null, exitCode: 0 },
    ]),
  );
}

test('who brings thirty jobs gets no more of the places than who brings ten of the same later', async () => {
  await sell({ 1: 4 }, null);
  for (let n = 0; n < 30; n += 1) await submit('kogpt', 1);
  await pass();
  nowMs += 60_000;
  for (let n = 0; n < 10; n += 1) await submit('vision', 1);
  // All four are kogpt's, whose jobs are older: what becomes free is vision's until both hold as much, then in turns.
  for (let ended = 1; ended <= 12; ended += 1) {
    nowMs += 10_000;
    await end((await holders())[0]!);
    await pass();
    const held = (await holders()).map(({ project }) => project);
    const visions = Math.min(2, ended);
    expect(held.toSorted()).toEqual([
      ...Array<string>(4 - visions).fill('kogpt'),
      ...Array<string>(visions).fill('vision'),
    ]);
  }
  expect(await unlikeDecisions(store)).toEqual([]);
});

test('a job for a whole host is placed though small ones come without end', async () => {
  await sell({ 1: 4, 4: 1 }, 'host');
  for (let n = 0; n < 8; n += 1) await submit('kogpt', 1);
  await pass();
  const large = await submit('vision', 4);
  const placedAfter: [seconds: number, jobId: string][] = [];
  for (let seconds = 15; seconds <= 900 && placedAfter.at(-1)?.[1] !== large; seconds += 15) {
    nowMs += 15_000;
    // One ends, another comes: somebody small always waits, and the host is never free by itself.
    const before = await holders();
    if (before[0] !== undefined) await end(before[0]);
    await submit('kogpt', 1);
    await pass();
    const known = new Set(before.map(({ jobId }) => jobId));
    for (const { jobId } of await holders()) if (!known.has(jobId)) placedAfter.push([seconds, jobId]);
  }
  // For ten minutes every place goes to a small one; then four of them end and none comes after them.
  expect(placedAfter.map(([seconds]) => seconds)).toEqual([
    ...Array.from({ length: 39 }, (_, n) => 15 * (n + 1)),
    HOLD_AFTER_SECONDS + 45,
  ]);
  expect(placedAfter.at(-1)?.[1]).toBe(large);
  expect(await unlikeDecisions(store)).toEqual([]);
});
