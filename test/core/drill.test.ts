import { describe, expect, it } from 'vitest';
import { canarySpec, canaryWords } from '../../src/core/drill/canary.ts';
import { counterIn, isIntact, lostWorkSeconds, type CanaryCheck } from '../../src/core/drill/check.ts';
import {
  DRILL_ENDS,
  DRILL_STATES,
  DRILL_TRANSITIONS,
  OPEN_DRILL_STATES,
} from '../../src/core/drill/drill.ts';
import { percentilesOf } from '../../src/core/drill/percentiles.ts';
import { struckBy } from '../../src/core/drill/scope.ts';
import { nextStep, type DrillJobView, type DrillStep, type DrillView } from '../../src/core/drill/step.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import { contradictions } from '../../src/core/spec-check.ts';
import { drillSpec } from './drill-facts.ts';

const T0 = new Date('2026-11-22T10:00:00.000Z');
const at = (seconds: number) => new Date(T0.getTime() + seconds * 1000);

describe('the states of a drill', () => {
  it('end, and only where nothing is cut off any more', () => {
    for (const state of DRILL_STATES) {
      const ends = DRILL_TRANSITIONS[state].length === 0;
      expect([state, ends]).toEqual([state, (DRILL_ENDS as readonly string[]).includes(state)]);
      expect(ends).toBe(!(OPEN_DRILL_STATES as readonly string[]).includes(state));
    }
    expect(DRILL_TRANSITIONS.running).toEqual(['restoring']);
    for (const end of DRILL_ENDS)
      expect(DRILL_STATES.filter((state) => DRILL_TRANSITIONS[state].includes(end))).toContain('restoring');
  });
});

describe('a scenario strikes', () => {
  const sited = (name: string, latitude: number, longitude: number) => ({
    name,
    site: { city: name, country: 'KR', region: 'kr', latitude, longitude },
  });
  const all = [
    sited('pyeongchon', 37.3926, 126.9515),
    sited('gasan', 37.4754, 126.8831),
    sited('gwangju', 35.16, 126.85),
  ];
  it.each([
    [{ kind: 'provider-outage', provider: 'gasan' } as const, ['gasan']],
    [{ kind: 'degradation', provider: 'nowhere' } as const, []],
    [{ kind: 'site-disaster', latitude: 37.4754, longitude: 126.8831, radiusKm: 10 } as const, ['gasan']],
    // 11 km: other vendors' names, the same disaster.
    [
      { kind: 'site-disaster', latitude: 37.4754, longitude: 126.8831, radiusKm: 12 } as const,
      ['gasan', 'pyeongchon'],
    ],
  ])('%j', (scenario, struck) => expect(struckBy(scenario, all)).toEqual(struck));
});

const canary = (more: Partial<DrillJobView> = {}): DrillJobView => ({
  jobId: 'job-1',
  canary: true,
  mode: 'restart',
  state: 'running',
  provider: 'cheap',
  cutAllocationId: null,
  cut: null,
  current: { id: 'alc-1', provider: 'cheap', startedAt: at(1), saved: true },
  checked: false,
  ...more,
});
const lost = (more: Partial<DrillJobView> = {}) =>
  canary({ cutAllocationId: 'alc-1', cut: { fromAt: at(10), declaredAt: null }, ...more });
const elsewhere = { id: 'alc-2', provider: 'dear', startedAt: at(18), saved: false };
const found = (more: Partial<DrillJobView> = {}) =>
  lost({ cut: { fromAt: at(10), declaredAt: at(15) }, current: elsewhere, ...more });
const tenant = (more: Partial<DrillJobView> = {}) =>
  canary({
    canary: false,
    cutAllocationId: 'alc-1',
    current: { ...elsewhere, id: 'alc-1', provider: 'cheap' },
    ...more,
  });
const view = (jobs: readonly DrillJobView[], more: Partial<DrillView> = {}): DrillView => ({
  spec: drillSpec(),
  startedAt: T0,
  costMicros: 0n,
  maxCostMicros: null,
  jobs,
  degradation: null,
  endangered: [],
  ...more,
});
const end = (as: string) => expect.objectContaining({ kind: 'end', as }) as DrillStep;
const degradation = { cutUntil: at(13), sawDegraded: true, sawDown: false };
const degrading = drillSpec({ scenario: { kind: 'degradation', provider: 'cheap' }, mode: 'full' });

describe('the next step', () => {
  const steps: [string, DrillView, number, DrillStep][] = [
    [
      'waits for the canary to start',
      view([canary({ state: 'queued', current: null })]),
      2,
      { kind: 'wait' },
    ],
    [
      'waits for its first checkpoint',
      view([canary({ current: { id: 'alc-1', provider: 'cheap', startedAt: at(1), saved: false } })]),
      4,
      { kind: 'wait' },
    ],
    ['cuts it off then', view([canary()]), 10, { kind: 'cut', jobIds: ['job-1'] }],
    ['gives nobody up before the silence is as long as a provider’s', view([lost()]), 14.9, { kind: 'wait' }],
    ['and then does', view([lost()]), 15, { kind: 'declare', allocationIds: ['alc-1'] }],
    [
      'waits while it is elsewhere and does not run yet',
      view([found({ state: 'provisioning', current: { ...elsewhere, startedAt: null } })]),
      17,
      { kind: 'wait' },
    ],
    ['looks at what it restored', view([found()]), 19, { kind: 'check', jobIds: ['job-1'] }],
    ['is through when all were looked at', view([found({ checked: true })]), 20, end('passed')],
    [
      'does one thing after the other',
      view([found({ checked: true }), lost({ jobId: 'job-2' })]),
      12,
      { kind: 'wait' },
    ],
    ['fails where a canary starts elsewhere', view([canary({ current: elsewhere })]), 5, end('failed')],
    [
      'fails where it comes back to where it was lost',
      view([found({ current: { ...elsewhere, provider: 'cheap' } })]),
      19,
      end('failed'),
    ],
    ['fails where a canary ended', view([lost({ state: 'failed' })]), 12, end('failed')],
    ['waits for a tenant’s job', view([tenant()]), 12, { kind: 'wait' }],
    ['is through when that runs elsewhere', view([tenant({ current: elsewhere })]), 19, end('passed')],
    ['or ended by itself', view([tenant({ state: 'succeeded' })]), 12, end('passed')],
    ['aborts where a tenant’s job failed', view([tenant({ state: 'failed' })]), 12, end('aborted')],
    ['aborts where one would fail', view([tenant()], { endangered: ['job-9'] }), 12, end('aborted')],
    ['aborts when its time is over', view([lost()]), 600, end('aborted')],
    ['costs what it may', view([lost()], { costMicros: 5n, maxCostMicros: 5n }), 12, { kind: 'wait' }],
    ['aborts when it costs more', view([lost()], { costMicros: 6n, maxCostMicros: 5n }), 12, end('aborted')],
    ['degrades for a while', view([tenant()], { spec: degrading, degradation }), 12, { kind: 'wait' }],
    [
      'and is through when that was noticed',
      view([tenant()], { spec: degrading, degradation }),
      13,
      end('passed'),
    ],
    [
      'fails where nobody noticed',
      view([tenant()], { spec: degrading, degradation: { ...degradation, sawDegraded: false } }),
      23,
      end('failed'),
    ],
    [
      'fails where the provider was given up',
      view([], { spec: degrading, degradation: { ...degradation, sawDown: true } }),
      12,
      end('failed'),
    ],
    [
      'fails where something moved',
      view([tenant({ current: elsewhere })], { spec: degrading, degradation }),
      12,
      end('failed'),
    ],
  ];
  it.each(steps)('%s', (_, seen, seconds, step) =>
    expect(nextStep(seen, at(seconds), DEFAULT_TIMING)).toEqual(step),
  );
});

describe('a canary', () => {
  const order = {
    name: 'drl-1 cheap 1',
    gpu: { model: 'H100', count: 1 },
    capacityClasses: [
      { name: 'small', members: [{ model: 'L4', formFactor: null, minMemoryGiB: 0 }], note: '' },
      { name: 'big', members: [{ model: 'H100', formFactor: null, minMemoryGiB: 0 }], note: '' },
    ],
    deny: ['near'],
    rtoSeconds: 60,
    rpoSeconds: null,
    abortAfterSeconds: 600,
  };
  it('asks for the GPU of its provider, or what stands in for it, and is a job like any other', () => {
    const spec = canarySpec(order);
    expect(spec.resources.gpu).toMatchObject({ count: 1, models: ['H100'], class: 'big' });
    expect(spec.placement.providers).toEqual({ allow: [], deny: ['near'] });
    expect(contradictions(spec, T0)).toEqual([]);
    expect(contradictions(canarySpec({ ...order, gpu: null }), T0)).toEqual([]);
  });

  it('is understood by its log', () => {
    expect(canaryWords('')).toEqual({ restored: null, counter: null });
    expect(canaryWords('naru-drill fresh\nnaru-drill counter 1\nnaru-drill cou')).toEqual({
      restored: 0,
      counter: 1,
    });
    expect(canaryWords('naru-drill restored 12\nnaru-drill counter 13\nnaru-drill counter 14\n')).toEqual({
      restored: 12,
      counter: 14,
    });
  });

  const check = (more: Partial<CanaryCheck> = {}): CanaryCheck => ({
    checkpointId: 'chk-1',
    sha256: 'a',
    sha256Again: 'a',
    counterAtFault: 17,
    savedCounter: 14,
    restoredCounter: 14,
    ...more,
  });
  it.each([
    [check(), true, 3],
    [check({ sha256Again: 'b' }), false, 3],
    [check({ sha256Again: null, savedCounter: null }), false, 3],
    [check({ restoredCounter: 13 }), false, 4],
    [check({ restoredCounter: null }), false, null],
    [check({ counterAtFault: null }), true, null],
    [check({ counterAtFault: 13 }), true, 0],
  ])('is intact and lost so much work: %j', (one, intact, seconds) => {
    expect(isIntact(one)).toBe(intact);
    expect(lostWorkSeconds(one)).toBe(seconds);
  });

  it('has its number read out of a tar, and nothing out of anything else', () => {
    const entry = (name: string, content: string) => {
      const head = Buffer.alloc(512);
      head.write(name, 0);
      head.write(content.length.toString(8).padStart(11, '0'), 124);
      const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
      body.write(content);
      return Buffer.concat([head, body]);
    };
    const tar = (...entries: Buffer[]) => Buffer.concat([...entries, Buffer.alloc(1024)]);
    expect(counterIn(tar(entry('./', ''), entry('./counter.new', '8'), entry('./counter', '7\n')))).toBe(7);
    expect(counterIn(tar(entry('counter', '7'.repeat(3))))).toBe(777);
    expect(counterIn(tar(entry('./counter', 'seven')))).toBeNull();
    expect(counterIn(tar(entry('./other', '7')))).toBeNull();
    expect(counterIn(Buffer.from('no tar'))).toBeNull();
    expect(counterIn(Buffer.alloc(512, 'x'))).toBeNull();
  });
});

it('percentiles are numbers that were measured', () => {
  expect(percentilesOf([])).toBeNull();
  expect(percentilesOf([3])).toEqual({ p50: 3, p90: 3, p99: 3, max: 3 });
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentilesOf(hundred)).toEqual({ p50: 50, p90: 90, p99: 99, max: 100 });
});
