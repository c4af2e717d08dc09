import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyWebhook } from '../../src/core/webhook/signature.ts';
import { openReceiver, type Receiver } from '../harness/receiver.ts';
import { freePort, World, type Json } from './world.ts';

/** Ten won a second. */
const PRICE = '36000';
const STEPS = 45;

/** Money that runs out, a service that is killed while it counts, an officer who gives more: with real processes. */
describe('a budget', () => {
  const world = new World();
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await openReceiver();
  });
  afterAll(async () => {
    await world.close();
    await receiver.close();
  });

  const won = async (id: string) => {
    const budget = await world.get(`/v1/budgets/${id}`);
    const of = (name: string) => Number((budget[name] as { amount: string }).amount);
    return { cap: of('currentCap'), reserved: of('reserved'), charged: of('charged') };
  };
  const events = () => receiver.received.map(({ headers }) => String(headers['naru-event']));

  it(
    'stops what it cannot pay, saved, and lets it go on when there is more; killed as often as you like, the books are right',
    { timeout: 300_000 },
    async () => {
      const port = await freePort();
      let service = await world.service({ port });
      await world.project();
      await world.agent('pangyo', { capacity: 2, price: PRICE });
      const hook = await world.post('/v1/webhooks', { url: receiver.url });
      const { id } = (await world.post('/v1/budgets', {
        name: 'gpu-2026',
        scope: { project: 'e2e' },
        period: { kind: 'fiscal-year' },
        cap: { amount: '750', currency: 'KRW' },
        thresholds: [50],
      })) as { id: string };
      const job = await world.submit(counting(world));
      await world.until(job, ['running'], 60_000);

      // Killed in the midst of it, three times: the cap holds at every look, whoever is dead.
      let kills = 0;
      for (let reason = ''; reason !== 'budget';) {
        await wait(1_500);
        const { cap, reserved, charged } = await won(id);
        expect(reserved + charged).toBeLessThanOrEqual(cap);
        // Queued for another reason, too, where the service was away for longer than a lease.
        reason = String((await world.get(`/v1/jobs/${job}`))['reason']);
        if (kills < 3 && charged > 50 * (kills + 1)) {
          kills += 1;
          await service.kill();
          service = await world.service({ port });
        }
      }
      expect(kills).toBe(3);
      const stopped = await world.get(`/v1/jobs/${job}`);
      expect(stopped).toMatchObject({ state: 'queued', reason: 'budget' });

      const unpaid = Number(stopped['attempts']);
      await until(async () => (await attempts(job)).at(-1)?.['state'] === 'released');
      expect((await attempts(job)).at(-1)).toMatchObject({ endReason: 'budget', outcome: 'stopped' });
      const raised = { cap: { amount: '5000', currency: 'KRW' }, reason: 'the second half of the year' };
      await world.request('PATCH', `/v1/budgets/${id}`, raised);
      const ended = await world.until(job, ['succeeded', 'failed'], 180_000);
      expect(ended).toMatchObject({ state: 'succeeded', exitCode: 0 });
      // It went on from what it had saved when it was stopped: no step twice, none left out.
      const stepsOf = (attempt: number) =>
        world.ledger().flatMap((line) => (line.attempt === attempt ? [Number(line.what)] : []));
      expect(stepsOf(unpaid + 1)[0]).toBe((stepsOf(unpaid).at(-1) ?? 0) + 1);
      expect(stepsOf(Number(ended['attempts'])).at(-1)).toBe(STEPS);

      const spent = await won(id);
      expect(spent.reserved).toBe(0);
      expect((await world.get(`/v1/budgets/${id}/verify`))['ok']).toBe(true);
      const costs = (await world.get('/v1/costs?groupBy=project')) as { total: { cost: { amount: string } } };
      const statement = (await world.get('/v1/providers/pangyo/statement')) as {
        total: { cost: { amount: string } };
      };
      expect(Number(costs.total.cost.amount)).toBe(spent.charged);
      expect(statement.total.cost).toEqual(costs.total.cost);
      const paid = (await attempts(job)).reduce((sum, one) => sum + Number(one['meteredSeconds']), 0);
      expect(spent.charged).toBe(10 * paid);

      await until(async () =>
        ['budget.threshold', 'budget.exhausted', 'job.stopped-for-money'].every((one) =>
          events().includes(one),
        ),
      );
      expect(events().filter((one) => one === 'budget.exhausted')).toHaveLength(1);
      for (const { headers, body } of receiver.received)
        expect(
          verifyWebhook(
            String(hook['secret']),
            String(headers['naru-signature']),
            body,
            Math.floor(Date.now() / 1000),
          ),
        ).toBe(true);
      expect((await world.get('/v1/audit/verify'))['ok']).toBe(true);
      expect(await service.stop()).toBe(0);
    },
  );

  const attempts = async (job: string): Promise<Json[]> =>
    ((await world.get(`/v1/jobs/${job}/allocations`))['items'] as Json[]).toReversed();
});

/** Counts to STEPS, a step a second, each written down and saved; a stop comes between two of them. */
function counting(world: World): Json {
  const step = `n=$((n+1)); echo "$n $NARU_JOB_ID $NARU_ALLOCATION_ID $NARU_ATTEMPT" >> ${world.ledgerFile}; echo $n > $d/.n; mv $d/.n $d/n`;
  const script = `d=$NARU_CHECKPOINT_DIR; n=$(cat $d/n 2>/dev/null || echo 0); trap 'gone=1' TERM; while [ $n -lt ${STEPS} ] && [ -z "$gone" ]; do ${step}; sleep 1; done; exit 0`;
  return {
    name: 'counts',
    project: 'e2e',
    kind: 'training',
    run: { command: ['sh', '-c', script] },
    resources: { gpu: { count: 0 } },
    graceSeconds: 2,
  };
}

async function until(look: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await look()) return true;
    await wait(200);
  }
  throw new Error('waited in vain');
}
