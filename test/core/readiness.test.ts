import { describe, expect, test } from 'vitest';
import { marketOf, stateOf } from '../../src/core/placement/decide.ts';
import type { PlacementSnapshot } from '../../src/core/placement/types.ts';
import { readinessOf, summaryOf, type PlacedJob, type Readiness } from '../../src/core/readiness.ts';
import { fenceSecondsOf } from '../../src/core/recovery.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import { jobOf, later, offerOf, providerOf, worldOf, type SpecParts } from './placement-world.ts';

const SEOUL = { city: 'Seoul', country: 'KR', region: 'kr', latitude: 37.57, longitude: 126.98 };
const GWANGJU = { city: 'Gwangju', country: 'KR', region: 'kr', latitude: 35.16, longitude: 126.85 };

/** Lost, near and far: three vendors, each with one kind of offer. Everything of the lost one is taken. */
const world = (near: number, far: number, more: Partial<PlacementSnapshot> = {}) =>
  worldOf({
    providers: [
      providerOf('lost', { site: SEOUL }),
      providerOf('near', { site: { ...SEOUL, latitude: 37.48, longitude: 126.88 } }),
      providerOf('far', { site: GWANGJU }),
    ],
    offers: [
      offerOf('lost', 'a', { capacity: 4, used: 4 }),
      offerOf('near', 'b', { capacity: near, priceMicrosPerHour: 2_000_000n }),
      offerOf('far', 'c', { capacity: far, priceMicrosPerHour: 3_000_000n }),
    ],
    ...more,
  });

const placed = (
  id: string,
  parts: SpecParts = {},
  more: Partial<PlacedJob> = {},
  queue: Parameters<typeof jobOf>[2] = {},
): PlacedJob => {
  const queued = jobOf(id, parts, queue);
  return {
    queued,
    name: id,
    kind: queued.spec.kind,
    state: 'running',
    mode: queued.spec.continuity.mode,
    startedAt: later(-600),
    savedAt: later(-120),
    place: { provider: 'lost', region: 'kr-1', offer: 'a', spot: false, priceMicrosPerHour: 1_000_000n },
    gpuCount: 8,
    nodes: 1,
    spares: [],
    ...more,
  };
};

const ask = (
  snapshot: PlacementSnapshot,
  jobs: readonly PlacedJob[],
  more: Partial<Parameters<typeof readinessOf>[0]> = {},
): Map<string, Readiness> => {
  const asked = {
    market: marketOf(snapshot),
    state: stateOf(snapshot),
    down: new Set(['lost']),
    jobs,
    shares: snapshot.shares,
    starts: new Map([['near', { startSeconds: 0.7, servingSeconds: 3 }]]),
    timing: DEFAULT_TIMING,
    ...more,
  };
  return new Map([...readinessOf(asked)].flat().map((one) => [one.jobId, one]));
};
const where = (found: Map<string, Readiness>) =>
  Object.fromEntries([...found].map(([id, { to, nowhere }]) => [id, to?.provider ?? nowhere?.reason]));

describe('who would go where', () => {
  test('is decided jointly: two cannot count on the last place', () => {
    const found = ask(world(1, 0), [placed('j-1'), placed('j-2')]);
    expect(where(found)).toEqual({ 'j-1': 'near', 'j-2': 'no-capacity' });
    expect(found.get('j-2')?.nowhere?.detail).toContain('0 are free');
  });

  test('in the order of the queue: priority before age', () => {
    const found = ask(world(1, 0), [placed('j-1'), placed('j-2', {}, {}, { priority: 90 })]);
    expect(where(found)).toEqual({ 'j-1': 'no-capacity', 'j-2': 'near' });
  });

  test('and of the projects that would hold least then: what is lost does not count', () => {
    const jobs = [
      placed('j-1', {}, {}, { project: 'big' }),
      placed('j-2', {}, {}, { project: 'big' }),
      placed('j-3', {}, {}, { project: 'small' }),
    ];
    // Now `small` holds less; without what is lost it holds 4 GPUs more.
    const shares = new Map([
      ['big', 16],
      ['small', 12],
    ]);
    expect(where(ask(world(1, 0), jobs, { shares }))).toEqual({
      'j-1': 'near',
      'j-2': 'no-capacity',
      'j-3': 'no-capacity',
    });
  });

  test('never the lost provider, though it has room', () => {
    const snapshot = world(0, 0, {});
    const offers = snapshot.offers.map((offer) => ({ ...offer, used: 0, capacity: 4 }));
    const only = { ...snapshot, offers: offers.filter(({ provider }) => provider === 'lost') };
    expect(where(ask(only, [placed('j-1')]))).toEqual({ 'j-1': 'provider-health' });
  });

  test('nor anybody inside minSeparationKm of it', () => {
    const apart = { continuity: { minSeparationKm: 100 } };
    expect(where(ask(world(4, 4), [placed('j-1', apart), placed('j-2')]))).toEqual({
      'j-1': 'far',
      'j-2': 'near',
    });
    const nowhere = ask(world(4, 0), [placed('j-1', apart)]).get('j-1');
    expect(nowhere?.nowhere).toMatchObject({ reason: 'no-capacity' });
  });

  test('several lost at once: neither takes in the other’s', () => {
    const found = ask(world(4, 4), [placed('j-1')], { down: new Set(['lost', 'near']) });
    expect(where(found)).toEqual({ 'j-1': 'far' });
  });

  test('mode none ends with its provider, and takes nobody’s place', () => {
    const jobs = [placed('j-1', { continuity: { mode: 'none' } }), placed('j-2')];
    expect(where(ask(world(1, 0), jobs))).toEqual({ 'j-1': 'continuity-none', 'j-2': 'near' });
  });

  test('one that is only being started competes and is not answered for', () => {
    const jobs = [placed('j-1', {}, { state: 'provisioning' }), placed('j-2')];
    expect(where(ask(world(1, 0), jobs))).toEqual({ 'j-2': 'no-capacity' });
  });

  test('more than a page: everybody has an answer, and nothing is given twice', () => {
    const jobs = Array.from({ length: 1_234 }, (_, n) => placed(`j-${String(n).padStart(4, '0')}`));
    const found = [...ask(world(700, 30), jobs).values()];
    expect(summaryOf(found)).toEqual({
      running: 1_234,
      covered: 730,
      uncovered: 504,
      byProvider: [{ provider: 'lost', running: 1_234, covered: 730, uncovered: 504 }],
      byReason: [{ reason: 'no-capacity', jobs: 504 }],
    });
  });
});

describe('what it would take', () => {
  const fence = fenceSecondsOf(DEFAULT_TIMING);
  const one = (parts: SpecParts, more: Partial<PlacedJob> = {}, free: [number, number] = [1, 0]) =>
    ask(world(...free), [placed('j-1', parts, more)]).get('j-1');

  test('the lease, its margin and the sweep are known; the start is what was seen there', () => {
    expect(fence).toBe(6.75);
    expect(one({})).toMatchObject({ fenceSeconds: 6.75, expectedSeconds: 7.45 });
    expect(one({ kind: 'inference' })).toMatchObject({ expectedSeconds: 9.75 });
    // Nobody has seen anything start at `far`.
    expect(one({}, {}, [0, 1])).toMatchObject({ to: { provider: 'far' }, expectedSeconds: null });
    expect(one({}, {}, [0, 0])).toMatchObject({ to: null, expectedSeconds: null });
  });

  test.each([
    ['within the target', 10, [1, 0], true],
    ['later than the target', 7, [1, 0], false],
    ['the lease alone is longer, whatever the start takes', 6, [0, 1], false],
    ['the start was never seen', 10, [0, 1], null],
    ['nowhere to go', 10, [0, 0], false],
    ['no target', null, [0, 0], null],
  ] as const)('rto: %s', (_, rtoSeconds, [near, far], met) => {
    const { rto } = one({ continuity: { rtoSeconds } }, {}, [near, far]) ?? {};
    expect(rto).toEqual({ targetSeconds: rtoSeconds, met });
  });

  test.each([
    ['its checkpoint is younger', later(-120), 300, 120, 120, true],
    ['its checkpoint is older', later(-120), 60, 120, 120, false],
    ['it never saved anything: all of it would be lost', null, 300, null, 600, false],
    ['it never saved anything, and ran for less', null, 900, null, 600, true],
    ['no target', later(-120), null, 120, 120, null],
  ])('rpo: %s', (_, savedAt, rpoSeconds, checkpointAgeSeconds, lostSeconds, met) => {
    expect(one({ continuity: { rpoSeconds } }, { savedAt })).toMatchObject({
      checkpointAgeSeconds,
      lostSeconds,
      rpo: { targetSeconds: rpoSeconds, met },
    });
  });

  test('a service has nothing to lose', () => {
    expect(one({ kind: 'inference', continuity: { rpoSeconds: 60 } })).toMatchObject({
      checkpointAgeSeconds: null,
      lostSeconds: null,
      rpo: { targetSeconds: 60, met: null },
    });
  });
});

describe('what stands by', () => {
  const spare = (role: 'standby' | 'replica', provider: string) => ({
    role,
    place: { provider, region: 'kr-1', offer: 'x', spot: false, priceMicrosPerHour: 7n },
  });
  const first = (...spares: PlacedJob['spares'][number][]) =>
    ask(world(1, 1), [placed('j', {}, { spares })]).get('j');

  test('is where it would go, and a copy that serves is there already', () => {
    const warm = first(spare('standby', 'far'));
    expect(warm).toMatchObject({ to: { provider: 'far', priceMicrosPerHour: 7n }, nowhere: null });
    expect(warm?.fenceSeconds).toBe(fenceSecondsOf(DEFAULT_TIMING));
    expect(first(spare('standby', 'near'), spare('replica', 'far'))).toMatchObject({
      to: { provider: 'far' },
      fenceSeconds: 0,
      expectedSeconds: 0,
    });
  });

  test('counts for nothing where it is lost as well', () => {
    expect(first(spare('replica', 'lost'))).toMatchObject({ to: { provider: 'near', offer: 'b' } });
  });
});
