import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { upMs } from '../../src/agent/clock.ts';
import { openFolders } from '../../src/agent/folders.ts';
import type { Observation, Order } from '../../src/core/order.ts';
import { openRig, orderOf, processesOf, shell, until, type Rig } from './rig.ts';

/** Writes down what it has when it is told to stop, and goes. */
const SAVES = shell(
  `trap 'echo late > $NARU_CHECKPOINT_DIR/s; exit 0' TERM; echo up; while :; do sleep 0.05; done`,
);
const STUBBORN = shell(
  `trap '' TERM; (setsid sh -c "trap '' TERM; while :; do sleep 0.1; done" &); while :; do sleep 0.1; done`,
);
const HOUR = 3_600;

describe('a run ends with the time that is paid', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig();
  });
  afterEach(() => rig.close());

  const starts = async (order: Partial<Order> & Pick<Order, 'command'>): Promise<string> => {
    const id = rig.start(order);
    await rig.until(id, 'running');
    return id;
  };
  const pay = (allocationId: string, paidSeconds: number) =>
    rig.executor.pay([{ allocationId, paidSeconds }]);
  const gone = (id: string) => until(() => processesOf(id).length === 0 || null, 'it to be ended');
  const unpaid = (seen: Observation, paidSeconds: number) => {
    expect(seen).toMatchObject({ outcome: 'unpaid', detail: expect.stringContaining('money') });
    expect(seen.ranMs).toBeLessThanOrEqual(paidSeconds * 1000);
  };
  const isSaved = (id: string): boolean => rig.depot.saved.some(({ allocationId }) => allocationId === id);

  it('however its lease is renewed: told in time, and its last checkpoint is saved before that is said', async () => {
    const id = await starts({ command: SAVES, paidSeconds: 3 });
    rig.keepLeases();
    const seen = await rig.ended(id);
    unpaid(seen, 3);
    expect(seen.exitCode).toBe(0);
    expect(isSaved(id)).toBe(true);
  });

  it('whatever it does about SIGTERM, with all that it started', async () => {
    const id = await starts({ command: STUBBORN, paidSeconds: 2, graceSeconds: 60 });
    rig.keepLeases();
    unpaid(await rig.ended(id), 2);
    expect(processesOf(id)).toEqual([]);
  });

  it('with nobody there who could be asked: the agent is gone, and the next one saves what it left', async () => {
    const id = await starts({ command: SAVES, paidSeconds: 3 });
    rig.executor.close(false);
    await gone(id);
    // The next agent comes later than that; it ran no longer for it.
    await wait(2_500);
    expect(isSaved(id)).toBe(false);
    await rig.reopen();
    unpaid(await rig.ended(id), 3);
    expect(isSaved(id)).toBe(true);
  });

  it('and goes on where more is paid in time; a word of less, or of nothing, takes nothing back', async () => {
    const id = await starts({ command: shell('sleep 4; exit 7'), paidSeconds: 3 });
    rig.keepLeases();
    pay(id, HOUR);
    pay(id, 1);
    rig.executor.pay([{ allocationId: id, paidSeconds: null }, { allocationId: id }]);
    expect(await rig.ended(id)).toMatchObject({ outcome: 'exited', exitCode: 7 });
  });

  it('also where it had no end before', async () => {
    const id = await starts({ command: SAVES });
    rig.keepLeases();
    await until(() => rig.depot.text(id) === 'up\n' || null, 'the trap to be set');
    pay(id, 2);
    unpaid(await rig.ended(id), 2);
  });

  it('after a restart of the agent, with what was paid by then', async () => {
    const id = await starts({ command: SAVES, paidSeconds: 2 });
    pay(id, 6);
    await rig.reopen();
    rig.keepLeases();
    const seen = await rig.ended(id);
    unpaid(seen, 6);
    // The order's own two seconds are no end any more.
    expect(seen.ranMs).toBeGreaterThan(2_000);
  });

  it('counted from its start, not from its order, and what was paid before that is known after a restart', async () => {
    rig.depot.fault = new Error('unreachable');
    const restore = { id: 'chk-1', sizeBytes: 1, sha256: '0'.repeat(64) };
    const id = rig.start({ command: SAVES, paidSeconds: 1, restore });
    pay(id, 2);
    await wait(2_500);
    expect(rig.see(id)).toMatchObject({ phase: 'starting', ranMs: null });
    await rig.reopen();
    // As if it had been restored.
    openFolders(rig.dataDir).write(id, 'saved.json', { fingerprint: '' });
    rig.depot.fault = null;
    rig.keepLeases();
    const seen = await rig.ended(id);
    unpaid(seen, 2);
    expect(seen.ranMs).toBeGreaterThan(500);
  });

  it('never begins where nothing is paid', async () => {
    const id = rig.start({ command: shell('echo ran'), paidSeconds: 0 });
    const seen = await rig.ended(id);
    expect(seen).toMatchObject({ outcome: 'unpaid', ranMs: null });
    expect(rig.depot.text(id)).toBe('');
  });

  it('has no end under a service that knows no money', async () => {
    const { paidSeconds: _, ...old } = orderOf({ command: shell('sleep 1; exit 5') });
    rig.executor.start(old as Order, upMs() + 60_000);
    expect(await rig.ended(old.allocationId)).toMatchObject({ outcome: 'exited', exitCode: 5 });
  });
});

describe('a standby ends with the time that is paid', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig({ gpus: [{ index: 0, model: 'H100', memoryGiB: 80 }] });
    rig.keepLeases();
  });
  afterEach(() => rig.close());

  const stands = async (paidSeconds: number): Promise<string> => {
    const id = rig.start({ command: shell('true'), standby: true, gpuCount: 1, paidSeconds });
    await rig.until(id, 'standby');
    return id;
  };

  it('counted from when it was ready, and its GPUs are free', async () => {
    const id = await stands(2);
    const seen = await rig.ended(id);
    expect(seen).toMatchObject({ outcome: 'unpaid' });
    expect(seen.ranMs).toBeLessThanOrEqual(2_000);
    const next = rig.start({ command: shell('exit 3'), gpuCount: 1 });
    expect(await rig.ended(next)).toMatchObject({ outcome: 'exited', exitCode: 3 });
  });

  it('stands on where more is paid, after a restart of the agent too, and ends then', async () => {
    const id = await stands(1);
    rig.executor.pay([{ allocationId: id, paidSeconds: 4 }]);
    await rig.reopen();
    const seen = await rig.ended(id);
    expect(seen).toMatchObject({ outcome: 'unpaid' });
    expect(seen.ranMs).toBeGreaterThan(1_000);
    expect(seen.ranMs).toBeLessThanOrEqual(4_000);
  });

  it('stood no longer though the agent was away when it was over', async () => {
    const id = await stands(1);
    rig.executor.close(false);
    expect(existsSync(join(rig.dataDir, 'jobs', id, 'exit.json'))).toBe(false);
    await wait(2_000);
    await rig.reopen();
    const seen = await rig.ended(id);
    expect(seen).toMatchObject({ outcome: 'unpaid' });
    expect(seen.ranMs).toBeLessThanOrEqual(1_000);
    expect(seen.endedAgoMs).toBeGreaterThanOrEqual(500);
  });
});
