import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort, World } from './world.ts';

/** SIGKILL of the service in the midst of 50 jobs, three times: nothing lost, nothing run to its end twice. */
describe('the service is killed', () => {
  const world = new World();
  afterAll(() => world.close());

  it('three times in the midst of 50 jobs, and every job ends once', { timeout: 180_000 }, async () => {
    const port = await freePort();
    let service = await world.service({ port });
    await world.project();
    await world.agent('pangyo', { capacity: 12, price: '100' });
    await world.agent('daegu', { capacity: 12, price: '120' });
    const ids = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const bodies = Array.from({ length: round < 2 ? 17 : 16 }, (_, n) => ({
        n,
        body: world.ledgerJob(`job-${round}-${n}`, 1 + (n % 3)),
      }));
      const submitted = bodies.map(({ n, body }) => submitUntilTaken(world, body, `crash-${round}-${n}`));
      await wait(150 + round * 250);
      await service.kill();
      service = await world.service({ port });
      for (const id of await Promise.all(submitted)) ids.add(id);
    }
    expect(ids.size).toBe(50);
    for (const id of ids)
      expect((await world.until(id, ['succeeded', 'failed', 'cancelled'], 90_000))['state']).toBe(
        'succeeded',
      );
    const ends = world.ledger().filter(({ what }) => what === 'end');
    expect(ends.map(({ job }) => job).toSorted()).toEqual([...ids].toSorted());
    expect((await world.get('/v1/audit/verify'))['ok']).toBe(true);
    expect(await service.stop()).toBe(0);
  });
});

/** A client that does not know whether it was heard asks again with the same key. */
async function submitUntilTaken(
  world: World,
  body: Parameters<World['submit']>[0],
  key: string,
): Promise<string> {
  for (;;) {
    try {
      return await world.submit(body, key);
    } catch {
      await wait(100);
    }
  }
}
