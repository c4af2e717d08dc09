import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UplinkRefused } from '../../src/agent/uplink.ts';
import { openRig, processesOf, shell, until, type Rig } from './rig.ts';

const GPUS = [0, 1, 2, 3].map((index) => ({ index, model: 'H100', memoryGiB: 80 }));

describe('running a job', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ gpus: GPUS });
  });
  afterAll(() => rig.close());

  it('reports the exit code, the run time and the whole output in order', async () => {
    const id = rig.start({ command: shell('echo one; echo two >&2; echo three > /dev/stderr; exit 3') });
    const seen = await rig.ended(id);
    expect(seen).toMatchObject({ outcome: 'exited', exitCode: 3, detail: null });
    expect(seen.ranMs).toBeGreaterThanOrEqual(0);
    await until(() => rig.depot.text(id) === 'one\ntwo\nthree\n' || null, 'the log');
  });

  it('says 128 and the number for a signal, 127 and 126 as a shell does', async () => {
    const killed = rig.start({ command: shell('kill -9 $$') });
    const missing = rig.start({ command: ['no-such-program'] });
    const data = rig.start({ command: ['/etc/passwd'] });
    expect(await rig.ended(killed)).toMatchObject({
      outcome: 'exited',
      exitCode: 137,
      detail: 'killed by SIGKILL',
    });
    expect(await rig.ended(missing)).toMatchObject({ outcome: 'exited', exitCode: 127 });
    expect(await rig.ended(data)).toMatchObject({ outcome: 'exited', exitCode: 126 });
    await until(
      () => rig.depot.text(missing).includes('no-such-program: not found') || null,
      'the reason in the log',
    );
  });

  it('shows the job what it should see and nothing of the agent', async () => {
    process.env['NARU_AGENT_KEY'] = 'naru_secret_of_the_agent';
    const id = rig.start({
      command: ['env'],
      env: { LR: '1e-4', LANG: 'ko_KR.UTF-8', NARU_JOB_ID: 'forged', CUDA_VISIBLE_DEVICES: '0,1,2,3' },
      gpuCount: 2,
      attempt: 3,
    });
    await rig.ended(id);
    const text = await until(() => rig.depot.text(id) || null, 'the log');
    delete process.env['NARU_AGENT_KEY'];
    const seen = Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    const job = join(rig.dataDir, 'jobs', id);
    expect(seen).toEqual({
      PATH: process.env['PATH'],
      HOME: join(job, 'work'),
      TMPDIR: join(job, 'work/tmp'),
      LANG: 'ko_KR.UTF-8',
      LR: '1e-4',
      NARU_JOB_ID: expect.stringMatching(/^job-test-/),
      NARU_ALLOCATION_ID: id,
      NARU_ATTEMPT: '3',
      NARU_CHECKPOINT_DIR: join(job, 'checkpoint'),
      CUDA_VISIBLE_DEVICES: '0,1',
      NVIDIA_VISIBLE_DEVICES: '0,1',
    });
  });

  it('gives each GPU to one job at a time, and none to a job that asks for none', async () => {
    const three = rig.start({ command: shell('echo $CUDA_VISIBLE_DEVICES; sleep 100'), gpuCount: 3 });
    const two = rig.start({ command: shell('true'), gpuCount: 2 });
    const one = rig.start({ command: shell('echo $CUDA_VISIBLE_DEVICES'), gpuCount: 1 });
    const none = rig.start({ command: shell('echo "<${CUDA_VISIBLE_DEVICES-unset}>"') });
    const five = rig.start({ command: shell('true'), gpuCount: 5 });
    expect(await rig.ended(two)).toMatchObject({ outcome: 'no-capacity', ranMs: null });
    expect(await rig.ended(five)).toMatchObject({ outcome: 'refused', ranMs: null });
    await rig.ended(one);
    await until(() => rig.depot.text(one) === '3\n' || null, 'the last GPU');
    await until(() => rig.depot.text(none) === '<>\n' || null, 'no GPU');
    rig.executor.stop(three, 0);
    await rig.ended(three);
    const again = rig.start({ command: shell('echo $CUDA_VISIBLE_DEVICES'), gpuCount: 3 });
    await until(() => rig.depot.text(again) === '0,1,2\n' || null, 'the GPUs that became free');
  });

  it('takes an order once, however often it comes', async () => {
    const id = rig.start({ command: shell('echo started; sleep 100'), allocationId: 'alc-once' });
    await until(() => rig.depot.text(id) === 'started\n' || null, 'its start');
    rig.start({ command: shell('echo twice'), allocationId: 'alc-once' });
    rig.executor.stop(id, 0);
    await rig.ended(id);
    rig.start({ command: shell('echo twice'), allocationId: 'alc-once' });
    await until(() => rig.depot.text(id) === 'started\n' || null, 'the log');
    expect(processesOf(id)).toEqual([]);
  });

  it('refuses an id that would leave its folder', () => {
    rig.start({ command: shell('true'), allocationId: '../../escape' });
    expect(rig.see('../../escape')).toBeUndefined();
  });

  it('says that an allocation of which there is no record is lost', () => {
    rig.executor.expect('alc-unheard-of');
    expect(rig.see('alc-unheard-of')).toMatchObject({ phase: 'ended', outcome: 'lost' });
    rig.executor.forget('alc-unheard-of');
    expect(rig.see('alc-unheard-of')).toBeUndefined();
  });

  it('forgets a job without a trace, once its log is through', async () => {
    const id = rig.start({ command: shell('echo last words') });
    await rig.ended(id);
    rig.executor.forget(id);
    expect(rig.see(id)).toBeUndefined();
    await until(() => (rig.depot.text(id) === 'last words\n' ? true : null), 'the log');
    await until(() => !readdirSync(join(rig.dataDir, 'jobs')).includes(id) || null, 'the folder to go');
  });
});

describe('the end of a job', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.close());

  it('takes along what forked twice and ignores SIGTERM', async () => {
    const daemon = `trap '' TERM HUP; while :; do sleep 0.1; done`;
    const id = rig.start({
      command: shell(`(setsid sh -c "(${daemon}) & ${daemon}" &) ; sleep 0.3; exit 0`),
    });
    const seen = await rig.ended(id);
    expect(seen).toMatchObject({ outcome: 'exited', exitCode: 0 });
    expect(processesOf(id)).toEqual([]);
  });

  it('SIGTERM first, and the job may use its grace', async () => {
    const id = rig.start({
      command: shell('trap "sleep 0.3; echo saved; exit 0" TERM; echo up; while :; do sleep 0.05; done'),
    });
    await until(() => rig.depot.text(id).includes('up') || null, 'the trap to be set');
    rig.executor.stop(id, 10_000);
    const seen = await rig.ended(id);
    expect(seen).toMatchObject({ outcome: 'stopped', exitCode: 0 });
    await until(() => rig.depot.text(id).includes('saved') || null, 'its last words');
  });

  it('SIGKILL after the grace, to everything', async () => {
    const id = rig.start({
      command: shell(
        `trap '' TERM; echo up; sh -c "trap '' TERM; while :; do sleep 0.05; done" & while :; do sleep 0.05; done`,
      ),
    });
    await until(() => rig.depot.text(id).includes('up') || null, 'the trap to be set');
    rig.executor.stop(id, 300);
    expect(await rig.ended(id)).toMatchObject({ outcome: 'stopped', exitCode: 137 });
    expect(processesOf(id)).toEqual([]);
  });

  it('a lease that is not renewed ends the job, whatever it does about SIGTERM', async () => {
    const id = rig.start({ command: shell(`trap '' TERM; while :; do sleep 0.05; done`) }, 1_500);
    await rig.until(id, 'running');
    expect(await rig.ended(id)).toMatchObject({ outcome: 'lease-expired', exitCode: 137 });
    expect(processesOf(id)).toEqual([]);
  });

  it('a renewed lease does not', async () => {
    const id = rig.start({ command: shell('sleep 2.5; exit 7') }, 1_500);
    const end = rig.keepLeases();
    expect(await rig.ended(id)).toMatchObject({ outcome: 'exited', exitCode: 7 });
    end();
  });

  it('an order that comes after its lease starts nothing', async () => {
    const id = rig.start({ command: shell('echo ran') }, -1);
    expect(await rig.ended(id)).toMatchObject({ outcome: 'lease-expired', ranMs: null });
    expect(rig.depot.text(id)).toBe('');
  });

  it('of one that is stopped before it was started is told at once', async () => {
    rig.depot.fault = new Error('unreachable');
    const restore = { id: 'chk-9', sizeBytes: 1, sha256: '0'.repeat(64) };
    const id = rig.start({ command: shell('echo ran'), restore });
    expect(rig.see(id)).toMatchObject({ phase: 'starting' });
    rig.executor.stop(id, 0);
    expect(await rig.ended(id)).toMatchObject({ outcome: 'stopped', ranMs: null });
  });
});

describe('limits', () => {
  it('a job over its memory is killed and told so', async (test) => {
    const rig = await openRig();
    try {
      if (rig.executor.limits().mode === 'none') test.skip('no writable cgroup on this machine');
      const id = rig.start({
        command: shell('head -c 200m /dev/zero | tail > /dev/null; exit $?'),
        memoryGiB: 0.05,
      });
      const seen = await rig.ended(id);
      expect(seen.exitCode).not.toBe(0);
      expect(seen.detail).toMatch(/^out of memory: .* limit of 0\.05 GiB/);
    } finally {
      await rig.close();
    }
  });
});

describe('services', () => {
  it('gets a port of its own and is seen to serve once it is healthy', async () => {
    const rig = await openRig();
    try {
      const script = `
        const http = require('node:http'); let calls = 0;
        http.createServer((q, r) => { r.statusCode = q.url === '/health' && ++calls > 2 ? 200 : 503; r.end('hi'); }).listen(process.env.NARU_PORT);`;
      const serve = { port: 18999, healthPath: '/health' };
      const command = [process.execPath, '-e', script];
      const first = rig.start({ command, serve });
      expect(await rig.until(first, 'running')).toMatchObject({ serving: false, endpoint: null });
      const seen = await until(
        () => (rig.see(first)?.serving === true ? rig.see(first) : null),
        'the service',
      );
      expect((await fetch(seen.endpoint ?? '')).status).toBe(503);
      const second = rig.start({ command, serve });
      const other = await until(
        () => (rig.see(second)?.serving === true ? rig.see(second) : null),
        'the second service',
      );
      expect(other.endpoint).not.toBe(seen.endpoint);
      rig.executor.stop(first, 0);
      expect(await rig.ended(first)).toMatchObject({ serving: false });
    } finally {
      await rig.close();
    }
  });
});

describe('another executor on the same folder', () => {
  it('finds the jobs, and what ended meanwhile is told as it was', async () => {
    const rig = await openRig();
    try {
      const goesOn = rig.start({
        command: shell('for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done; sleep 100'),
      });
      const ends = rig.start({ command: shell('sleep 0.5; echo bye; exit 9') });
      await rig.until(goesOn, 'running');
      await rig.until(ends, 'running');
      await rig.reopen();
      expect(await rig.ended(ends)).toMatchObject({ outcome: 'exited', exitCode: 9 });
      expect(rig.see(goesOn)?.phase).toBe('running');
      await until(() => rig.depot.text(goesOn) === '1\n2\n3\n4\n5\n6\n' || null, 'the log, each line once');
      await until(() => rig.depot.text(ends) === 'bye\n' || null, 'the log of the one that ended');
      // The same job, not another of the same name.
      rig.executor.stop(goesOn, 0);
      await rig.ended(goesOn);
      expect(processesOf(goesOn)).toEqual([]);
    } finally {
      await rig.close();
    }
  });

  it('goes on with an order that was taken and not yet started', async () => {
    const rig = await openRig();
    try {
      rig.depot.fault = new Error('unreachable');
      const restore = { id: 'chk-1', sizeBytes: 1, sha256: '0'.repeat(64) };
      const id = rig.start({ command: shell('echo ran'), restore });
      await rig.reopen();
      expect(rig.see(id)).toMatchObject({ phase: 'starting' });
      // Renewed, its restore is tried again; without a checkpoint to be had it is refused for that.
      rig.depot.fault = new UplinkRefused('no such checkpoint');
      rig.keepLeases();
      expect(await rig.ended(id)).toMatchObject({ outcome: 'refused', ranMs: null });
    } finally {
      await rig.close();
    }
  });
});
