import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import type { Change } from '../../src/core/change.ts';
import type { Draw } from '../../src/core/placement/types.ts';
import { applyChanges } from '../../src/store/apply/changes.ts';
import { applyPlacements, type PlacementRow } from '../../src/store/apply/placements.ts';
import { lockProvider } from '../../src/store/apply/providers.ts';
import {
  allocations,
  jobs,
  offers,
  organizations,
  pools,
  projects,
  providers,
} from '../../src/store/schema.ts';
import type { Store, Tx } from '../../src/store/store.ts';
import { seeded, type Random } from '../sim/random.ts';
import { onGround } from './ground.ts';
import { jobRow, NOW, TERMS, placementRow } from './rows.ts';

/**
 * Everybody at once: plans that are made of nothing but hope, work that ends, vendors that change what they sell, rules
 * that change. Whatever happens, nothing that is claimed goes beyond what there is at that moment, and in the end what
 * is counted as held is what allocations hold. No transaction is begun anew here, so a deadlock would fail.
 */
const PLANNERS = 5;
const ROUNDS = 6;
const PROVIDERS = ['busan', 'pangyo'] as const;
const OFFERS = ['a', 'b', 'c', 'd'] as const;
const POOLS = ['dc', 'lab'] as const;
const JOBS = Array.from({ length: 60 }, (_, n) => `job-${String(n).padStart(2, '0')}`);

let store: Store;
onGround(12, (opened) => {
  store = opened;
});

/** Once, as a transaction of its own that is not repeated. */
const once = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => store.db.transaction(work);

async function given(): Promise<void> {
  await store.db.execute(sql`truncate events, decisions, allocations, jobs, offers, pools cascade`);
  const [pangyo] = await store.db.select().from(providers).where(eq(providers.name, 'pangyo'));
  await store.db
    .insert(providers)
    .values({ ...pangyo!, name: 'busan' })
    .onConflictDoNothing();
  for (const provider of PROVIDERS) {
    await store.db.insert(pools).values([
      { provider, name: 'dc', gpus: 24, cpuMillis: 60_000, memoryMiB: 100_000 },
      { provider, name: 'lab', gpus: 12, memoryMiB: 40_000 },
    ]);
    await store.db.insert(offers).values(
      OFFERS.map((name, n) => ({
        provider,
        name,
        region: 'kr-central',
        gpuModel: 'H100',
        gpuCount: 8,
        gpuMemoryGiB: 80,
        cpus: 64,
        memoryGiB: 512,
        capacity: 6,
        priceMicrosPerHour: 1n,
        currency: 'KRW',
        pool: [...POOLS, ...POOLS, null][n] ?? null,
        updatedAt: NOW,
      })),
    );
  }
  await store.db.update(offers).set({ pool: null }).where(eq(offers.name, 'd'));
  await store.db.insert(jobs).values(JOBS.map((id) => jobRow(id)));
}

/** Makes allocations' names. */
let names = 0;

/** A plan from a look at the world that is old by the time it is applied, and sometimes wrong from the beginning. */
async function planSome(random: Random): Promise<PlacementRow[]> {
  const queued = await store.db
    .select({ id: jobs.id, version: jobs.version })
    .from(jobs)
    .where(eq(jobs.state, 'queued'));
  const poolOf = new Map(
    (await store.db.select().from(offers)).map((row) => [`${row.provider}/${row.name}`, row.pool]),
  );
  const [{ rulesVersion: organizationRulesVersion } = { rulesVersion: 0 }] = await store.db
    .select()
    .from(organizations);
  const [{ rulesVersion: projectRulesVersion } = { rulesVersion: 0 }] = await store.db
    .select()
    .from(projects);
  const chosen = queued.filter(() => random.chance(0.3));
  return chosen.map(({ id, version }) => {
    const [provider, offer] = [random.pick(PROVIDERS), random.pick(OFFERS)];
    const nodes = random.int(1, 2);
    names += 1;
    return placementRow(names, {
      jobId: id,
      jobVersion: version,
      provider,
      offer,
      nodes,
      draw: someDraw(random, poolOf.get(`${provider}/${offer}`) ?? null, nodes),
      organizationRulesVersion,
      projectRulesVersion,
    });
  });
}

function someDraw(random: Random, known: string | null, nodes: number): Draw | null {
  const pool = random.chance(0.05) ? random.pick(POOLS) : known;
  if (pool === null) return null;
  const each = {
    gpus: random.int(0, 4),
    cpuMillis: random.int(0, 16) * 500,
    memoryMiB: random.int(0, 8) * 1_000,
  };
  return {
    pool,
    gpus: each.gpus * nodes,
    cpuMillis: each.cpuMillis * nodes,
    memoryMiB: each.memoryMiB * nodes,
  };
}

/** Applies a plan; what it took of has room for it at the moment that it is taken. */
async function planner(random: Random): Promise<number> {
  const rows = await planSome(random);
  return once(async (tx) => {
    const ids = await applyPlacements(tx, NOW, TERMS, rows);
    const placed = rows.filter(({ allocationId }) => ids.has(allocationId));
    const sold = await tx.select().from(offers);
    const drawnOn = await tx.select().from(pools);
    for (const row of placed) {
      const offer = sold.find((one) => one.provider === row.provider && one.name === row.offer)!;
      expect(offer.used).toBeLessThanOrEqual(offer.capacity);
      expect([offer.withdrawnAt, offer.pool]).toEqual([null, row.draw?.pool ?? null]);
      const pool = drawnOn.find((one) => one.provider === row.provider && one.name === row.draw?.pool);
      if (pool === undefined || row.draw === null) continue;
      const { gpus, cpuMillis, memoryMiB } = row.draw;
      if (gpus > 0) expect(pool.usedGpus).toBeLessThanOrEqual(pool.gpus);
      if (cpuMillis > 0) expect(pool.usedCpuMillis).toBeLessThanOrEqual(pool.cpuMillis ?? Infinity);
      if (memoryMiB > 0) expect(pool.usedMemoryMiB).toBeLessThanOrEqual(pool.memoryMiB ?? Infinity);
    }
    return placed.length;
  });
}

/** Some of what runs ends; some of those jobs wait again. As a sync does it, or as expired leases are. */
async function ender(random: Random): Promise<number> {
  const provider = random.pick(PROVIDERS);
  const held = await store.db
    .select({ id: allocations.id, jobId: allocations.jobId, provider: allocations.provider })
    .from(allocations)
    .where(ne(allocations.state, 'released'))
    .orderBy(allocations.id);
  const synced = random.chance(0.5);
  const ending = held.filter((one) => (!synced || one.provider === provider) && random.chance(0.4));
  const changes = ending.flatMap(({ id, jobId }): Change[] => [
    {
      kind: 'release',
      allocationId: id,
      startedAt: null,
      endedAt: NOW,
      outcome: 'lost',
      endReason: 'lost',
      exitCode: null,
      detail: null,
    },
    {
      kind: 'job',
      jobId,
      allocationId: id,
      to: 'queued',
      reason: 'allocation-lost',
      detail: null,
      requeue: { notBefore: null, avoid: null, moveTo: null, failedStart: false },
    },
  ]);
  return once(async (tx) => {
    if (synced) await lockProvider(tx, provider);
    return (await applyChanges(tx, NOW, TERMS, changes)).released;
  });
}

/** A vendor changes what it sells, in the order in which offers have to be written: pools first. */
async function vendor(random: Random): Promise<void> {
  const provider = random.pick(PROVIDERS);
  await once(async (tx) => {
    await lockProvider(tx, provider);
    const limits = {
      gpus: random.int(4, 32),
      cpuMillis: random.chance(0.3) ? null : random.int(10, 80) * 1_000,
      memoryMiB: random.chance(0.3) ? null : random.int(10, 120) * 1_000,
    };
    await tx
      .update(pools)
      .set(limits)
      .where(and(eq(pools.provider, provider), eq(pools.name, random.pick(POOLS))));
    const terms = {
      capacity: random.int(1, 8),
      withdrawnAt: random.chance(0.1) ? NOW : null,
      ...(random.chance(0.3) ? { pool: random.pick([...POOLS, null]) } : {}),
    };
    await tx
      .update(offers)
      .set(terms)
      .where(and(eq(offers.provider, provider), inArray(offers.name, [random.pick(OFFERS), 'a'])));
  });
}

async function ruler(random: Random): Promise<void> {
  const table = random.pick([organizations, projects]);
  await once((tx) => tx.update(table).set({ rulesVersion: sql`rules_version + 1` }));
}

/** What allocations hold, counted anew, is what offers and pools say. */
async function countsAreRight(): Promise<void> {
  const { rows } = await store.db.execute<{ wrong: string }>(sql`
    select o.provider || '/' || o.name as wrong from offers o where o.used <> (
      select coalesce(sum(a.nodes), 0) from allocations a
      where a.provider = o.provider and a.offer = o.name and a.state <> 'released')
    union all
    select p.provider || '/' || p.name from pools p where (used_gpus, used_cpu_millis, used_memory_mib) <> (
      select coalesce(sum(a.pool_gpus), 0), coalesce(sum(a.pool_cpu_millis), 0), coalesce(sum(a.pool_memory_mib), 0)
      from allocations a where a.provider = p.provider and a.pool = p.name and a.state <> 'released')`);
  expect(rows).toEqual([]);
}

const held = (): Promise<number> => store.db.$count(allocations, ne(allocations.state, 'released'));

const sum = async (counts: readonly Promise<number>[]): Promise<number> =>
  (await Promise.all(counts)).reduce((total, n) => total + n, 0);

test.each([1, 2, 3])(
  'nothing is oversold and nothing leaks, whoever does what at once (seed %i)',
  async (seed) => {
    await given();
    const random = seeded(`room ${seed}`);
    let [placed, released] = [0, 0];
    for (let round = 0; round < ROUNDS; round += 1) {
      const plans = Array.from({ length: PLANNERS }, (_, n) => planner(random.fork(`plan ${round} ${n}`)));
      const ends = [1, 2].map((n) => ender(random.fork(`end ${round} ${n}`)));
      const noise = [vendor, vendor, ruler].map((step, n) => step(random.fork(`noise ${round} ${n}`)));
      const [more, fewer] = await Promise.all([sum(plans), sum(ends), Promise.all(noise)]);
      placed += more;
      released += fewer;
      await countsAreRight();
      // Undisturbed: a change of rules may have made all the others stale.
      placed += await planner(random.fork(`quiet ${round}`));
    }
    // Otherwise this says nothing.
    expect([placed > 10, released > 0]).toEqual([true, true]);
    for (let turn = 0; (await held()) > 0; turn += 1) await ender(seeded(`rest ${turn}`));
    await countsAreRight();
    expect(await store.db.select().from(offers).where(ne(offers.used, 0))).toEqual([]);
  },
);
