import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataFolder } from '../../src/agent/dataFolder.ts';
import { parseStat } from '../../src/agent/tree.ts';
import type { Observation, Order } from '../../src/core/order.ts';
import { isAlive, orderOf, processesOf, shell, until } from './rig.ts';

/** One letter, as ps shows it: T is stopped. */
const stateOf = (pid: number): string | undefined =>
  parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.state;

const HOLDER = join(import.meta.dirname, 'holder.ts');

/** An agent process, and what it last said. */
interface Holder {
  readonly child: ChildProcess;
  see(id: string): Observation | undefined;
}

describe('an agent that is killed or frozen', () => {
  let dir: string;
  let dataDir: string;
  const holders: Holder[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'naru-faults-'));
    dataDir = openDataFolder(join(dir, 'data')).dataDir;
  });
  afterEach(async () => {
    for (const { child } of holders.splice(0)) child.kill('SIGKILL');
    const warden = wardenPid();
    if (warden !== null && isAlive(warden)) {
      process.kill(warden, 'SIGTERM');
      await until(() => !isAlive(warden) || null, 'the warden to go');
    }
    rmSync(dir, { recursive: true, force: true });
  });

  const hold = (orders: readonly Order[], leaseMs = 2_500): Holder => {
    const child = spawn(process.execPath, [HOLDER, dataDir, JSON.stringify(orders), String(leaseMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let last: Observation[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => (last = JSON.parse(line) as Observation[]));
    const holder = { child, see: (id: string) => last.find(({ allocationId }) => allocationId === id) };
    holders.push(holder);
    return holder;
  };
  const wardenPid = (): number | null => {
    try {
      return Number(readFileSync(join(dataDir, 'warden.pid'), 'utf8').split(' ')[0]);
    } catch {
      return null;
    }
  };
  const runs = (holder: Holder, id: string) =>
    until(() => holder.see(id)?.phase === 'running' || null, `${id} to run`);
  const ends = (holder: Holder, id: string) =>
    until(() => {
      const seen = holder.see(id);
      return seen?.phase === 'ended' ? seen : null;
    }, `${id} to end`);

  const stubborn = `trap '' TERM; (setsid sh -c "trap '' TERM; while :; do sleep 0.1; done" &); while :; do sleep 0.1; done`;

  it('frozen (SIGSTOP): the lease ends the job all the same, and it is said when the agent wakes up', async () => {
    const order = orderOf({ command: shell(stubborn) });
    const agent = hold([order]);
    await runs(agent, order.allocationId);
    agent.child.kill('SIGSTOP');
    await until(
      () => processesOf(order.allocationId).length === 0 || null,
      'the job to be ended by its lease',
    );
    agent.child.kill('SIGCONT');
    expect(await ends(agent, order.allocationId)).toMatchObject({ outcome: 'lease-expired' });
  });

  it('killed alone: the job goes on, and its end is told by the next agent', async () => {
    const order = orderOf({ command: shell(`until [ -e ${dir}/go ]; do sleep 0.05; done; exit 11`) });
    const agent = hold([order], 15_000);
    await runs(agent, order.allocationId);
    const before = processesOf(order.allocationId);
    agent.child.kill('SIGKILL');
    const next = hold([], 15_000);
    await runs(next, order.allocationId);
    expect(processesOf(order.allocationId)).toEqual(expect.arrayContaining(before.slice(0, 1)));
    writeFileSync(join(dir, 'go'), '');
    expect(await ends(next, order.allocationId)).toMatchObject({ outcome: 'exited', exitCode: 11 });
  });

  it('killed alone: what ended before the next agent came is told as it was', async () => {
    const order = orderOf({ command: shell(`until [ -e ${dir}/go ]; do sleep 0.05; done; exit 12`) });
    const agent = hold([order], 15_000);
    await runs(agent, order.allocationId);
    agent.child.kill('SIGKILL');
    writeFileSync(join(dir, 'go'), '');
    await until(() => processesOf(order.allocationId).length === 0 || null, 'the job to end');
    expect(await ends(hold([]), order.allocationId)).toMatchObject({ outcome: 'exited', exitCode: 12 });
  });

  it('killed together with the warden: nothing of the job goes on, and the next agent says that it is lost', async () => {
    const order = orderOf({ command: shell(stubborn) });
    const agent = hold([order], 60_000);
    await runs(agent, order.allocationId);
    await until(() => processesOf(order.allocationId).length > 2 || null, 'the daemon to be there');
    agent.child.kill('SIGKILL');
    process.kill(wardenPid() as number, 'SIGKILL');
    // Nobody is left who would know of a lease.
    await until(() => processesOf(order.allocationId).length === 0 || null, 'the job to end');
    const next = hold([]);
    expect(await ends(next, order.allocationId)).toMatchObject({ outcome: 'lost', exitCode: null });
  });

  it('only the warden is killed: its jobs are lost, and new ones run', async () => {
    const order = orderOf({ command: shell(stubborn) });
    const agent = hold([order], 60_000);
    await runs(agent, order.allocationId);
    process.kill(wardenPid() as number, 'SIGKILL');
    expect(await ends(agent, order.allocationId)).toMatchObject({ outcome: 'lost' });
    expect(processesOf(order.allocationId)).toEqual([]);
  });

  it('the warden is frozen: leases are kept without it, it is given up, and what was over is not called lost', async () => {
    const order = orderOf({ command: shell(stubborn) });
    const agent = hold([order], 2_500);
    await runs(agent, order.allocationId);
    process.kill(wardenPid() as number, 'SIGSTOP');
    expect(await ends(agent, order.allocationId)).toMatchObject({ outcome: 'lease-expired' });
    expect(processesOf(order.allocationId)).toEqual([]);
  });

  it('agent and warden are frozen: the lease ends every job all the same, and is what they tell when they wake up', async () => {
    const orders = [stubborn, stubborn, 'exec sleep 1000'].map((script) =>
      orderOf({ command: shell(script) }),
    );
    const ids = orders.map(({ allocationId }) => allocationId);
    const agent = hold(orders, 1_500);
    for (const id of ids) await runs(agent, id);
    await until(() => processesOf(ids[0] as string).length > 2 || null, 'the daemon to be there');
    const frozen = [agent.child.pid as number, wardenPid() as number];
    for (const pid of frozen) process.kill(pid, 'SIGSTOP');
    await until(() => ids.every((id) => processesOf(id).length === 0) || null, 'the jobs to end');
    for (const pid of frozen) expect(stateOf(pid)).toBe('T');
    // In either order: nothing that one of them still has to say may revive a job or hide why it ended.
    for (const pid of frozen) process.kill(pid, 'SIGCONT');
    for (const id of ids)
      expect(await ends(agent, id)).toMatchObject({ outcome: 'lease-expired', exitCode: 137 });
  });

  it('frozen (SIGSTOP): what is paid for no longer is stopped in order, and saved when the agent wakes up', async () => {
    const saves = `trap 'echo late > $NARU_CHECKPOINT_DIR/s; exit 0' TERM; while :; do sleep 0.05; done`;
    const order = orderOf({ command: shell(saves), paidSeconds: 4 });
    const agent = hold([order], 60_000);
    await runs(agent, order.allocationId);
    agent.child.kill('SIGSTOP');
    await until(() => processesOf(order.allocationId).length === 0 || null, 'the job to be ended');
    agent.child.kill('SIGCONT');
    const seen = await ends(agent, order.allocationId);
    expect(seen).toMatchObject({ outcome: 'unpaid', exitCode: 0 });
    expect(seen.ranMs).toBeLessThanOrEqual(4_000);
    expect(existsSync(join(dataDir, 'chk-1.tar'))).toBe(true);
  });

  it('agent and warden are frozen: nothing runs for longer than is paid, and that is what they tell', async () => {
    const order = orderOf({ command: shell(stubborn), paidSeconds: 3 });
    const agent = hold([order], 60_000);
    await runs(agent, order.allocationId);
    const frozen = [agent.child.pid as number, wardenPid() as number];
    for (const pid of frozen) process.kill(pid, 'SIGSTOP');
    await until(() => processesOf(order.allocationId).length === 0 || null, 'the job to be ended');
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    for (const pid of frozen) process.kill(pid, 'SIGCONT');
    const seen = await ends(agent, order.allocationId);
    expect(seen).toMatchObject({ outcome: 'unpaid', exitCode: 137 });
    expect(seen.ranMs).toBeLessThanOrEqual(3_000);
  });

  it('the warden is frozen and then killed: what was paid for no longer is not called lost', async () => {
    const order = orderOf({ command: shell(stubborn), paidSeconds: 3 });
    const agent = hold([order], 60_000);
    await runs(agent, order.allocationId);
    const warden = wardenPid() as number;
    process.kill(warden, 'SIGSTOP');
    await until(() => processesOf(order.allocationId).length === 0 || null, 'the job to be ended');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    process.kill(warden, 'SIGKILL');
    const seen = await ends(agent, order.allocationId);
    expect(seen).toMatchObject({ outcome: 'unpaid' });
    expect(seen.ranMs).toBeLessThanOrEqual(3_000);
  });

  it('what ended by itself is not called expired because they were frozen meanwhile', async () => {
    const done = orderOf({ command: shell(`until [ -e ${dir}/go ]; do sleep 0.05; done; exit 7`) });
    const agent = hold([done], 30_000);
    await runs(agent, done.allocationId);
    const frozen = [agent.child.pid as number, wardenPid() as number];
    for (const pid of frozen) process.kill(pid, 'SIGSTOP');
    writeFileSync(join(dir, 'go'), '');
    await until(() => processesOf(done.allocationId).length === 0 || null, 'the job to end');
    for (const pid of frozen) process.kill(pid, 'SIGCONT');
    expect(await ends(agent, done.allocationId)).toMatchObject({ outcome: 'exited', exitCode: 7 });
  });

  it('leases that are renewed are left alone by whoever else watches them', async () => {
    const order = orderOf({ command: shell('exec sleep 1000') });
    const agent = hold([order], 2_000);
    await runs(agent, order.allocationId);
    const before = processesOf(order.allocationId);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(agent.see(order.allocationId)?.phase).toBe('running');
    expect(processesOf(order.allocationId)).toEqual(before);
  });

  it('what a job starts comes after its agent and warden, and is no more urgent than the agent was made', async () => {
    const order = orderOf({ command: shell('sleep 1000 & wait') });
    const agent = hold([order], 15_000);
    await runs(agent, order.allocationId);
    await until(() => processesOf(order.allocationId).length > 1 || null, 'what it starts');
    const keepers = [agent.child.pid as number, wardenPid() as number].map(getPriority);
    for (const nice of processesOf(order.allocationId).map(getPriority)) {
      expect(nice).toBeGreaterThan(Math.max(...keepers));
      expect(nice).toBeGreaterThanOrEqual(getPriority());
    }
  });

  it('a second agent on the same folder is refused', async () => {
    const first = hold([orderOf({ command: shell('sleep 100') })], 60_000);
    await until(() => wardenPid(), 'the warden');
    await until(() => first.see(`x`) === undefined || null, 'the first agent');
    const second = spawn(process.execPath, [HOLDER, dataDir], { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    second.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const code = await new Promise((resolve) => second.once('exit', resolve));
    expect(code).toBe(1);
    expect(complaint).toContain('another agent is using this data folder');
  });
});
