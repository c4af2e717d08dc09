import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World, type Agent, type Json } from './world.ts';

const SEOUL = { city: 'Seoul', country: 'KR', region: 'kr-central', latitude: 37.57, longitude: 126.98 };
const PANGYO = { city: 'Pangyo', country: 'KR', region: 'kr-central', latitude: 37.39, longitude: 127.11 };
const GWANGJU = { city: 'Gwangju', country: 'KR', region: 'kr-south', latitude: 35.16, longitude: 126.85 };

/** Work that must not stop, with real processes: something stands by for it where a real drill proved the way. */
describe('something stands by', () => {
  let world: World;
  let cheap: Agent;
  beforeEach(async () => {
    world = new World();
    await world.service();
    await world.project();
    cheap = await world.agent('cheap', { capacity: 10, price: '100', site: SEOUL });
    await world.agent('near', { capacity: 10, price: '200', site: PANGYO });
    await world.agent('far', { capacity: 10, price: '900', site: GWANGJU });
  });
  afterEach(() => world.close());

  const job = (id: string) => world.get(`/v1/jobs/${id}`) as Promise<Shown>;
  const allocations = async (id: string) =>
    (await world.get(`/v1/jobs/${id}/allocations`))['items'] as (Json & { role: string })[];
  const shown = async (id: string, is: (job: Shown) => boolean): Promise<Shown> => {
    for (const until = Date.now() + 60_000; Date.now() < until; await wait(100)) {
      const now = await job(id);
      if (is(now)) return now;
    }
    throw new Error(`it never was so: ${JSON.stringify(await job(id))}`);
  };
  /** Canaries of the near one first, so that the far one is all that is left to prove. */
  const prove = async () => {
    await world.post('/v1/providers/near/drain', {});
    const { id } = await world.post('/v1/drills', {
      scenario: { kind: 'provider-outage', provider: 'cheap' },
      mode: 'parallel',
    });
    for (const until = Date.now() + 90_000; Date.now() < until; await wait(200)) {
      const { state } = await world.get(`/v1/drills/${String(id)}`);
      if (state === 'passed') return void (await world.post('/v1/providers/near/resume', {}));
      if (state === 'failed' || state === 'aborted') break;
    }
    throw new Error(`the drill did not pass: ${JSON.stringify(await world.get(`/v1/drills/${String(id)}`))}`);
  };

  it(
    'standby: held warm where a drill proved the way, with the checkpoint there; and the job goes on in that place',
    { timeout: 240_000 },
    async () => {
      const counting =
        'n=$(cat $NARU_CHECKPOINT_DIR/n 2>/dev/null || echo 0); echo "from $n"; ' +
        'while :; do n=$((n+1)); echo $n > $NARU_CHECKPOINT_DIR/.n; mv $NARU_CHECKPOINT_DIR/.n $NARU_CHECKPOINT_DIR/n; sleep 0.2; done';
      const id = await world.submit({
        ...world.ledgerJob('guarded', 0),
        run: { command: ['sh', '-c', counting] },
        checkpoint: { intervalSeconds: 1 },
        continuity: { mode: 'standby', rtoSeconds: 15, minSeparationKm: 100, failback: 'never' },
      });
      await shown(id, ({ state, placement }) => state === 'running' && placement?.provider === 'cheap');
      const bare = await shown(id, ({ protection }) => protection?.waiting != null);
      expect(bare.protection).toMatchObject({ wanted: 1, spares: [], waiting: { reason: 'no-match' } });
      expect(bare.protection?.waiting?.detail).toContain(
        'have a drill prove that work of cheap recovers at far',
      );

      await prove();
      const guarded = await shown(id, ({ protection }) => protection?.spares[0]?.ready === true);
      expect(guarded.protection).toMatchObject({
        spares: [{ provider: 'far', role: 'standby' }],
        waiting: null,
      });
      await world.event(id, 'checkpoint.saved');
      await wait(2_500);
      await cheap.killTree();
      const after = await shown(
        id,
        ({ state, placement }) => state === 'running' && placement?.provider === 'far',
      );
      expect(after.attempts).toBe(2);

      const [next, standby, first] = await allocations(id);
      expect(next).toMatchObject({
        role: 'run',
        purpose: 'failover',
        provider: 'far',
        tookOver: standby?.['id'],
        attempt: 2,
      });
      expect(standby).toMatchObject({
        role: 'standby',
        purpose: 'standby',
        provider: 'far',
        endReason: 'promoted',
      });
      expect(first).toMatchObject({
        role: 'run',
        purpose: 'run',
        provider: 'cheap',
        endReason: 'provider-down',
      });
      expect(next?.['restoredCheckpoint']).not.toBeNull();
      const { items } = await world.get(`/v1/jobs/${id}/moves`);
      expect(items).toMatchObject([
        { from: { provider: 'cheap' }, to: { provider: 'far' }, rto: { met: true } },
      ]);
      // It went on from what it had counted, not from the beginning.
      const text = await world.text(`/v1/jobs/${id}/logs`);
      const [, resumed] = [...text.matchAll(/from (\d+)/g)].map(([, n]) => Number(n));
      expect(resumed).toBeGreaterThan(0);
      expect(Number((after.cost.standby as { amount: string }).amount)).toBeGreaterThan(0);
    },
  );

  it(
    'active: one of the copies answers at every moment, also while a vendor is lost',
    { timeout: 240_000 },
    async () => {
      await prove();
      const serve =
        "require('node:http').createServer((q, s) => s.end('ok')).listen(Number(process.env.NARU_PORT), '0.0.0.0')";
      const id = await world.submit({
        ...world.ledgerJob('service', 0),
        kind: 'inference',
        run: { command: [process.execPath, '-e', serve] },
        continuity: { mode: 'active', minSeparationKm: 100 },
        serve: { healthPath: '/' },
      });
      const both = await shown(
        id,
        ({ endpoints }) => endpoints.filter(({ serving }) => serving === true).length === 2,
      );
      expect(both.protection?.spares).toMatchObject([{ provider: 'far', role: 'replica', ready: true }]);
      const urls = both.endpoints.map(({ url }) => url);
      const watch = answering(urls);
      await wait(1_000);
      await cheap.killTree();
      const after = await shown(id, ({ placement }) => placement?.provider === 'far');
      expect(after).toMatchObject({ state: 'running', reason: 'taken-over' });
      await wait(3_000);
      const { asked, answered } = await watch.stop();
      expect(asked).toBeGreaterThan(50);
      expect(answered).toBe(asked);
      const { items } = await world.get(`/v1/jobs/${id}/moves`);
      expect(items).toMatchObject([
        { from: { provider: 'cheap' }, to: { provider: 'far' }, rto: { achievedSeconds: 0 } },
      ]);
      // What it lacks now, it says: nobody has proved that work of the far one recovers anywhere.
      const bare = await shown(id, ({ protection }) => protection?.waiting != null);
      expect(bare.protection?.waiting?.detail).toContain('work of far recovers at');
    },
  );
});

interface Shown extends Json {
  readonly state: string;
  readonly attempts: number;
  readonly placement: { readonly provider: string } | null;
  readonly cost: Json;
  readonly endpoints: readonly { readonly url: string; readonly serving: boolean | null }[];
  readonly protection: {
    readonly spares: readonly { readonly provider: string; readonly ready: boolean }[];
    readonly waiting: { readonly reason: string; readonly detail: string } | null;
  } | null;
}

/** Asks all of them again and again: how often, and how often any of them answered. */
function answering(urls: readonly string[]): { stop(): Promise<{ asked: number; answered: number }> } {
  let going = true;
  let [asked, answered] = [0, 0];
  const loop = (async () => {
    while (going) {
      const tries = urls.map(async (url) => (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok);
      const any = await Promise.any(tries).catch(() => false);
      asked += 1;
      if (any) answered += 1;
      await wait(50);
    }
  })();
  return { stop: async () => ((going = false), await loop, { asked, answered }) };
}
