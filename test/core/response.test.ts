import { describe, expect, test } from 'vitest';
import { HEALTH_STATES, PROVIDER_MODES, type HealthState } from '../../src/core/provider.ts';
import {
  DATA_CAUSES,
  isEager,
  moveEagerly,
  responseTo,
  stateOf,
  takesWork,
  type Response,
} from '../../src/core/response.ts';
import { DEFAULT_TIMING as T } from '../../src/core/timing.ts';

const SPANS = [0, T.eagerAfterMs - 1, T.eagerAfterMs, 86_400_000];

/** The table of the function's own words, written anew: the first line that fits counts. */
const TABLE: readonly [data: HealthState, harmed: boolean, opens: boolean, Response][] = [
  ['down', true, true, 'move-all'],
  ['down', true, false, 'move-all'],
  ['down', false, true, 'move-all'],
  ['down', false, false, 'move-all'],
  ['degraded', true, true, 'move-eager'],
  ['degraded', true, false, 'move-eager'],
  ['degraded', false, true, 'stop-new'],
  ['degraded', false, false, 'stop-new'],
  ['unknown', true, true, 'stop-new'],
  ['unknown', true, false, 'stop-new'],
  ['unknown', false, true, 'stop-new'],
  ['unknown', false, false, 'stop-new'],
  ['healthy', true, true, 'stay'],
  ['healthy', true, false, 'stop-new'],
  ['healthy', false, true, 'stay'],
  ['healthy', false, false, 'stop-new'],
];

const everything = HEALTH_STATES.flatMap((control) =>
  HEALTH_STATES.flatMap((data) =>
    DATA_CAUSES.flatMap((cause) =>
      PROVIDER_MODES.flatMap((mode) => SPANS.map((lastedMs) => ({ control, data, cause, mode, lastedMs }))),
    ),
  ),
);

test.each(everything)('$data for $cause, control $control, $mode, $lastedMs ms', (condition) => {
  const { control, data, cause, mode, lastedMs } = condition;
  const harmed = cause === 'harm' && lastedMs >= 30_000;
  const opens = mode === 'active' && (control === 'unknown' || control === 'healthy');
  const row = TABLE.find(([d, h, o]) => d === data && h === harmed && o === opens);
  expect(responseTo(condition, T)).toBe(row?.[3]);
});

test('only the data plane moves anything', () => {
  const moving = everything.filter((one) => responseTo(one, T).startsWith('move'));
  expect(new Set(moving.map(({ data }) => data))).toEqual(new Set(['down', 'degraded']));
  for (const control of HEALTH_STATES)
    for (const one of moving) expect(responseTo({ ...one, control }, T)).toBe(responseTo(one, T));
});

test('silence alone never moves the eager, however long', () => {
  const condition = { control: 'healthy', data: 'degraded', cause: 'silence', mode: 'active' } as const;
  expect(responseTo({ ...condition, lastedMs: Number.MAX_SAFE_INTEGER }, T)).toBe('stop-new');
});

test.each(HEALTH_STATES.flatMap((control) => HEALTH_STATES.map((data) => ({ control, data }))))(
  'of control $control and data $data: new work goes there exactly if the state is healthy',
  (planes) => {
    expect(stateOf(planes) === 'healthy').toBe(takesWork(planes));
    // What runs is given up where the data plane is down, and only there.
    expect(stateOf(planes) === 'down').toBe(planes.data === 'down');
  },
);

describe('eager', () => {
  test.each([
    ['none', null, false],
    ['none', 60, false],
    ['restart', null, false],
    ['restart', 60, true],
  ] as const)('%s with an RTO of %s: %s', (mode, rtoSeconds, eager) => {
    expect(isEager({ mode, rtoSeconds })).toBe(eager);
  });

  test('they leave as an operator would move them', () => {
    const now = new Date('2027-01-01T00:00:00Z');
    const held = { allocationId: 'alc-1', jobId: 'job-1', provider: 'alpha' };
    const until = new Date(now.getTime() + T.avoidMs);
    expect(moveEagerly(held, 'why', now, T)).toEqual([
      { kind: 'releasing', allocationId: 'alc-1', endReason: 'provider-degraded', detail: 'why' },
      {
        kind: 'job',
        jobId: 'job-1',
        allocationId: 'alc-1',
        to: 'queued',
        reason: 'provider-degraded',
        detail: 'why',
        requeue: {
          notBefore: null,
          avoid: { provider: 'alpha', until },
          moveTo: null,
          failedStart: false,
          toReplica: true,
        },
      },
    ]);
  });
});
