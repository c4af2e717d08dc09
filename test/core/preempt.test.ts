import { describe, expect, test } from 'vitest';
import { marketOf, stateOf } from '../../src/core/placement/decide.ts';
import { openPass } from '../../src/core/placement/pass.ts';
import { preemptFor, type Holder } from '../../src/core/placement/preempt.ts';
import type { QueuedJob } from '../../src/core/placement/types.ts';
import { jobOf, later, offerOf, poolOf, providerOf, worldOf } from './placement-world.ts';

const needs = { nodes: 1, cpus: 0, memoryGiB: 0 };
const holder = (n: string, over: Partial<Holder> = {}): Holder => ({
  allocationId: `alc-${n}`,
  jobId: `job-${n}`,
  provider: 'a',
  offer: 'h100',
  needs,
  priority: 50,
  startedAt: later(-600),
  ...over,
});
const world = worldOf({
  providers: [providerOf('a'), providerOf('b')],
  offers: [offerOf('a', 'h100', { capacity: 2, used: 2 }), offerOf('b', 'h100', { capacity: 1, used: 1 })],
});
const guarded = (id: string, over: Partial<QueuedJob> = {}): QueuedJob =>
  jobOf(id, { continuity: { mode: 'standby' } }, { queueRank: -1, ...over });
const victims = (
  jobs: QueuedJob[],
  holders: Holder[],
  leaving: Parameters<typeof preemptFor>[3] = [],
  of = world,
): Record<string, string[]> =>
  Object.fromEntries(
    preemptFor(openPass(marketOf(of), stateOf(of)), jobs, holders, leaving).map((one) => [
      one.jobId,
      one.victims.map(({ allocationId }) => allocationId),
    ]),
  );

describe('room for work that must not stop', () => {
  test('is made by the lowest priority, and of those by who has run for the shortest time', () => {
    const old = holder('old', { priority: 10, startedAt: later(-900) });
    const young = holder('young', { priority: 10, startedAt: later(-60) });
    expect(victims([guarded('j')], [holder('high'), old, young])).toEqual({ j: ['alc-young'] });
    expect(
      victims([guarded('j')], [holder('x', { priority: 40 }), holder('b', { provider: 'b', priority: 30 })]),
    ).toEqual({
      j: ['alc-b'],
    });
  });

  test('is made once for each: two jobs do not count on one place, and the first in turn comes first', () => {
    const all = [holder('1'), holder('2', { provider: 'b' })];
    const made = victims([guarded('j1'), guarded('j2'), guarded('j3')], all);
    expect(Object.keys(made)).toEqual(['j1', 'j2']);
    expect(Object.values(made).flat().sort()).toEqual(['alc-1', 'alc-2']);
  });

  test('is not made where some is about to be there', () => {
    const leaving = [{ allocationId: 'alc-x', provider: 'a', offer: 'h100', needs }];
    expect(victims([guarded('j')], [holder('1')], leaving)).toEqual({});
    expect(victims([guarded('j'), guarded('k')], [holder('1')], leaving)).toEqual({ k: ['alc-1'] });
  });

  test('is not made where its rules forbid the place, or nobody may be asked to go', () => {
    expect(victims([guarded('j')], [])).toEqual({});
    const apart = guarded('j', { apartFrom: ['a'] });
    expect(victims([apart], [holder('1')])).toEqual({});
    expect(victims([apart], [holder('1'), holder('2', { provider: 'b' })])).toEqual({ j: ['alc-2'] });
  });

  test('takes as many of a pool as are needed, where that is the place that costs the fewest', () => {
    const pooled = worldOf({
      providers: [providerOf('a')],
      offers: [
        offerOf('a', 'x8', { pool: 'host', capacity: 1 }),
        offerOf('a', 'x4', { pool: 'host', gpuCount: 4, capacity: 2, used: 2 }),
      ],
      pools: [poolOf('a', 'host', { gpus: 8, usedGpus: 8 })],
    });
    const eight = jobOf('j', { resources: { gpu: { count: 8 } }, continuity: { mode: 'active' } });
    const halves = [holder('1', { offer: 'x4' }), holder('2', { offer: 'x4' })];
    expect(victims([eight], halves, [], pooled)).toEqual({ j: ['alc-1', 'alc-2'] });
    expect(victims([eight], halves.slice(0, 1), [], pooled)).toEqual({});
  });
});
