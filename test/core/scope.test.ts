import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLAPPING_MS } from '../../src/core/health.ts';
import { probeSamples, type Probe } from '../../src/core/probe.ts';
import { HEALTH_STATES } from '../../src/core/provider.ts';
import { gpuSamples, workSamples, type WorkFact } from '../../src/core/samples.ts';
import {
  ANY,
  covers,
  holdMs,
  isClosed,
  judgeScope,
  nameOf,
  NO_GPU,
  rollUp,
  UNTRIED,
  type KnownScope,
  type Sample,
  type ScopeState,
} from '../../src/core/scope.ts';
import { DEFAULT_TIMING as T } from '../../src/core/timing.ts';

const NOW = new Date('2027-01-01T00:00:00Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms);

const sample = (project: string | null, good: boolean, ms = 1_000, more: Partial<Sample> = {}): Sample => ({
  kind: 'launch',
  at: ago(ms),
  good,
  allocationId: 'alc-1',
  project,
  proves: null,
  detail: 'not today',
  ...more,
});
const bad = (project: string, ms = 1_000) => sample(project, false, ms);
const well = (project: string, ms = 1_000) => sample(project, true, ms);
const state = (more: Partial<ScopeState>): ScopeState => ({ ...UNTRIED, ...more });
const judge = (samples: Sample[], known: ScopeState = UNTRIED, plane: 'control' | 'data' = 'control') =>
  judgeScope(plane, known, samples, NOW, T);

describe('closing', () => {
  test.each([
    ['nothing was seen', [], 'stays'],
    ['one project, however often', Array.from({ length: 50 }, () => bad('a')), 'stays'],
    ['two projects, and nobody starts', [bad('a'), bad('b')], 'down'],
    ['two projects, and one starts', [bad('a'), bad('b'), well('c')], 'degraded'],
    ['two of four projects', [bad('a'), bad('b'), well('c'), well('d')], 'degraded'],
    ['two of five projects', [bad('a'), bad('b'), well('c'), well('d'), well('e')], 'stays'],
    ['a project that mostly starts is not against it', [bad('a'), well('a'), well('a'), bad('b')], 'stays'],
    ['what is long ago', [bad('a', T.sampleWindowMs), bad('b', T.sampleWindowMs)], 'stays'],
  ])('%s', (_, samples, verdict) => {
    expect(judge(samples)?.state ?? 'stays').toBe(verdict);
  });

  test('lost jobs never prove that the others are dead: nobody is fenced for them', () => {
    const lost = ['a', 'b', 'c'].map((project) => sample(project, false, 1_000, { kind: 'loss' }));
    expect(judge(lost, UNTRIED, 'data')?.state).toBe('degraded');
  });

  test('what needs no vote', () => {
    const fault = sample(null, false, 1_000, { kind: 'gpu-fault', proves: 'degraded', detail: 'XID 48' });
    expect(judge([fault], UNTRIED, 'data')).toMatchObject({ state: 'degraded', reason: 'XID 48' });
    expect(judge([fault, { ...fault, proves: 'down' }], UNTRIED, 'data')?.state).toBe('down');
  });

  test('it says why and keeps what it was made from, without the names of tenants', () => {
    const samples = Array.from({ length: 30 }, (_, n) => bad(n % 2 ? 'secret-a' : 'secret-b', 1_000 + n));
    const verdict = judge(samples);
    expect(verdict?.reason).toBe('30 jobs of 2 projects did not start, and none did');
    expect(verdict?.samples).toHaveLength(20);
    expect(verdict?.samples[0]?.at).toBe(ago(1_000).toISOString());
    expect(JSON.stringify(verdict)).not.toContain('secret');
  });
});

describe('opening', () => {
  const closed = state({
    state: 'down',
    since: ago(10_000),
    heldUntil: new Date(NOW.getTime() + 1),
    closings: 1,
  });

  test('not before its time', () => {
    expect(judge([], closed)).toBeNull();
    expect(judge([well('a')], closed)).toBeNull();
  });
  test('then it is tried, and only what comes after counts', () => {
    const tried = judge([bad('a', 11_000), bad('b', 11_000)], { ...closed, heldUntil: NOW });
    expect(tried).toMatchObject({ state: 'unknown', since: NOW, heldUntil: null });
    const later = new Date(NOW.getTime() + 5_000);
    expect(judgeScope('control', tried ?? UNTRIED, [bad('a'), bad('b')], later, T)).toBeNull();
  });
  test('where it goes on it is held on, as long as it has been closed', () => {
    const over = { ...closed, since: ago(40_000), heldUntil: NOW };
    const goesOn = judge([bad('a'), bad('b')], over);
    expect(goesOn).toMatchObject({ state: 'down', since: over.since, closings: 2 });
    expect(goesOn?.heldUntil).toEqual(new Date(NOW.getTime() + 2 * T.scopeHoldMs));
    const before = [bad('a', T.scopeHoldMs), bad('b', T.scopeHoldMs)];
    expect(judge(before, over)?.state).toBe('unknown');
  });
  test('one start makes it well, a start beside a failure does not', () => {
    const tried = state({ state: 'unknown', since: ago(5_000), closings: 1 });
    expect(judge([well('a')], tried)?.state).toBe('healthy');
    expect(judge([well('a'), bad('b')], tried)).toBeNull();
    expect(judge([], tried)).toBeNull();
  });
  test('a degraded one may become worse meanwhile', () => {
    const degraded = state({ ...closed, state: 'degraded' });
    const gone = sample(null, false, 1_000, { kind: 'gpu-fault', proves: 'down' });
    expect(judge([gone], degraded, 'data')).toMatchObject({ state: 'down', closings: 1 });
  });
  test('each time lately doubles the hold, up to the longest', () => {
    const again = (closings: number, ms: number) =>
      judge([bad('a'), bad('b')], state({ state: 'unknown', since: ago(ms), closings }));
    expect(again(1, 5_000)).toMatchObject({
      closings: 2,
      heldUntil: new Date(NOW.getTime() + 2 * T.scopeHoldMs),
    });
    expect(again(3, FLAPPING_MS + 1)?.closings).toBe(1);
    expect([1, 2, 3, 4, 5, 60].map((n) => holdMs(n, false, T))).toEqual([
      30_000, 60_000, 120_000, 240_000, 300_000, 300_000,
    ]);
    expect(holdMs(1, true, T)).toBe(T.gpuHoldMs);
  });
});

test('whatever is seen, one project alone closes nothing, and a verdict is stable', () => {
  const samples = fc.array(
    fc
      .record({ good: fc.boolean(), ms: fc.integer({ min: 0, max: 200_000 }) })
      .map(({ good, ms }) => sample('a', good, ms)),
  );
  const known = fc
    .constantFrom(...HEALTH_STATES)
    .map((one) => state({ state: one, since: ago(50_000), heldUntil: isClosed(one) ? ago(1) : null }));
  fc.assert(
    fc.property(
      samples,
      known,
      fc.constantFrom('control' as const, 'data' as const),
      (seen, before, plane) => {
        const verdict = judge(seen, before, plane);
        expect(verdict === null || !isClosed(verdict.state)).toBe(true);
        if (verdict?.state === 'healthy') expect(judge(seen, verdict, plane)).toBeNull();
      },
    ),
  );
});

describe('scopes', () => {
  const h100 = { region: 'kr-1', gpuModel: 'H100' };
  test.each([
    [{ region: ANY, gpuModel: ANY }, true],
    [{ region: 'kr-1', gpuModel: ANY }, true],
    [{ region: ANY, gpuModel: 'H100' }, true],
    [h100, true],
    [{ region: 'kr-2', gpuModel: 'H100' }, false],
    [{ region: 'kr-1', gpuModel: 'A100-80GB' }, false],
    [{ region: 'kr-1', gpuModel: NO_GPU }, false],
  ])('%o covers H100 in kr-1: %s', (scope, covered) => {
    expect(covers(scope, h100)).toBe(covered);
  });
  test('have names', () => {
    expect(nameOf(h100)).toBe('H100 in kr-1');
    expect(nameOf({ region: ANY, gpuModel: ANY })).toBe('everything');
    expect(nameOf({ region: ANY, gpuModel: NO_GPU })).toBe('what has no GPU');
  });

  const part = (gpuModel: string, one: KnownScope['state'], region = 'kr-1'): KnownScope => ({
    region,
    gpuModel,
    state: one,
    reason: gpuModel,
    samples: [],
  });
  const sold = [h100, { region: 'kr-1', gpuModel: 'A100-80GB' }];
  test('a provider is as well as the best that it sells', () => {
    expect(rollUp([part('H100', 'down')], sold)).toBeNull();
    expect(rollUp([part('H100', 'down'), part('A100-80GB', 'unknown')], sold)).toBeNull();
    expect(rollUp([part('H100', 'down'), part('A100-80GB', 'degraded')], sold)?.state).toBe('degraded');
    expect(rollUp([part('H100', 'down'), part('A100-80GB', 'down')], sold)?.state).toBe('down');
    expect(rollUp([part(ANY, 'degraded', ANY), part('H100', 'down')], sold)?.state).toBe('degraded');
    expect(rollUp([part('H100', 'down')], [h100])?.state).toBe('down');
    expect(rollUp([], sold)).toBeNull();
    expect(rollUp([part(ANY, 'down', ANY)], [])?.state).toBe('down');
    expect(rollUp([part('H100', 'down')], [])).toBeNull();
  });
});

describe('samples', () => {
  const fact = (more: Partial<WorkFact>): WorkFact => ({
    allocationId: 'alc-1',
    jobId: 'job-1',
    project: 'a',
    provider: 'alpha',
    region: 'kr-1',
    gpuModel: 'H100',
    what: 'failed',
    at: NOW,
    detail: 'refused',
    ...more,
  });

  test('by scope and plane', () => {
    const judged = workSamples([
      fact({}),
      fact({ what: 'started' }),
      fact({ what: 'lost' }),
      fact({ gpuModel: NO_GPU, what: 'overdue' }),
    ]);
    expect(
      judged.map(({ scope, plane, samples }) => [scope.gpuModel, plane, samples.map(({ good }) => good)]),
    ).toEqual([
      ['H100', 'control', [false, true]],
      ['H100', 'data', [false]],
      [NO_GPU, 'control', [false]],
    ]);
  });

  test('a job that is refused at one provider after the other says nothing of any', () => {
    const facts = ['alpha', 'beta'].map((provider) => fact({ provider }));
    expect(workSamples([...facts, fact({ jobId: 'job-2' })]).flatMap(({ samples }) => samples)).toHaveLength(
      1,
    );
  });

  const fault = (xid: number, device: string, gpuModel: string | null = 'H100') => ({
    provider: 'alpha',
    at: NOW,
    device,
    gpuIndex: null,
    gpuModel,
    xid,
    text: '',
  });
  const devices = new Map([['alpha', new Map([['H100', 2]])]]);
  test.each([
    ['an application’s own fault', [fault(13, 'a'), fault(31, 'a'), fault(43, 'b')], []],
    ['one that is only a warning', [fault(63, 'a')], []],
    ['one that nobody knows', [fault(999, 'a')], []],
    ['one GPU off the bus', [fault(79, 'a')], ['degraded']],
    ['the same one twice', [fault(79, 'a'), fault(79, 'a')], ['degraded', 'degraded']],
    ['all GPUs off the bus', [fault(79, 'a'), fault(79, 'b')], ['down', 'down']],
    ['all with bad memory', [fault(48, 'a'), fault(48, 'b')], ['degraded', 'degraded']],
    ['of no known model', [fault(79, 'a', null), fault(79, 'b', null)], ['down', 'down']],
  ])('%s', (_, faults, proves) => {
    const samples = gpuSamples(faults, devices).flatMap((judged) => judged.samples);
    expect(samples.map((one) => one.proves)).toEqual(proves);
  });

  const probe = (more: Partial<Probe>): Probe => ({
    verb: 'submit',
    failures: T.verbFailures,
    failedAt: NOW,
    fault: 'unreachable',
    detail: 'nobody there',
    answeredAt: null,
    ...more,
  });
  test.each([
    ['submit fails again and again', probe({}), ['down']],
    ['it is throttled', probe({ fault: 'throttled' }), ['degraded']],
    ['it failed twice', probe({ failures: T.verbFailures - 1 }), []],
    ['it answered after', probe({ failures: 0, answeredAt: NOW }), [null]],
    ['a look fails: that is a silence, and judged as one', probe({ verb: 'list' }), []],
  ])('%s', (_, one, proves) => {
    expect(probeSamples([one], T).map((found) => found.proves)).toEqual(proves);
  });
});
