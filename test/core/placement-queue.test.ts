import { describe, expect, test } from 'vitest';
import { decidePlacements } from '../../src/core/placement/decide.ts';
import { HOLD_AFTER_SECONDS, MAX_HOLDS } from '../../src/core/placement/hold.ts';
import type { PlacementSnapshot, QueuedJob } from '../../src/core/placement/types.ts';
import { queueRankOf, AGING_MS_PER_POINT } from '../../src/core/queue-rank.ts';
import {
  jobOf,
  later,
  offerOf,
  poolOf,
  providerOf,
  rulesOf,
  worldOf,
  type SpecParts,
} from './placement-world.ts';

const alpha = providerOf('alpha');
const room = (capacity: number) => offerOf('alpha', 'a', { gpuCount: 1, capacity });

/** Who is placed, in the order in which they were served. */
function served(jobs: readonly QueuedJob[], rest: Partial<PlacementSnapshot> = {}): string[] {
  const plan = decidePlacements(worldOf({ providers: [alpha], offers: [room(99)], jobs, ...rest }));
  return plan.placements.map(({ jobId }) => jobId);
}
const many = (count: number, prefix: string, rest: Parameters<typeof jobOf>[2] = {}) =>
  Array.from({ length: count }, (_, index) => jobOf(`${prefix}-${String(index).padStart(4, '0')}`, {}, rest));

describe('whose turn it is', () => {
  test('priority first, then who has waited longest, then the id', () => {
    const jobs = [
      jobOf('young-b', {}, { queuedAt: later(-1) }),
      jobOf('young-a', {}, { queuedAt: later(-1) }),
      jobOf('old', {}, { queuedAt: later(-99) }),
      jobOf('urgent', {}, { queuedAt: later(0), priority: 90 }),
    ];
    expect(served(jobs)).toEqual(['urgent', 'old', 'young-a', 'young-b']);
    expect(served(jobs, { offers: [room(2)] })).toEqual(['urgent', 'old']);
  });

  test('six minutes of waiting are worth a point: after ten hours 0 is what 100 is', () => {
    const at = (seconds: number) =>
      served([
        jobOf('patient', {}, { queuedAt: later(-seconds), priority: 0 }),
        jobOf('urgent', {}, { queuedAt: later(0), priority: 100 }),
      ]);
    expect(at(36_001)).toEqual(['patient', 'urgent']);
    expect(at(36_000 - 360)).toEqual(['urgent', 'patient']);
    expect(queueRankOf(later(-36_000), 0)).toBe(queueRankOf(later(0), 100));
    expect(AGING_MS_PER_POINT).toBe(360_000);
  });

  test('a job that was queued again keeps its turn', () => {
    const again = jobOf('again', {}, { queuedAt: later(0), queueRank: queueRankOf(later(-7200), 50) });
    expect(served([jobOf('fresh', {}, { queuedAt: later(-60) }), again])).toEqual(['again', 'fresh']);
  });

  test('projects of equal priority take turns by what they hold', () => {
    const jobs = [
      ...many(3, 'rich', { project: 'rich', queuedAt: later(-100) }),
      ...many(3, 'poor', { project: 'poor' }),
    ];
    // Rich holds two: poor is served until it holds as much, then the older of both.
    expect(served(jobs, { shares: new Map([['rich', 2]]) })).toEqual([
      'poor-0000',
      'poor-0001',
      'rich-0000',
      'poor-0002',
      'rich-0001',
      'rich-0002',
    ]);
  });

  test('what counts as held is the GPUs of whole offers, times nodes; without GPUs an eighth', () => {
    const wide = offerOf('alpha', 'wide', { gpuCount: 8, capacity: 9 });
    const cpu = offerOf('alpha', 'cpu', { gpuModel: null, gpuCount: 0, gpuMemoryGiB: 0, capacity: 99 });
    const providers = [providerOf('alpha', { multiNode: true })];
    const turns = (parts: SpecParts, held: number) => {
      const asking = jobOf('asks', parts, { project: 'a', queuedAt: later(-99) });
      const next = jobOf('next', {}, { project: 'a', queuedAt: later(-98) });
      const other = jobOf('other', {}, { project: 'b', queuedAt: later(-1) });
      const offers = [wide, cpu];
      return served([asking, next, other], { providers, offers, shares: new Map([['b', held]]) });
    };
    const two: SpecParts = { resources: { nodes: 2 } };
    expect(turns(two, 15)).toEqual(['asks', 'other', 'next']);
    expect(turns(two, 17)).toEqual(['asks', 'next', 'other']);
    const none: SpecParts = {
      resources: { gpu: { count: 0 } },
      placement: { regions: { allow: [], deny: [] } },
    };
    const cheap = { ...cpu, priceMicrosPerHour: 1n };
    const jobs = [
      jobOf('asks', none, { project: 'a', queuedAt: later(-99) }),
      jobOf('next', none, { project: 'a', queuedAt: later(-98) }),
      jobOf('other', none, { project: 'b', queuedAt: later(-1) }),
    ];
    const among = (held: number) =>
      served(jobs, { providers, offers: [cheap], shares: new Map([['b', held]]) });
    expect(among(0.12)).toEqual(['asks', 'other', 'next']);
    expect(among(0.13)).toEqual(['asks', 'next', 'other']);
  });

  test('a project with a thousand jobs does not hold back one with one', () => {
    const jobs = [
      ...many(1_000, 'crowd', { project: 'crowd', queuedAt: later(-300) }),
      jobOf('single', {}, { project: 'single', queuedAt: later(-1) }),
    ];
    expect(served(jobs, { offers: [room(10)] }).slice(0, 2)).toEqual(['crowd-0000', 'single']);
  });

  test('a share outweighs age, not priority', () => {
    const jobs = [
      jobOf('rich', {}, { project: 'rich', priority: 51 }),
      jobOf('poor', {}, { project: 'poor', priority: 50 }),
    ];
    expect(served(jobs, { shares: new Map([['rich', 100]]), offers: [room(1)] })).toEqual(['rich']);
  });
});

describe('what is held for who has waited long', () => {
  const small = offerOf('alpha', 'small', { gpuCount: 1, capacity: 8, pool: 'p' });
  const large = offerOf('alpha', 'large', { gpuCount: 8, capacity: 1, pool: 'p' });
  const big = (queuedAt: Date, rest: Partial<QueuedJob> = {}) =>
    jobOf('big', { resources: { gpu: { count: 8 } } }, { queuedAt, priority: 60, ...rest });

  /** Small jobs run for eight passes each and one arrives with every pass; after how many the big one has its place. */
  function passesUntilPlaced(queuedAt: Date): number | null {
    let running = Array.from({ length: 8 }, (_, index) => index + 1);
    let backlog: QueuedJob[] = [];
    for (let pass = 0; pass < 40; pass += 1) {
      running = running.map((left) => left - 1).filter((left) => left > 0);
      backlog = [...backlog, jobOf(`small-${pass}`)];
      const used = running.length;
      const plan = decidePlacements(
        worldOf({
          providers: [alpha],
          offers: [{ ...small, used }, large],
          pools: [poolOf('alpha', 'p', { usedGpus: used })],
          jobs: [big(queuedAt), ...backlog],
        }),
      );
      const placed = plan.placements.map(({ jobId }) => jobId);
      if (placed.includes('big')) return pass;
      backlog = backlog.filter(({ id }) => !placed.includes(id));
      running = [...running, ...placed.map(() => 8)];
    }
    return null;
  }

  test('a large job gets its pool while small ones stream in, once it has waited; before that it does not', () => {
    expect(passesUntilPlaced(later(-HOLD_AFTER_SECONDS))).toBe(7);
    expect(passesUntilPlaced(later(-HOLD_AFTER_SECONDS + 1))).toBeNull();
  });

  const partly = (rest: Partial<PlacementSnapshot>) =>
    decidePlacements(
      worldOf({
        providers: [alpha],
        offers: [{ ...small, used: 5 }, large],
        pools: [poolOf('alpha', 'p', { usedGpus: 5 })],
        ...rest,
      }),
    );
  const waiting = (plan: ReturnType<typeof partly>) =>
    Object.fromEntries(plan.waiting.map(({ jobId, waiting: why }) => [jobId, why().detail]));

  test('who comes behind is told', () => {
    const plan = partly({ jobs: [big(later(-9_999)), jobOf('tiny')] });
    expect(plan.placements).toEqual([]);
    expect(waiting(plan)).toEqual({
      big: 'needs 8 free H100 in alpha/large: 3 are free; some is held for a job that has waited long',
      tiny: 'needs 1 free H100 in alpha/large, alpha/small: 3 are free, but held for a job that has waited long',
    });
    const [, tiny] = plan.waiting;
    const held = tiny?.decision().removed.find(({ rule }) => rule === 'capacity');
    expect(held).toMatchObject({
      offers: 2,
      examples: [{ detail: 'is held for a job that has waited long' }, { offer: 'small' }],
    });
  });

  test('who comes first is not held up, and neither is who fits elsewhere', () => {
    const urgent = jobOf('urgent', {}, { priority: 100 });
    const jobs = [big(later(-9_999)), urgent, jobOf('tiny')];
    const elsewhere = offerOf('alpha', 'own', { gpuCount: 1, capacity: 1, priceMicrosPerHour: 9_000_000n });
    const offers = [{ ...small, used: 5 }, large, elsewhere];
    const placed = partly({ jobs, offers }).placements.map(({ jobId, offer }) => `${jobId} on ${offer}`);
    expect(placed).toEqual(['urgent on small', 'tiny on own']);
  });

  test('of several pools that one is held which lacks least', () => {
    const offers = ['p', 'q'].flatMap((pool) => [
      offerOf('alpha', `small-${pool}`, { gpuCount: 1, capacity: 8, pool }),
      offerOf('alpha', `large-${pool}`, { gpuCount: 8, capacity: 1, pool }),
    ]);
    const pools = [poolOf('alpha', 'p', { usedGpus: 5 }), poolOf('alpha', 'q', { usedGpus: 4 })];
    const jobs = [big(later(-9_999)), ...many(9, 'tiny')];
    const taken = partly({ offers, pools, jobs }).placements.map(({ draw }) => draw?.pool);
    expect(taken).toEqual(['p', 'p', 'p']);
  });

  test('an offer is held for a job of several machines', () => {
    const providers = [providerOf('alpha', { multiNode: true })];
    const offers = [offerOf('alpha', 'host', { capacity: 3, used: 2 })];
    const pair = (queuedAt: Date) => jobOf('pair', { resources: { nodes: 2 } }, { queuedAt, priority: 60 });
    const among = (queuedAt: Date) =>
      partly({ providers, offers, pools: [], jobs: [pair(queuedAt), jobOf('one')] }).placements.length;
    expect(among(later(-HOLD_AFTER_SECONDS))).toBe(0);
    expect(among(later(-HOLD_AFTER_SECONDS + 1))).toBe(1);
  });

  test('nothing is held for who could never have it, nor for more than a few', () => {
    const rules = { organizations: new Map([['acme', rulesOf({ countries: ['JP'] })]]), projects: new Map() };
    const never = partly({
      rules,
      jobs: [big(later(-9_999)), jobOf('tiny', {}, { organization: 'hanbit' })],
    });
    expect(never.placements.map(({ jobId }) => jobId)).toEqual(['tiny']);

    const names = Array.from({ length: MAX_HOLDS + 2 }, (_, index) => `p${String(index).padStart(2, '0')}`);
    const offers = names.flatMap((pool) => [
      offerOf('alpha', `small-${pool}`, { gpuCount: 1, capacity: 8, pool }),
      offerOf('alpha', `large-${pool}`, { gpuCount: 8, capacity: 1, pool }),
    ]);
    const pools = names.map((name) => poolOf('alpha', name, { usedGpus: 7 }));
    const bigs = names.map((name) => big(later(-9_999), { id: `big-${name}` }));
    const jobs = [...bigs, ...many(names.length, 'tiny')];
    expect(partly({ offers, pools, jobs }).placements).toHaveLength(2);
  });
});
