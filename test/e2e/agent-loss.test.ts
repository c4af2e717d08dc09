import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World, type Agent } from './world.ts';

/** A provider is lost, in every way that a machine can be: its work goes on elsewhere, once. */
describe('a provider is lost', () => {
  let world: World;
  let cheap: Agent;
  beforeEach(async () => {
    world = new World();
    await world.service();
    await world.project();
    cheap = await world.agent('cheap', { capacity: 10, price: '100' });
    await world.agent('dear', { capacity: 10, price: '900' });
  });
  afterEach(() => world.close());

  it(
    'SIGKILL of the agent with its children: every job runs to its end elsewhere, once',
    { timeout: 120_000 },
    async () => {
      const ids = await runningOn(world, 'cheap', 5, 12);
      await cheap.killTree();
      await endedOnce(world, ids, 'dear');
      for (const id of ids) await tellsItsMove(world, id);
    },
  );

  it(
    'SIGSTOP of the agent, and its return: the work is fenced there and ends once elsewhere',
    { timeout: 120_000 },
    async () => {
      const ids = await runningOn(world, 'cheap', 5, 14);
      cheap.signal('SIGSTOP');
      for (const id of ids) await runsOn(world, id, 'dear');
      cheap.signal('SIGCONT');
      await endedOnce(world, ids, 'dear');
    },
  );

  it(
    'SIGKILL of the agent alone: its children are found again, and nothing moves',
    { timeout: 120_000 },
    async () => {
      const ids = await runningOn(world, 'cheap', 3, 6);
      cheap.child.kill('SIGKILL');
      await wait(300);
      await world.startAgent('cheap', world.keyOf('cheap'));
      await endedOnce(world, ids, 'cheap');
    },
  );

  it('a blip of three seconds moves nothing', { timeout: 120_000 }, async () => {
    const ids = await runningOn(world, 'cheap', 3, 9);
    cheap.signal('SIGSTOP');
    await wait(3_000);
    cheap.signal('SIGCONT');
    await endedOnce(world, ids, 'cheap');
    for (const id of ids) expect((await world.get(`/v1/jobs/${id}`))['attempts']).toBe(1);
  });

  it('a job that ended just before its agent vanished does not run again', { timeout: 120_000 }, async () => {
    const [id = ''] = await runningOn(world, 'cheap', 1, 2);
    await world.until(id, ['succeeded']);
    await cheap.killTree();
    await wait(8_000);
    const job = await world.get(`/v1/jobs/${id}`);
    expect(job).toMatchObject({ state: 'succeeded', attempts: 1 });
    expect(world.ledger().filter(({ what }) => what === 'start')).toHaveLength(1);
  });
});

async function runningOn(world: World, provider: string, count: number, seconds: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push(await world.submit(world.ledgerJob(`job-${n}`, seconds)));
  for (const id of ids) await runsOn(world, id, provider);
  return ids;
}

async function runsOn(world: World, id: string, provider: string): Promise<void> {
  for (;;) {
    const job = await world.until(id, ['running', 'succeeded']);
    if (
      (job['placement'] as { provider?: string } | null)?.provider === provider ||
      job['state'] === 'succeeded'
    )
      return;
    await wait(100);
  }
}

/** One move, from the one to the other, whose moments come in the order in which things happen. */
async function tellsItsMove(world: World, id: string): Promise<void> {
  const { items } = await world.get(`/v1/jobs/${id}/moves`);
  expect(items).toMatchObject([
    { from: { provider: 'cheap' }, to: { provider: 'dear' }, cause: 'provider-down', attempts: 1 },
  ]);
  const [move] = items as [Record<string, string> & { rto: { achievedSeconds: number } }];
  const moments = ['faultAt', 'suspectedAt', 'downAt', 'fencedAt', 'decidedAt', 'startedAt'];
  const times = moments.map((name) => Date.parse(move[name] ?? ''));
  expect(times).not.toContain(NaN);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(move.rto.achievedSeconds).toBe(((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000);
}

async function endedOnce(world: World, ids: readonly string[], provider: string): Promise<void> {
  for (const id of ids) {
    expect((await world.until(id, ['succeeded', 'failed', 'cancelled'], 90_000))['state']).toBe('succeeded');
    const { items } = await world.get(`/v1/jobs/${id}/allocations`);
    expect((items as { provider: string }[])[0]?.provider).toBe(provider);
  }
  const ends = world.ledger().filter(({ what }) => what === 'end');
  expect(ends.map(({ job }) => job).toSorted()).toEqual([...ids].toSorted());
}
