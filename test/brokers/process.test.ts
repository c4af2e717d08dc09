import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAgentBroker } from '../../brokers/agent.ts';
import { BrokerFault } from '../../brokers/broker.ts';
import { createProcessBroker } from '../../brokers/process.ts';
import { isAlive, openDepot, orderOf, shell, until } from '../agent/rig.ts';
import { quiet } from '../harness/log.ts';
import { contract, type PushBroker, type Variant } from './contract.ts';

async function openProcess(): Promise<Variant & { readonly dataDir: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'naru-process-'));
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir);
  const depot = openDepot(dir);
  const make = (): PushBroker =>
    createProcessBroker({
      provider: 'here',
      dataDir,
      settings: { gpus: { count: 2, model: 'H100', memoryGiB: 80 } },
      host: depot,
      log: quiet,
      warden: { idleMs: 500 },
    });
  let broker = make();
  const wardenPid = (): number => Number(readFileSync(join(dataDir, 'warden.pid'), 'utf8').split(' ')[0]);
  return {
    broker,
    dataDir,
    log: depot.text,
    restart: async () => {
      await broker.close();
      broker = make();
      return broker;
    },
    close: async () => {
      await broker.close();
      const pid = await Promise.resolve()
        .then(wardenPid)
        .catch(() => 0);
      if (pid !== 0 && isAlive(pid)) {
        process.kill(pid, 'SIGTERM');
        await until(() => !isAlive(pid) || null, 'the warden to go');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

contract('process', openProcess);

describe('process', () => {
  it('a warden that does not answer is a fault, and nothing is believed renewed', async () => {
    const variant = await openProcess();
    const { broker } = variant;
    try {
      const order = orderOf({ command: shell('sleep 100') });
      await broker.submit(order, 4);
      await until(async () => (await broker.list())[0]?.phase === 'running' || null, 'the job to run');
      const pid = Number(readFileSync(join(variant.dataDir, 'warden.pid'), 'utf8').split(' ')[0]);
      process.kill(pid, 'SIGSTOP');
      const fault = await broker.list().then(
        () => null,
        (error: unknown) => error,
      );
      expect(fault).toBeInstanceOf(BrokerFault);
      expect((fault as BrokerFault).fault).toBe('unreachable');
      // The sentinel ends what it lets outlive its lease, and it is given up for that; the next one answers.
      const seen = await until(
        () =>
          broker.list().then(
            (list) => list[0],
            () => null,
          ),
        'another warden',
      );
      expect(seen).toMatchObject({
        allocationId: order.allocationId,
        phase: 'ended',
        outcome: 'lease-expired',
      });
    } finally {
      await variant.close();
    }
  });

  it('a data folder that another process works on is a fault', async () => {
    const variant = await openProcess();
    try {
      await variant.broker.list();
      const other = createProcessBroker({
        provider: 'here',
        dataDir: variant.dataDir,
        settings: {},
        host: openDepot(variant.dataDir),
        log: quiet,
      });
      const keep = setInterval(() => void variant.broker.list(), 500);
      await expect(other.list()).rejects.toMatchObject({ fault: 'unreachable' });
      clearInterval(keep);
      await other.close();
    } finally {
      await variant.close();
    }
  });

  it('gives GPUs as its settings say', async () => {
    const variant = await openProcess();
    try {
      const one = orderOf({ command: shell('echo $CUDA_VISIBLE_DEVICES; sleep 100'), gpuCount: 2 });
      const two = orderOf({ command: shell('true'), gpuCount: 1 });
      await variant.broker.submit(one, 60);
      await variant.broker.submit(two, 60);
      await until(() => variant.log(one.allocationId) === '0,1\n' || null, 'both');
      expect(await variant.broker.list()).toContainEqual(
        expect.objectContaining({ allocationId: two.allocationId, outcome: 'no-capacity' }),
      );
    } finally {
      await variant.close();
    }
  });
});

describe('agent', () => {
  it('is not called: it dials in', () => {
    expect(createAgentBroker()).toEqual({ kind: 'agent', way: 'pull' });
  });
});
