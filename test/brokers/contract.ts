import { beforeEach, afterEach, describe, expect, it } from 'vitest';
import type { Broker } from '../../brokers/broker.ts';
import type { Observation, Order } from '../../src/core/order.ts';
import { orderOf, shell, until } from '../agent/rig.ts';

export type PushBroker = Extract<Broker, { way: 'push' }>;

/** One kind of push broker with a place of its own to work on. */
export interface Variant {
  readonly broker: PushBroker;
  /** What the jobs wrote. */
  log(allocationId: string): string;
  /** Another one on the same place, as after a restart of the service; the first is gone without a goodbye. */
  restart(): Promise<PushBroker>;
  close(): Promise<void>;
}

/** What every broker that is called has to keep, whatever stands behind it. */
export function contract(name: string, open: () => Promise<Variant>): void {
  describe(`${name} keeps the contract of push brokers`, () => {
    let variant: Variant;
    let broker: PushBroker;
    beforeEach(async () => {
      variant = await open();
      broker = variant.broker;
    });
    afterEach(() => variant.close());

    const submit = async (command: string, leaseSeconds = 60): Promise<Order> => {
      const order = orderOf({ command: shell(command) });
      await broker.submit(order, leaseSeconds);
      return order;
    };
    const pays = async (paidSeconds: number): Promise<Order> => {
      const order = orderOf({ command: shell('exec sleep 100'), paidSeconds });
      await broker.submit(order, 60);
      return order;
    };
    const renewal = ({ allocationId }: Order, paidSeconds: number | null = null) => ({
      allocationId,
      paidSeconds,
    });
    const see = async (id: string): Promise<Observation | undefined> =>
      (await broker.list()).find(({ allocationId }) => allocationId === id);
    const until_ = (id: string, phase: Observation['phase']): Promise<Observation> =>
      until(async () => {
        const seen = await see(id);
        return seen?.phase === phase ? seen : null;
      }, `${id} to be ${phase}`);

    it('runs what is submitted, and lists it until it is forgotten', async () => {
      const { allocationId: id } = await submit('echo hello; exit 4');
      expect(await until_(id, 'ended')).toMatchObject({ outcome: 'exited', exitCode: 4 });
      await until(() => variant.log(id) === 'hello\n' || null, 'the log');
      await broker.forget([id]);
      expect(await see(id)).toBeUndefined();
      await broker.forget([id]);
    });

    it('submitted again, it is the same one', async () => {
      const order = await submit('echo once; sleep 100');
      await until(() => variant.log(order.allocationId) === 'once\n' || null, 'its start');
      await broker.submit(order, 60);
      await broker.submit(order, 60);
      expect(
        (await broker.list()).filter(({ allocationId }) => allocationId === order.allocationId),
      ).toHaveLength(1);
      await broker.stop({
        allocationId: order.allocationId,
        reason: 'cancelled',
        graceSeconds: 0,
        renewed: true,
      });
      await until_(order.allocationId, 'ended');
      // Ended is ended: an order that is repeated late does not bring it back.
      await broker.submit(order, 60);
      expect(await see(order.allocationId)).toMatchObject({ phase: 'ended', outcome: 'stopped' });
      await until(() => variant.log(order.allocationId) === 'once\n' || null, 'the log');
    });

    it('stops with SIGTERM and a grace, says how, and takes it twice', async () => {
      const { allocationId: id } = await submit(
        `trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done`,
      );
      await until(() => variant.log(id).includes('up') || null, 'the trap to be set');
      const stop = { allocationId: id, reason: 'cancelled', graceSeconds: 20, renewed: true } as const;
      await broker.stop(stop);
      await broker.stop(stop);
      expect(await until_(id, 'ended')).toMatchObject({ outcome: 'stopped', exitCode: 0 });
      await until(() => variant.log(id).endsWith('bye\n') || null, 'its last words');
    });

    it('does nothing for ids that it does not know', async () => {
      await broker.stop({
        allocationId: 'alc-unknown',
        reason: 'cancelled',
        graceSeconds: 0,
        renewed: false,
      });
      await broker.renew([{ allocationId: 'alc-unknown', paidSeconds: 60 }], 6);
      await broker.forget(['alc-unknown']);
      expect(await broker.list()).toEqual([]);
    });

    it('ends what is not renewed, and only that', async () => {
      const dies = await submit('sleep 100', 2);
      const lives = await submit('sleep 100', 2);
      const renewing = setInterval(() => void broker.renew([renewal(lives)], 6), 300);
      expect(await until_(dies.allocationId, 'ended')).toMatchObject({ outcome: 'lease-expired' });
      expect(await see(lives.allocationId)).toMatchObject({ phase: 'running' });
      clearInterval(renewing);
    });

    it('ends what is paid for no longer, however its lease is renewed, and only that', async () => {
      const [dies, lives] = [await pays(2), await pays(3)];
      const renewing = setInterval(() => void broker.renew([renewal(dies), renewal(lives, 3_600)], 6), 300);
      const seen = await until_(dies.allocationId, 'ended');
      expect(seen).toMatchObject({ outcome: 'unpaid' });
      expect(seen.ranMs).toBeLessThanOrEqual(2_000);
      await until(
        async () => ((await see(lives.allocationId))?.ranMs ?? 0) > 3_000 || null,
        'the other to go on',
      );
      expect(await see(lives.allocationId)).toMatchObject({ phase: 'running' });
      clearInterval(renewing);
    });

    it('after a restart of the service: what runs goes on, what ended is told', async () => {
      const goesOn = await submit('echo up; sleep 100');
      const ends = await submit('exit 6');
      await until_(goesOn.allocationId, 'running');
      broker = await variant.restart();
      expect(await until_(ends.allocationId, 'ended')).toMatchObject({ outcome: 'exited', exitCode: 6 });
      expect(await see(goesOn.allocationId)).toMatchObject({ phase: 'running' });
      await broker.submit(goesOn, 60);
      await until(() => variant.log(goesOn.allocationId) === 'up\n' || null, 'one start');
      await broker.forget([goesOn.allocationId, ends.allocationId]);
      expect(await broker.list()).toEqual([]);
    });
  });
}
