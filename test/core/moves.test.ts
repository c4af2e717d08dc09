import { describe, expect, test } from 'vitest';
import { movesOf, type Leg, type MovedJob } from '../../src/core/moves.ts';

const at = (seconds: number) => new Date(Date.parse('2026-11-22T10:00:00Z') + seconds * 1_000);
const NOW = at(1_000);

const leg = (attempt: number, over: Partial<Leg> = {}): Leg => ({
  id: `alc-${attempt}`,
  attempt,
  provider: `vendor-${attempt}`,
  region: 'kr-1',
  offer: 'small',
  placedAt: at(100 * attempt),
  startedAt: at(100 * attempt + 1),
  servingAt: null,
  releasingAt: null,
  releasedAt: null,
  leaseUntil: at(100 * attempt + 6),
  endReason: null,
  endDetail: null,
  restored: null,
  verdict: null,
  ...over,
});
/** Ran from 101 s on, was last heard at 150 s and given up at 155 s; its lease was over at 156.5 s. */
const lost = leg(1, {
  endReason: 'provider-down',
  endDetail: 'vendor-1 is down',
  releasingAt: at(155),
  leaseUntil: at(156),
  releasedAt: at(156.8),
  verdict: { lastContactAt: at(150), suspectedAt: at(152.5), downAt: at(155) },
});
const next = leg(2, { placedAt: at(157), startedAt: at(158), restored: { id: 'ckp-1', savedAt: at(140) } });

const job = (over: Partial<MovedJob> = {}): MovedJob => ({
  kind: 'training',
  startedAt: at(101),
  rtoSeconds: 10,
  rpoSeconds: 5,
  ...over,
});
const moves = (legs: readonly Leg[], over: Partial<MovedJob> = {}, now = NOW) =>
  movesOf(job(over), legs, now, { leaseMarginMs: 500 });

test('a move tells when what happened, and holds it against the targets', () => {
  expect(moves([lost, next])).toEqual([
    {
      from: { allocationId: 'alc-1', provider: 'vendor-1', region: 'kr-1', offer: 'small', attempt: 1 },
      to: { allocationId: 'alc-2', provider: 'vendor-2', region: 'kr-1', offer: 'small' },
      attempts: 1,
      cause: 'provider-down',
      detail: 'vendor-1 is down',
      faultAt: at(150),
      suspectedAt: at(152.5),
      downAt: at(155),
      fencedAt: at(156.5),
      decidedAt: at(157),
      startedAt: at(158),
      servingAt: null,
      checkpoint: { id: 'ckp-1', savedAt: at(140), ageSeconds: 10 },
      rto: { targetSeconds: 10, achievedSeconds: 8, met: true },
      rpo: { targetSeconds: 5, achievedSeconds: 10, met: false },
    },
  ]);
});

test('a copy that served already was switched to with the verdict: the service was never away', () => {
  const copy = leg(2, { placedAt: at(110), startedAt: at(111), servingAt: at(112) });
  expect(moves([lost, copy], { kind: 'inference' })[0]).toMatchObject({
    decidedAt: at(155),
    startedAt: at(111),
    rto: { achievedSeconds: 0, met: true },
  });
});

describe('what counts as a move', () => {
  test.each<[string, Partial<Leg>, number]>([
    ['its provider was given up', {}, 1],
    ['an operator moved it', { endReason: 'operator-move' }, 1],
    ['it left a place that was being hurt', { endReason: 'provider-degraded' }, 1],
    ['its provider drained', { endReason: 'provider-drain' }, 1],
    ['it made room', { endReason: 'preempted' }, 1],
    ['it went home', { endReason: 'failback' }, 1],
    ['nobody had it any more', { endReason: 'lost' }, 1],
    ['its lease ran out', { endReason: 'lease-expired' }, 1],
    ['it exited', { endReason: 'exited' }, 0],
    ['it was cancelled', { endReason: 'cancelled' }, 0],
    ['it was too late', { endReason: 'deadline' }, 0],
    ['it never ran', { startedAt: null }, 0],
    ['it runs', { endReason: null, releasingAt: null }, 0],
  ])('%s', (_, over, count) => expect(moves([{ ...lost, ...over }, next])).toHaveLength(count));

  test('each place that it ran at and left; what never ran is part of the way', () => {
    const legs = [
      lost,
      leg(2, { startedAt: null, endReason: 'refused' }),
      leg(3, { endReason: 'lost', releasedAt: at(350) }),
      leg(4),
    ];
    expect(moves(legs).map((one) => [one.from.attempt, one.to?.allocationId, one.attempts])).toEqual([
      [1, 'alc-3', 2],
      [3, 'alc-4', 1],
    ]);
  });
});

describe('the clock starts', () => {
  test.each<[string, Partial<Leg>, number]>([
    ['when it was last heard', {}, 150],
    [
      'when it was given up, where it was never heard',
      { verdict: { ...lost.verdict!, lastContactAt: null } },
      155,
    ],
    ['when it was told to go', { endReason: 'operator-move', verdict: null }, 155],
    [
      'when it ended, where nobody told it to',
      { endReason: 'lost', verdict: null, releasingAt: null },
      156.8,
    ],
  ])('%s', (_, over, seconds) => {
    expect(moves([{ ...lost, ...over }, next])[0]?.faultAt).toEqual(at(seconds));
  });
});

describe('the old place is fenced', () => {
  const fenced = (over: Partial<Leg>, now = NOW) =>
    moves([{ ...lost, ...over }], {}, now)[0]?.fencedAt ?? null;

  test.each<[string, Partial<Leg>, number]>([
    ['when its lease is over, though that is noted later', {}, 156.5],
    ['when it says so before', { releasedAt: at(155.5) }, 155.5],
    ['when it says so, where it was never told to go', { releasingAt: null }, 156.8],
  ])('%s', (_, over, seconds) => expect(fenced(over)).toEqual(at(seconds)));

  test('not before', () => {
    expect(fenced({ releasedAt: null }, at(156.499))).toBeNull();
    expect(fenced({ releasedAt: null }, at(156.5))).toEqual(at(156.5));
  });
});

describe('what is not over', () => {
  test('is open while it can be in time, and late as soon as it is', () => {
    const met = (now: Date) => moves([lost, leg(2, { startedAt: null })], {}, now)[0]!.rto;
    expect(met(at(160))).toEqual({ targetSeconds: 10, achievedSeconds: null, met: null });
    expect(met(at(160.001))).toEqual({ targetSeconds: 10, achievedSeconds: null, met: false });
  });

  test('has no next place before one is decided', () => {
    expect(moves([lost])[0]).toMatchObject({ to: null, attempts: 0, decidedAt: null, checkpoint: null });
  });
});

describe('what was lost', () => {
  const rpo = (to: Partial<Leg>, over: Partial<MovedJob> = {}) =>
    moves([lost, { ...next, ...to }], over)[0]!.rpo;

  test('without a checkpoint is everything since it first ran', () => {
    expect(rpo({ restored: null }).achievedSeconds).toBe(49);
  });
  test('is not known of a checkpoint that is not kept any more', () => {
    expect(rpo({ restored: { id: 'ckp-1', savedAt: null } })).toMatchObject({
      achievedSeconds: null,
      met: null,
    });
  });
  test('is nothing where it was saved after the place was last heard', () => {
    expect(rpo({ restored: { id: 'ckp-1', savedAt: at(151) } })).toMatchObject({
      achievedSeconds: 0,
      met: true,
    });
  });
  test('is not asked of a service, which is back when it answers', () => {
    const [one] = moves([lost, { ...next, servingAt: at(163) }], { kind: 'inference' });
    expect(one).toMatchObject({ rto: { achievedSeconds: 13, met: false }, rpo: { achievedSeconds: null } });
  });
});

test('without targets nothing is met or missed', () => {
  const [one] = moves([lost, next], { rtoSeconds: null, rpoSeconds: null });
  expect(one).toMatchObject({ rto: { achievedSeconds: 8, met: null }, rpo: { met: null } });
});
