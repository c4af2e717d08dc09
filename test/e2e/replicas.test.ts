import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createEmptyDatabase } from '../harness/database.ts';
import { hasOwnRedis, testRedis } from '../harness/redis.ts';
import { World } from './world.ts';

/**
 * Two API and two engine replicas on one PostgreSQL and one Redis; Redis is flushed and stopped, an API and an
 * engine are killed, an agent is lost, while jobs run. Slower for a moment, never wrong.
 */
describe.skipIf(!hasOwnRedis('replicas with a Redis that vanishes'))('several replicas', () => {
  const worlds: World[] = [];
  afterAll(() => Promise.all(worlds.map((world) => world.close())));

  it(
    'stay right through the loss of Redis, of replicas and of a provider',
    { timeout: 240_000 },
    async () => {
      const database = await createEmptyDatabase();
      const redis = await testRedis();
      const world = new World({ DATABASE_URL: database.url, REDIS_URL: redis.url });
      worlds.push(world);
      const engines = [
        await world.service({ data: 'engine-1', env: { NARU_ROLE: 'engine' } }),
        await world.service({ data: 'engine-2', env: { NARU_ROLE: 'engine' } }),
      ];
      const second = await world.service({ data: 'api-2', env: { NARU_ROLE: 'api' } });
      const first = await world.service({ data: 'api-1', env: { NARU_ROLE: 'api' } });
      await world.project();
      const cheap = await world.agent('cheap', { capacity: 8, price: '100' });
      // The other vendor's agent talks to the other replica.
      world.url = second.url;
      await world.agent('dear', { capacity: 8, price: '300' });

      const ids: string[] = [];
      const submit = async (count: number, seconds: number) => {
        for (let n = 0; n < count; n += 1) {
          world.url = n % 2 === 0 ? first.url : second.url;
          ids.push(await world.submit(world.ledgerJob(`job-${ids.length}`, seconds), `key-${ids.length}`));
        }
      };
      await submit(12, 4);
      await redis.control?.flushAll();
      await submit(6, 2);
      await redis.control?.stop();
      await submit(12, 3);
      await engines[0]?.kill();
      await wait(2_000);
      await cheap.killTree();
      await submit(6, 1);
      await redis.control?.start();
      await submit(6, 1);
      world.url = second.url;
      for (const id of ids)
        expect((await world.until(id, ['succeeded', 'failed'], 120_000))['state']).toBe('succeeded');
      const ends = world.ledger().filter(({ what }) => what === 'end');
      const unheard = await endedUnheard(world, ids);
      const heard = ends.filter(({ job }) => !unheard.includes(job));
      expect(heard.map(({ job }) => job).toSorted()).toEqual(
        ids.filter((id) => !unheard.includes(id)).toSorted(),
      );
      for (const id of unheard) expect(ends.map(({ job }) => job)).toContain(id);
      expect((await world.get('/v1/audit/verify'))['ok']).toBe(true);
      await world.close();
      await redis.close();
      await database.drop();
    },
  );
});

/**
 * Those that ran at a place that was given up: one that had ended there in the last moment took the word of it with it, and
 * was right to run again. On a machine with other things to do that moment is a second long.
 */
async function endedUnheard(world: World, ids: readonly string[]): Promise<string[]> {
  const unheard: string[] = [];
  for (const id of ids) {
    const { items } = await world.get(`/v1/jobs/${id}/allocations`);
    const ends = (items as { endReason: string | null }[]).map(({ endReason }) => endReason);
    if (ends.includes('provider-down')) unheard.push(id);
  }
  return unheard;
}
