import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALLOCATION_STATES, ALLOCATION_TRANSITIONS } from '../../src/core/allocation.ts';
import type { Change, JobChange } from '../../src/core/change.ts';
import {
  judgeAbsence,
  judgeLeaseOver,
  judgeObservation,
  judgeProviderDown,
  type Held,
} from '../../src/core/failover.ts';
import { backoffMs } from '../../src/core/requeue.ts';
import { stopChanges } from '../../src/core/stop.ts';
import { JOB_STATES, JOB_TRANSITIONS, isTerminal } from '../../src/core/job.ts';
import { OBSERVED_PHASES, OUTCOMES, UNKEPT_OUTCOMES, type Observation } from '../../src/core/order.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';

const NOW = new Date('2027-01-01T00:01:00Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms);

const held = (over: Partial<Held> = {}): Held => ({
  allocationId: 'alc-1',
  provider: 'pangyo',
  state: 'active',
  startedAt: ago(10_000),
  serving: null,
  endpoint: null,
  jobId: 'job-1',
  jobState: 'running',
  jobStoppingTo: null,
  jobReason: 'started',
  jobReasonDetail: null,
  current: true,
  continuity: 'restart',
  failedStarts: 0,
  ...over,
});

const seen = (over: Partial<Observation> = {}): Observation => ({
  allocationId: 'alc-1',
  phase: 'running',
  ranMs: 10_000,
  endedAgoMs: null,
  outcome: null,
  exitCode: null,
  detail: null,
  endpoint: null,
  serving: null,
  ...over,
});

const ended = (over: Partial<Observation> = {}): Observation =>
  seen({ phase: 'ended', endedAgoMs: 500, outcome: 'exited', exitCode: 0, ...over });

const look = (one: Held, what: Observation): Change[] => judgeObservation(one, what, NOW, DEFAULT_TIMING);
const jobOf = (changes: readonly Change[]): JobChange | undefined =>
  changes.findLast((change): change is JobChange => change.kind === 'job');

describe('what a provider says of something that goes on', () => {
  test('nothing new changes nothing', () => {
    expect(look(held(), seen())).toEqual([]);
  });

  test('a first sight makes it active, and its job running once the command runs', () => {
    const fresh = held({ state: 'submitting', startedAt: null, jobState: 'provisioning' });
    expect(look(fresh, seen({ phase: 'starting', ranMs: null }))).toEqual([
      { kind: 'activate', allocationId: 'alc-1', startedAt: null, endpoint: null, serving: null },
    ]);
    const changes = look(fresh, seen({ ranMs: 2_000 }));
    expect(changes.map(({ kind }) => kind)).toEqual(['activate', 'job']);
    expect(jobOf(changes)).toMatchObject({ to: 'running', startedAt: ago(2_000) });
  });

  test('what was released is not believed to run', () => {
    expect(look(held({ state: 'released' }), seen())).toEqual([]);
  });

  test('an allocation that is not the current one never makes its job run', () => {
    const old = held({ state: 'releasing', startedAt: null, current: false, jobState: 'provisioning' });
    expect(jobOf(look(old, seen()))).toBeUndefined();
  });
});

describe('what an end means', () => {
  test.each([
    ['exit 0', held(), ended(), 'succeeded'],
    ['exit 3', held(), ended({ exitCode: 3 }), 'failed'],
    ['lost', held(), ended({ outcome: 'lost', exitCode: null }), 'queued'],
    ['its lease ran out', held(), ended({ outcome: 'lease-expired', exitCode: null }), 'queued'],
    ['stopped without our order', held(), ended({ outcome: 'stopped', exitCode: 143 }), 'queued'],
    [
      'lost, and it was to end with its provider',
      held({ continuity: 'none' }),
      ended({ outcome: 'lost' }),
      'failed',
    ],
    [
      'refused, and it was to end with its provider',
      held({ continuity: 'none', jobState: 'provisioning', state: 'submitting' }),
      ended({ outcome: 'refused', ranMs: null }),
      'queued',
    ],
    [
      'stopped by a cancel',
      held({ state: 'releasing', jobState: 'stopping', jobStoppingTo: 'cancelled' }),
      ended({ outcome: 'stopped' }),
      'cancelled',
    ],
    [
      'stopped by a limit',
      held({ state: 'releasing', jobState: 'stopping', jobStoppingTo: 'failed' }),
      ended({ outcome: 'lost' }),
      'failed',
    ],
    [
      'exit 0 while it was being stopped',
      held({ state: 'releasing', jobState: 'stopping', jobStoppingTo: 'cancelled' }),
      ended(),
      'succeeded',
    ],
    [
      'exit 0 of a job that was requeued',
      held({ state: 'releasing', jobState: 'queued' }),
      ended(),
      'succeeded',
    ],
    [
      'exit 0 heard after the lease was over',
      held({ state: 'released', jobState: 'queued' }),
      ended(),
      'succeeded',
    ],
  ] as const)('%s', (_, one, what, to) => {
    expect(jobOf(look(one, what))?.to).toBe(to);
  });

  test.each([
    [
      'exit 3 of a job that was requeued',
      held({ state: 'releasing', jobState: 'queued' }),
      ended({ exitCode: 3 }),
    ],
    [
      'exit 0 of an attempt that is not the current one',
      held({ state: 'releasing', current: false }),
      ended(),
    ],
    ['exit 0 of a job that has ended', held({ state: 'releasing', jobState: 'cancelled' }), ended()],
  ] as const)('%s changes no job', (_, one, what) => {
    expect(jobOf(look(one, what))).toBeUndefined();
    expect(look(one, what).map(({ kind }) => kind)).toEqual(['release']);
  });

  test('a run too short to be seen still passes through running', () => {
    const fresh = held({ state: 'submitting', startedAt: null, jobState: 'provisioning' });
    const states = look(fresh, ended({ ranMs: 30 })).flatMap((change) =>
      change.kind === 'job' ? [change.to] : [],
    );
    expect(states).toEqual(['running', 'succeeded']);
  });

  test('the reason that a stop was asked for with is kept', () => {
    const stopping = held({
      state: 'releasing',
      jobState: 'stopping',
      jobStoppingTo: 'failed',
      jobReason: 'deadline',
      jobReasonDetail: 'too late',
    });
    expect(jobOf(look(stopping, ended({ outcome: 'stopped' })))).toMatchObject({
      to: 'failed',
      reason: 'deadline',
      detail: 'too late',
    });
  });
});

describe('a run whose money was used up', () => {
  const unpaid = ended({ outcome: 'unpaid', exitCode: 143 });

  test('waits for more, and nothing of it is held against its provider or its job', () => {
    const changes = look(held({ failedStarts: DEFAULT_TIMING.attemptsMax - 1 }), unpaid);
    expect(changes[0]).toMatchObject({ kind: 'release', outcome: 'unpaid', endReason: 'budget' });
    expect(jobOf(changes)).toMatchObject({ to: 'queued', reason: 'budget' });
    expect(jobOf(changes)?.requeue).toEqual({
      notBefore: null,
      avoid: null,
      moveTo: null,
      failedStart: false,
    });
    expect(UNKEPT_OUTCOMES).not.toContain('unpaid');
  });

  test('also where it is to end with its provider, for that is there; a service goes on in its copy', () => {
    expect(jobOf(look(held({ continuity: 'none' }), unpaid))?.to).toBe('queued');
    expect(jobOf(look(held({ continuity: 'active' }), unpaid))?.requeue?.toReplica).toBe(true);
  });

  test('before anything of it ran waits a moment, and no more with every time', () => {
    const fresh = held({ state: 'submitting', jobState: 'provisioning', startedAt: null, failedStarts: 5 });
    const change = jobOf(look(fresh, { ...unpaid, ranMs: null, exitCode: null }));
    expect(change?.requeue).toMatchObject({
      notBefore: new Date(NOW.getTime() + DEFAULT_TIMING.backoffMs),
      failedStart: false,
    });
  });

  test('of a job that was told to stop ends it as it was told to end', () => {
    const stopping = held({ state: 'releasing', jobState: 'stopping', jobStoppingTo: 'cancelled' });
    expect(jobOf(look(stopping, unpaid))?.to).toBe('cancelled');
    expect(jobOf(look(held({ state: 'releasing', jobState: 'queued' }), unpaid))).toBeUndefined();
  });
});

describe('failed starts', () => {
  const refused = (failedStarts: number) =>
    jobOf(
      look(
        held({ state: 'submitting', jobState: 'provisioning', startedAt: null, failedStarts }),
        ended({ outcome: 'refused', exitCode: null, ranMs: null }),
      ),
    );

  test('wait longer each time, avoid that provider, and end at the limit', () => {
    expect(refused(0)?.requeue).toEqual({
      notBefore: new Date(NOW.getTime() + DEFAULT_TIMING.backoffMs),
      avoid: { provider: 'pangyo', until: new Date(NOW.getTime() + DEFAULT_TIMING.avoidMs) },
      moveTo: null,
      failedStart: true,
    });
    expect(refused(2)?.requeue?.notBefore).toEqual(new Date(NOW.getTime() + DEFAULT_TIMING.backoffMs * 4));
    expect(refused(DEFAULT_TIMING.attemptsMax - 2)?.to).toBe('queued');
    expect(refused(DEFAULT_TIMING.attemptsMax - 1)).toMatchObject({
      to: 'failed',
      reason: 'attempts-exhausted',
    });
  });

  test('the backoff doubles up to its limit and never falls', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000 }), (n) => {
        const here = backoffMs(n, DEFAULT_TIMING);
        expect(here).toBeGreaterThanOrEqual(DEFAULT_TIMING.backoffMs);
        expect(here).toBeLessThanOrEqual(DEFAULT_TIMING.backoffMaxMs);
        expect(backoffMs(n + 1, DEFAULT_TIMING)).toBeGreaterThanOrEqual(here);
      }),
    );
  });
});

describe('absence, silence and leases', () => {
  test('absence ends what had been seen, and not what was only ordered', () => {
    expect(judgeAbsence(held({ state: 'submitting' }), NOW, DEFAULT_TIMING)).toEqual([]);
    expect(judgeAbsence(held({ state: 'released' }), NOW, DEFAULT_TIMING)).toEqual([]);
    expect(jobOf(judgeAbsence(held(), NOW, DEFAULT_TIMING))).toMatchObject({
      to: 'queued',
      reason: 'allocation-lost',
    });
  });

  test('a lease that is over ends only what was told to go', () => {
    expect(judgeLeaseOver(held(), NOW, DEFAULT_TIMING)).toEqual([]);
    const [release] = judgeLeaseOver(held({ state: 'releasing', jobState: 'queued' }), NOW, DEFAULT_TIMING);
    expect(release).toMatchObject({ kind: 'release', outcome: 'lease-expired', endReason: 'lease-expired' });
  });

  test('a provider that is down: fenced, and the job goes elsewhere or ends with it', () => {
    const changes = judgeProviderDown(held(), NOW, DEFAULT_TIMING);
    expect(changes[0]).toMatchObject({ kind: 'releasing', endReason: 'provider-down' });
    expect(jobOf(changes)).toMatchObject({ to: 'queued', requeue: { failedStart: false, notBefore: null } });
    expect(jobOf(judgeProviderDown(held({ continuity: 'none' }), NOW, DEFAULT_TIMING))?.to).toBe('failed');
    expect(judgeProviderDown(held({ state: 'releasing' }), NOW, DEFAULT_TIMING)).toEqual([]);
  });
});

test('a stop of a queued job ends it at once, of another one when the stop is confirmed', () => {
  expect(
    stopChanges({ id: 'job-1', state: 'queued', allocation: null }, 'cancelled', 'cancelled', null),
  ).toMatchObject([{ to: 'cancelled' }]);
  expect(
    stopChanges({ id: 'job-1', state: 'running', allocation: { id: 'alc-1' } }, 'failed', 'deadline', null),
  ).toMatchObject([
    { kind: 'releasing', endReason: 'deadline' },
    { to: 'stopping', stoppingTo: 'failed' },
  ]);
});

test('whatever is held and whatever is seen, every change is one that the states allow', () => {
  const anyHeld = fc.record({
    state: fc.constantFrom(...ALLOCATION_STATES),
    startedAt: fc.constantFrom(null, ago(5_000)),
    jobState: fc.constantFrom(...JOB_STATES),
    jobStoppingTo: fc.constantFrom('cancelled' as const, 'failed' as const),
    current: fc.boolean(),
    continuity: fc.constantFrom('none' as const, 'restart' as const),
    failedStarts: fc.nat(25),
  });
  const anySeen = fc.record({
    phase: fc.constantFrom(...OBSERVED_PHASES),
    outcome: fc.constantFrom(null, ...OUTCOMES),
    exitCode: fc.constantFrom(null, 0, 1, 137),
    ranMs: fc.constantFrom(null, 0, 3_000),
  });
  fc.assert(
    fc.property(anyHeld, anySeen, fc.nat(3), (one, what, which) => {
      const h = held(one);
      const judged = [
        () => look(h, seen(what)),
        () => judgeAbsence(h, NOW, DEFAULT_TIMING),
        () => judgeLeaseOver(h, NOW, DEFAULT_TIMING),
        () => judgeProviderDown(h, NOW, DEFAULT_TIMING),
      ][which]!();
      let jobState = h.jobState;
      for (const change of judged) {
        if (change.kind === 'releasing') expect(ALLOCATION_TRANSITIONS[h.state]).toContain('releasing');
        if (change.kind === 'release') expect(ALLOCATION_TRANSITIONS[h.state]).toContain('released');
        if (change.kind !== 'job') continue;
        expect(h.current).toBe(true);
        expect(isTerminal(jobState)).toBe(false);
        // From provisioning a run too short to be seen passes through running; else the tuple itself allows it.
        expect(JOB_TRANSITIONS[jobState]).toContain(change.to);
        expect(change.requeue !== undefined).toBe(change.to === 'queued');
        jobState = change.to;
      }
    }),
    { numRuns: 3_000 },
  );
});
