import { describe, expect, it } from 'vitest';
import { isHarmless } from '../../src/agent/archive.ts';
import { isUsableId } from '../../src/agent/folders.ts';
import { chooseGpus, findGpus, parseSmi } from '../../src/agent/gpus.ts';
import { LEASE_WARNING_MS, dueAt, paidEnds, whatIsDue, type Fate } from '../../src/agent/lease.ts';
import { niceOfJobs } from '../../src/agent/priority.ts';
import { lineReader } from '../../src/agent/protocol.ts';
import { turnstile } from '../../src/agent/saver.ts';
import { parseStat } from '../../src/agent/tree.ts';

const fate = (more: Partial<Fate> = {}): Fate => ({
  deadlineMs: 10_000,
  paidUntilMs: Number.POSITIVE_INFINITY,
  windDownMs: Number.POSITIVE_INFINITY,
  stopAtMs: Number.POSITIVE_INFINITY,
  termSent: false,
  killed: false,
  cause: null,
  ...more,
});

const paid = (more: Partial<Fate> = {}): Fate => fate({ paidUntilMs: 9_000, windDownMs: 6_000, ...more });

describe('the nice value of jobs', () => {
  it.each([
    ['what the agent was started with, where the warden is raised', 0, -5, { value: 0, above: 5 }],
    ['… however little that was', 19, -5, { value: 19, above: 24 }],
    [
      '… or that much below the warden, which was more urgent from the start',
      -20,
      -20,
      { value: -15, above: 5 },
    ],
    ['below the warden where it may not be raised', 0, 0, { value: 5, above: 5 }],
    ['no further down than there is', 17, 17, { value: 19, above: 2 }],
  ])('%s', (_name, given, own, nice) => {
    expect(niceOfJobs(given, own)).toEqual(nice);
  });
});

describe('leases', () => {
  it.each([
    ['long before its end: nothing', fate(), 0, null],
    [
      'shortly before: SIGTERM',
      fate(),
      10_000 - LEASE_WARNING_MS,
      { signal: 'SIGTERM', cause: 'lease-expired' },
    ],
    ['once', fate({ termSent: true, cause: 'lease-expired' }), 9_900, null],
    [
      'at its end: SIGKILL',
      fate({ termSent: true, cause: 'lease-expired' }),
      10_000,
      { signal: 'SIGKILL', cause: 'lease-expired' },
    ],
    ['also without a warning', fate(), 99_999, { signal: 'SIGKILL', cause: 'lease-expired' }],
    ['once, too', fate({ killed: true, cause: 'lease-expired' }), 99_999, null],
    ['a stop: SIGTERM at once', fate({ stopAtMs: 5_000 }), 1_000, { signal: 'SIGTERM', cause: 'stopped' }],
    [
      'its grace is over: SIGKILL',
      fate({ stopAtMs: 5_000, termSent: true, cause: 'stopped' }),
      5_000,
      { signal: 'SIGKILL', cause: 'stopped' },
    ],
    [
      'a grace does not outlast the lease',
      fate({ stopAtMs: 50_000, termSent: true, cause: 'stopped' }),
      10_000,
      { signal: 'SIGKILL', cause: 'stopped' },
    ],
    [
      'no grace at all: SIGKILL at once',
      fate({ stopAtMs: 1_000 }),
      1_000,
      { signal: 'SIGKILL', cause: 'stopped' },
    ],
    [
      'the first cause counts',
      fate({ termSent: true, cause: 'lease-expired', stopAtMs: 9_950 }),
      9_960,
      { signal: 'SIGKILL', cause: 'lease-expired' },
    ],
    ['in time before its paid time is over: SIGTERM', paid(), 6_000, { signal: 'SIGTERM', cause: 'unpaid' }],
    ['not before that', paid(), 5_999, null],
    [
      'when it is over: SIGKILL',
      paid({ termSent: true, cause: 'unpaid' }),
      9_000,
      { signal: 'SIGKILL', cause: 'unpaid' },
    ],
    ['also without a warning', paid(), 99_999, { signal: 'SIGKILL', cause: 'unpaid' }],
    [
      'a grace does not outlast it',
      paid({ stopAtMs: 50_000, termSent: true, cause: 'stopped' }),
      9_000,
      { signal: 'SIGKILL', cause: 'stopped' },
    ],
    [
      'nor does it outlast the lease',
      paid({ deadlineMs: 4_000 }),
      4_000,
      { signal: 'SIGKILL', cause: 'lease-expired' },
    ],
  ])('%s', (_name, given, now, due) => {
    expect(whatIsDue(given, now)).toEqual(due);
  });

  it('something is due whenever dueAt says so, and nothing before', () => {
    for (const given of [
      fate(),
      fate({ termSent: true }),
      paid(),
      paid({ termSent: true, cause: 'unpaid' }),
      fate({ stopAtMs: 3_000, termSent: true, cause: 'stopped' }),
    ]) {
      const at = dueAt(given);
      expect(whatIsDue(given, at)).not.toBeNull();
      expect(whatIsDue(given, at - 1)).toBeNull();
    }
    expect(dueAt(fate({ killed: true }))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the paid time', () => {
  it('leaves what a stop and a last checkpoint take, half of it where it is short, and ends before it is over', () => {
    const [startedMs, graceMs] = [7_000, 10_000];
    for (const paidMs of [0, 1_000, 3_000, 80_000, 3_600_000]) {
      const { windDownMs, paidUntilMs } = paidEnds(startedMs, paidMs, graceMs);
      expect(windDownMs).toBe(startedMs + Math.max(paidMs / 2, paidMs - 40_000));
      expect(paidUntilMs).toBeLessThan(startedMs + paidMs);
    }
    expect(paidEnds(startedMs, null, graceMs)).toEqual({ windDownMs: Infinity, paidUntilMs: Infinity });
  });
});

describe('GPUs', () => {
  it('are read from nvidia-smi', () => {
    const csv = '0, NVIDIA H100 80GB HBM3, 81559\n1, NVIDIA A100-SXM4-40GB, 40960\nx, y, z\n2, Odd, [N/A]\n';
    expect(parseSmi(csv)).toEqual([
      { index: 0, model: 'NVIDIA H100 80GB HBM3', memoryGiB: 79.6 },
      { index: 1, model: 'NVIDIA A100-SXM4-40GB', memoryGiB: 40 },
      { index: 2, model: 'Odd', memoryGiB: 0 },
    ]);
  });

  it('are what the operator says, where he does', async () => {
    expect(await findGpus({ count: 2, model: 'H100', memoryGiB: 80 })).toHaveLength(2);
    expect(await findGpus({ count: 0, model: '', memoryGiB: 0 })).toEqual([]);
  });

  it('are given out by index', () => {
    const gpus = [0, 1, 5].map((index) => ({ index, model: 'x', memoryGiB: 1 }));
    expect(chooseGpus(gpus, new Set([1]), 2)).toEqual([0, 5]);
    expect(chooseGpus(gpus, new Set([1]), 3)).toBeNull();
    expect(chooseGpus([], new Set(), 0)).toEqual([]);
  });
});

describe('small parts', () => {
  it('a process named to confuse is still read right', () => {
    const stat = '12 (a) b (c) R 1 34 56 0 -1 4194304 1 2 3 4 5 6 7 8 9 10 11 12 987654 0';
    expect(parseStat(stat)).toEqual({ state: 'R', group: 34, session: 56, startTicks: '987654' });
  });

  it.each(['..', '.', 'a/b', '', 'A', '-x', 'x'.repeat(101), 'a\0b'])('%j is no id', (id) => {
    expect(isUsableId(id)).toBe(false);
  });

  it('lines arrive whole, however they are cut', () => {
    const got: unknown[] = [];
    const read = lineReader((message) => got.push(message));
    for (const chunk of ['{"a"', ':1}\n{"b":2}\n{"c', '":3}', '\n']) read(chunk);
    expect(got).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }]);
  });

  it('what may be unpacked stays inside', () => {
    const link = (name: string, linkpath: string) => isHarmless(name, { type: 'SymbolicLink', linkpath });
    expect(link('a/b', '../c')).toBe(true);
    expect(link('a/b', '../../c')).toBe(false);
    expect(link('a', '/etc')).toBe(false);
    expect(isHarmless('a/../../b', { type: 'File' })).toBe(false);
    expect(isHarmless('x', { type: 'BlockDevice' })).toBe(false);
  });

  it('a turnstile lets in so many at a time, also when one fails', async () => {
    const turn = turnstile(2);
    let inside = 0;
    let most = 0;
    const work = async (fail: boolean) => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside -= 1;
      if (fail) throw new Error('failed');
    };
    await Promise.allSettled([true, false, true, false, false].map((fail) => turn(() => work(fail))));
    expect(most).toBe(2);
    expect(inside).toBe(0);
  });
});
