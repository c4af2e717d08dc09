import { termsOf } from '../../src/core/ledger/run.ts';
import { eq } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import type { JobSpec } from '../../src/core/job.ts';
import { DEFAULT_TIMING as T } from '../../src/core/timing.ts';
import type { Deps } from '../../src/deps.ts';
import { healthPass } from '../../src/flows/health.ts';
import { probed, writeProbes } from '../../src/flows/probes.ts';
import { scopePass } from '../../src/flows/scopes.ts';
import { BrokerFault, type Broker } from '../../brokers/broker.ts';
import { noteListening } from '../../src/store/apply/health.ts';
import { applyPlacements } from '../../src/store/apply/placements.ts';
import { keepGpuFaults } from '../../src/store/apply/scopes.ts';
import { loadShut } from '../../src/store/load/shut.ts';
import {
  allocations,
  audit,
  brokerProbes,
  gpuFaults,
  jobs,
  offers,
  projects,
  providerHealth,
  providers,
  scopeHealth,
} from '../../src/store/schema.ts';
import type { AllocationRow, JobRow, Store } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW, TERMS, placementRow } from './rows.ts';

const after = (ms: number) => new Date(NOW.getTime() + ms);

let store: Store;
onGround(4, (opened) => {
  store = opened;
});

/** Another provider that takes work, and two more projects: nobody alone closes anything, and somebody has to take the rest. */
beforeEach(async () => {
  for (const table of [allocations, jobs, providerHealth, scopeHealth, gpuFaults, brokerProbes, audit])
    await store.db.delete(table);
  const [pangyo] = await store.db.select().from(providers).where(eq(providers.name, 'pangyo'));
  if (pangyo === undefined) throw new Error('no ground');
  await store.db
    .insert(providers)
    .values({ ...pangyo, name: 'tokyo' })
    .onConflictDoNothing();
  const [h100] = await store.db.select().from(offers).where(eq(offers.name, 'h100'));
  if (h100 === undefined) throw new Error('no ground');
  const a100 = { ...h100, name: 'a100', gpuModel: 'A100-80GB' };
  await store.db.insert(offers).values(a100).onConflictDoNothing();
  for (const name of ['solar', 'weather'])
    await store.db
      .insert(projects)
      .values({ name, organization: 'nia', createdAt: NOW })
      .onConflictDoNothing();
  await store.db
    .update(providers)
    .set({ health: 'healthy', healthSince: NOW, healthReason: 'heard', control: 'unknown', mode: 'active' });
  await store.db.update(offers).set({ used: 0 });
});

let nowMs = 0;
const deps = () =>
  ({
    store,
    timing: T,
    terms: termsOf(T, 'Asia/Seoul'),
    clock: { now: () => after(nowMs) },
    bell: { ring: () => {} },
    watch: { changed: () => {} },
    log: { info: () => {}, warn: () => {} },
    metrics: { setOwnSilence: () => {}, setProviderHealth: () => {}, countMoves: () => {} },
  }) as unknown as Deps;

/** Both passes at a moment, with everybody heard just before and ourselves awake all the time. */
async function pass(ms: number, heard = true): Promise<void> {
  nowMs = ms;
  await store.transaction(async (tx) => {
    await noteListening(tx, after(ms), 86_400_000);
    if (heard) await tx.update(providers).set({ lastContactAt: after(ms - 100), contactSince: NOW });
  });
  await scopePass(deps());
  await healthPass(deps());
}

let made = 0;
/** A job of the project with one allocation. */
async function work(
  project: string,
  allocation: Partial<AllocationRow>,
  job: Partial<JobRow> = {},
): Promise<string> {
  const n = `${(made += 1)}`.padStart(6, '0');
  const spec = { continuity: { mode: 'restart', rtoSeconds: null } } as JobSpec;
  await store.db.insert(jobs).values(jobRow(`job-${n}`, { project, spec, ...job }));
  await store.db.insert(allocations).values(allocationRow(`alc-${n}`, `job-${n}`, 1, allocation));
  await store.db
    .update(jobs)
    .set({ currentAllocationId: `alc-${n}` })
    .where(eq(jobs.id, `job-${n}`));
  return `alc-${n}`;
}
const refused = (ms: number): Partial<AllocationRow> => ({
  state: 'released',
  outcome: 'refused',
  endReason: 'refused',
  endDetail: 'not today',
  releasedAt: after(ms),
});
const running = (ms: number): Partial<AllocationRow> => ({ state: 'active', startedAt: after(ms) });
const stateOf = async (id: string) =>
  (await store.db.select().from(allocations).where(eq(allocations.id, id)))[0];
const scopes = async () =>
  (await store.db.select().from(scopeHealth)).map(
    ({ region, gpuModel, plane, state }) => `${gpuModel} in ${region}: ${plane} ${state}`,
  );
const pangyo = async () => (await store.db.select().from(providers).where(eq(providers.name, 'pangyo')))[0];

describe('the control plane', () => {
  test('one project alone closes nothing; two close the part, and not the rest of the provider', async () => {
    await pass(0);
    for (let i = 0; i < 5; i += 1) await work('kogpt', refused(1_000));
    await pass(2_000);
    expect(await scopes()).toEqual([]);
    await work('solar', refused(1_500));
    await pass(3_000);
    expect(await scopes()).toEqual(['H100 in kr-central: control down']);
    expect(await pangyo()).toMatchObject({ health: 'healthy', control: 'unknown' });
    const [row] = await store.db.select().from(providerHealth).where(eq(providerHealth.plane, 'control'));
    expect(row).toMatchObject({
      region: 'kr-central',
      gpuModel: 'H100',
      state: 'down',
      reason: '6 jobs of 2 projects did not start, and none did',
    });
    expect(row?.samples).toHaveLength(6);
    expect(JSON.stringify(row?.samples)).not.toMatch(/kogpt|solar/);
  });

  test('running work there is not touched', async () => {
    await pass(0);
    const runs = await work('weather', running(-600_000), { state: 'running' });
    await work('kogpt', refused(1_000));
    await work('solar', refused(1_000));
    await pass(2_000);
    expect(await scopes()).toEqual(['H100 in kr-central: control down']);
    await pass(2_000 + T.eagerAfterMs);
    expect(await stateOf(runs)).toMatchObject({ state: 'active', endReason: null });
  });

  test('what was placed meanwhile is dropped there, and goes to another part', async () => {
    await work('kogpt', refused(1_000));
    await work('solar', refused(1_000));
    await pass(2_000);
    await store.db.insert(jobs).values([jobRow('job-a'), jobRow('job-b')]);
    const h100 = placementRow('a');
    const a100 = placementRow('b', { offer: 'a100', shape: { ...h100.shape, gpuModel: 'A100-80GB' } });
    const placed = await store.transaction((tx) => applyPlacements(tx, after(2_100), TERMS, [h100, a100]));
    expect([...placed]).toEqual(['alc-b']);
  });

  test('held down, then tried, then well with the first start', async () => {
    await work('kogpt', refused(1_000));
    await work('solar', refused(1_000));
    await pass(2_000);
    await pass(2_000 + T.scopeHoldMs - 1);
    expect(await scopes()).toEqual(['H100 in kr-central: control down']);
    await pass(2_000 + T.scopeHoldMs);
    expect(await scopes()).toEqual(['H100 in kr-central: control unknown']);
    await pass(3_000 + T.scopeHoldMs);
    expect(await scopes()).toEqual(['H100 in kr-central: control unknown']);
    await work('kogpt', running(3_500 + T.scopeHoldMs), { state: 'running' });
    await pass(4_000 + T.scopeHoldMs);
    expect(await scopes()).toEqual(['H100 in kr-central: control healthy']);
    expect((await pangyo())?.control).toBe('healthy');
  });

  test('with all that it sells closed, the whole provider takes nothing', async () => {
    for (const offer of ['h100', 'a100'])
      for (const project of ['kogpt', 'solar']) await work(project, { ...refused(1_000), offer });
    await pass(2_000);
    expect(await pangyo()).toMatchObject({ health: 'healthy', control: 'down' });
    await store.db.insert(jobs).values(jobRow('job-a'));
    const placed = await store.transaction((tx) =>
      applyPlacements(tx, after(2_100), TERMS, [placementRow('a')]),
    );
    expect([...placed]).toEqual([]);
  });

  test('orders that are taken and never started count, and go elsewhere', async () => {
    await pass(0);
    const stuck = [
      await work('kogpt', { state: 'active' }, { state: 'provisioning' }),
      await work('solar', { state: 'submitting' }, { state: 'provisioning' }),
    ];
    await pass(T.launchMs);
    expect(await scopes()).toEqual([]);
    await pass(T.launchMs + 1_000);
    expect(await scopes()).toEqual(['H100 in kr-central: control down']);
    for (const id of stuck)
      expect(await stateOf(id)).toMatchObject({ state: 'releasing', endReason: 'provider-degraded' });
    expect(await store.db.select({ state: jobs.state, reason: jobs.reason }).from(jobs)).toEqual([
      { state: 'queued', reason: 'provider-degraded' },
      { state: 'queued', reason: 'provider-degraded' },
    ]);
  });

  test('while everybody is silent nothing is concluded', async () => {
    await pass(0);
    await work('kogpt', refused(1_000));
    await work('solar', refused(1_000));
    await pass(3_000, false);
    expect(await scopes()).toEqual([]);
  });
});

describe('a verb of a broker', () => {
  const faults: (BrokerFault | null)[] = [];
  const broker = {
    kind: 'test',
    way: 'push',
    submit: () => {
      const fault = faults.shift() ?? null;
      return fault === null ? Promise.resolve() : Promise.reject(fault);
    },
  } as unknown as Extract<Broker, { way: 'push' }>;
  const submit = async (...answers: (BrokerFault | null)[]) => {
    faults.push(...answers);
    const asked = probed(deps(), 'pangyo', broker);
    for (const answer of answers) {
      const call = asked.submit({} as never, 1);
      if (answer === null) await call;
      else await expect(call).rejects.toBe(answer);
    }
    await writeProbes(deps(), 'pangyo');
  };
  const unreachable = new BrokerFault('unreachable', 'nobody there');

  test('that fails again and again closes everything, and a refusal is an answer', async () => {
    await pass(0);
    await submit(unreachable, unreachable);
    await pass(1_500);
    expect(await scopes()).toEqual([]);
    await submit(unreachable);
    await pass(3_000);
    expect(await scopes()).toEqual(['* in *: control down']);
    expect((await pangyo())?.controlReason).toBe(
      'everything: submit failed 3 times in a row (unreachable): nobody there',
    );
    await submit(new BrokerFault('no_capacity', 'full'));
    await pass(3_000 + T.gpuHoldMs);
    expect(await scopes()).toEqual(['* in *: control unknown']);
    expect(await store.db.select().from(brokerProbes)).toMatchObject([{ verb: 'submit', failures: 0 }]);
  });
});

describe('GPU faults', () => {
  const inventory = (count: number) => ({
    hostname: 'gpu-01',
    gpus: Array.from({ length: count }, (_, index) => ({
      index,
      model: 'NVIDIA H100 80GB HBM3',
      memoryGiB: 80,
    })),
    cpus: 8,
    memoryGiB: 64,
    limits: 'none' as const,
  });
  const fault = (id: string, xid: number, device: string, ms: number) =>
    store.transaction((tx) =>
      keepGpuFaults(tx, after(ms), 'pangyo', [
        { id, at: after(ms), device, gpuIndex: null, gpuModel: 'H100', xid, text: '' },
      ]),
    );

  test('of an application say nothing; one that kills degrades the model, wherever it is', async () => {
    await store.db.update(providers).set({ inventory: inventory(2) });
    await fault('1', 13, 'a', 500);
    await pass(1_000);
    expect(await scopes()).toEqual([]);
    expect(await fault('2', 48, 'a', 1_500)).toBe(1);
    expect(await fault('2', 48, 'a', 1_500)).toBe(0);
    await pass(2_000);
    expect(await scopes()).toEqual(['H100 in *: data degraded']);
    expect((await pangyo())?.health).toBe('healthy');
  });

  test('after a while what must not stop leaves in good order, and nothing else', async () => {
    await store.db.update(providers).set({ inventory: inventory(2) });
    const continuity = { mode: 'restart', rtoSeconds: 60 };
    const eager = await work('kogpt', running(0), {
      state: 'running',
      spec: { continuity } as JobSpec,
    });
    const patient = await work('solar', running(0), { state: 'running' });
    await fault('1', 48, 'a', 1_000);
    await pass(2_000);
    await pass(2_000 + T.eagerAfterMs - 1);
    expect((await stateOf(eager))?.state).toBe('active');
    await pass(2_000 + T.eagerAfterMs);
    expect(await stateOf(eager)).toMatchObject({ state: 'releasing', endReason: 'provider-degraded' });
    expect((await stateOf(patient))?.state).toBe('active');
  });

  test('with all devices gone the work is given up', async () => {
    await store.db.update(providers).set({ inventory: inventory(2) });
    const runs = await work('kogpt', running(0), { state: 'running' });
    const other = await work('solar', { ...running(0), offer: 'a100' }, { state: 'running' });
    await fault('1', 79, 'a', 1_000);
    await pass(2_000);
    expect((await stateOf(runs))?.state).toBe('active');
    await fault('2', 79, 'b', 2_500);
    await pass(3_000);
    expect(await stateOf(runs)).toMatchObject({ state: 'releasing', endReason: 'provider-down' });
    expect((await stateOf(runs))?.endDetail).toContain('XID 79');
    expect((await stateOf(other))?.state).toBe('active');
  });
});

test('the vendor’s word of an outage moves the eager, of a doubt it does not, and only where somebody else is', async () => {
  const continuity = { mode: 'restart', rtoSeconds: 60 };
  const eager = await work('kogpt', running(0), { state: 'running', spec: { continuity } as JobSpec });
  const say = (state: string, ms: number) =>
    store.db
      .insert(providerHealth)
      .values({ provider: 'pangyo', at: after(ms), source: 'vendor', state, reason: 'rack 4' });
  await say('degraded', 1_000);
  await pass(2_000);
  await pass(2_000 + T.eagerAfterMs);
  expect(await pangyo()).toMatchObject({ health: 'degraded' });
  expect((await stateOf(eager))?.state).toBe('active');
  await say('outage', 3_000);
  await store.db.update(providers).set({ mode: 'draining' }).where(eq(providers.name, 'tokyo'));
  await pass(3_000 + T.eagerAfterMs);
  expect((await stateOf(eager))?.state).toBe('active');
  await store.db.update(providers).set({ mode: 'active' });
  await pass(3_500 + T.eagerAfterMs);
  expect(await stateOf(eager)).toMatchObject({ state: 'releasing', endReason: 'provider-degraded' });
});

test('jobs of several projects that were lost degrade the part, and fence nobody', async () => {
  await pass(0);
  const lost = { ...running(0), state: 'released', outcome: 'lost', endReason: 'lost' } as const;
  for (const project of ['kogpt', 'solar']) await work(project, { ...lost, releasedAt: after(1_000) });
  const runs = await work('weather', running(0), { state: 'running' });
  await pass(2_000);
  expect(await scopes()).toEqual(['H100 in kr-central: data degraded']);
  expect((await stateOf(runs))?.state).toBe('active');
  await pass(2_000 + T.scopeHoldMs);
  expect(await scopes()).toEqual(['H100 in kr-central: data unknown']);
});

test('where it goes on, it is held on, and what must not stop leaves', async () => {
  const continuity = { mode: 'restart', rtoSeconds: 60 };
  const eager = await work('weather', running(0), { state: 'running', spec: { continuity } as JobSpec });
  const lost = { ...running(0), state: 'released', outcome: 'lost', endReason: 'lost' } as const;
  for (const ms of [1_000, 20_000])
    for (const project of ['kogpt', 'solar']) await work(project, { ...lost, releasedAt: after(ms) });
  await pass(2_000);
  await pass(2_000 + T.scopeHoldMs);
  expect(await scopes()).toEqual(['H100 in kr-central: data degraded']);
  expect(await stateOf(eager)).toMatchObject({ state: 'releasing', endReason: 'provider-degraded' });
});

test('an offer that was full is left alone for a while, or until something of it starts', async () => {
  const full = { ...refused(1_000), outcome: 'no-capacity' } as const;
  await work('kogpt', full);
  await work('solar', full);
  await pass(2_000);
  expect(await scopes()).toEqual([]);
  const shut = async (ms: number) => {
    const found = (await loadShut(store.db, after(ms))).get('pangyo');
    return found?.full?.map(({ offer, until }) => [offer, until.getTime() - NOW.getTime()]) ?? [];
  };
  expect(await shut(2_000)).toEqual([['h100', 61_000]]);
  expect(await shut(61_000)).toEqual([]);
  await work('weather', running(3_000), { state: 'running' });
  expect(await shut(4_000)).toEqual([]);
});
