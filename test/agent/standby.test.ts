import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFolders } from '../../src/agent/folders.ts';
import type { CheckpointRef } from '../../src/core/order.ts';
import { openRig, shell, until, type Rig } from './rig.ts';

const GPU = { index: 0, model: 'H100', memoryGiB: 80 };

describe('a standby', () => {
  let rig: Rig;
  let fetched: string[];
  beforeAll(async () => {
    rig = await openRig({ gpus: [GPU] });
    const { fetchCheckpoint } = rig.depot;
    rig.depot.fetchCheckpoint = (ref, signal) => {
      fetched.push(ref.id);
      return fetchCheckpoint(ref, signal);
    };
  });
  afterAll(() => rig.close());

  /** What a run saved that wrote this. */
  const checkpoint = async (text: string): Promise<CheckpointRef> => {
    const id = rig.start({
      command: shell(
        `echo ${text} > $NARU_CHECKPOINT_DIR/.s && mv $NARU_CHECKPOINT_DIR/.s $NARU_CHECKPOINT_DIR/s`,
      ),
    });
    const saved = await until(() => rig.depot.saved.find((one) => one.allocationId === id), 'it to be saved');
    await rig.ended(id);
    rig.executor.forget(id);
    return saved.ref;
  };
  const stands = (restore: CheckpointRef | null) =>
    rig.start({ command: shell('echo never > /proc/self/fd/1'), standby: true, gpuCount: 1, restore });
  const runs = (tookOver: string | null, restore: CheckpointRef | null) =>
    rig.start({ command: shell('cat $NARU_CHECKPOINT_DIR/s'), gpuCount: 1, restore, tookOver });
  /** The checkpoint that lies in it unpacked. */
  const holds = (id: string): string | null =>
    openFolders(rig.dataDir).read(id, 'warm.json')?.checkpoint ?? null;
  const says = (id: string, text: string) =>
    until(() => rig.depot.text(id) === text || null, `${id} to say it`);

  it('is ready with what its job saved, is kept new, never runs, and what lies there is the run’s', async () => {
    fetched = [];
    const [old, fresh] = [await checkpoint('one'), await checkpoint('two')];
    const id = stands(old);
    const ready = await rig.until(id, 'standby');
    expect(ready).toMatchObject({ outcome: null, endpoint: null });
    expect(ready.ranMs).toBeGreaterThanOrEqual(0);
    rig.executor.prepare(id, fresh);
    await until(() => holds(id) === fresh.id || null, 'the newer one to lie ready');
    rig.executor.prepare(id, fresh);
    expect(rig.see(id)?.phase).toBe('standby');
    // The one GPU is the standby's: the run gets it, and fetches nothing.
    const run = runs(id, fresh);
    await says(run, 'two\n');
    expect(await rig.ended(run)).toMatchObject({ outcome: 'exited', exitCode: 0 });
    expect(rig.see(id)).toMatchObject({ phase: 'ended', outcome: 'stopped' });
    expect(fetched).toEqual([old.id, fresh.id]);
    expect(rig.depot.text(id)).toBe('');
  });

  it('is taken over at any step of an exchange, and the run starts from what it was given', async () => {
    fetched = [];
    const [old, fresh] = [await checkpoint('before'), await checkpoint('after')];
    // So many turns of the event loop after the newer one was unpacked: before, amid and after the exchange.
    for (let turns = 0; turns < 60; turns += 2) {
      const id = stands(old);
      await until(() => holds(id) === old.id || null, 'it to be ready');
      rig.executor.prepare(id, fresh);
      const unpacked = join(rig.dataDir, 'jobs', id, 'checkpoint.next', 's');
      while (!existsSync(unpacked) && holds(id) === old.id) await immediate();
      for (let turn = 0; turn < turns; turn++) await immediate();
      const run = runs(id, old);
      await says(run, 'before\n');
      expect(await rig.ended(run)).toMatchObject({ outcome: 'exited', exitCode: 0 });
      for (const one of [id, run]) rig.executor.forget(one);
    }
  });

  it('that has something else ready, or is not there any more, is no hindrance: the run fetches what it needs', async () => {
    fetched = [];
    const [old, fresh] = [await checkpoint('three'), await checkpoint('four')];
    const id = stands(old);
    await rig.until(id, 'standby');
    const run = runs(id, fresh);
    await says(run, 'four\n');
    await rig.ended(run);
    const next = runs('alc-never-was', fresh);
    await says(next, 'four\n');
    await rig.ended(next);
    expect(fetched).toEqual([old.id, fresh.id, fresh.id]);
  });

  it('is ready still when the agent was started anew, and ends with its lease like a run', async () => {
    fetched = [];
    const id = stands(await checkpoint('five'));
    await rig.until(id, 'standby');
    await rig.reopen();
    const stop = rig.keepLeases();
    expect((await rig.until(id, 'standby')).ranMs).toBeGreaterThan(0);
    expect(fetched).toHaveLength(1);
    stop();
    expect(await rig.ended(id)).toMatchObject({ outcome: 'lease-expired' });
  });

  it('of which nothing was saved is ready at once, and one that cannot be had is refused', async () => {
    fetched = [];
    const id = stands(null);
    await rig.until(id, 'standby');
    rig.executor.stop(id, 0);
    expect(await rig.ended(id)).toMatchObject({ outcome: 'stopped' });
    const broken = { ...(await checkpoint('six')), sha256: '0'.repeat(64) };
    expect(await rig.ended(stands(broken))).toMatchObject({ outcome: 'refused' });
  });
});
