import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALLOCATION_ROLES, ALLOCATION_STATES, END_REASONS } from '../../src/core/allocation.ts';
import type { Observation } from '../../src/core/order.ts';
import { divideOrders, leaseEnd, SAVE_ALLOWANCE_SECONDS, type Standing } from '../../src/core/orders.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';

const NOW = new Date('2027-01-01T00:01:00Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms);
const standing = (over: Partial<Standing> = {}): Standing => ({
  allocationId: 'alc-1',
  state: 'active',
  role: 'run',
  releasingAt: null,
  endReason: null,
  graceSeconds: 10,
  paidSeconds: null,
  ...over,
});
const seen = (phase: Observation['phase']) =>
  new Map([['alc-1', { allocationId: 'alc-1', phase } as Observation]]);
const NOTHING = new Map<string, Observation>();

test.each([
  ['ordered and not there', standing({ state: 'submitting' }), NOTHING, { start: ['alc-1'] }],
  ['ordered and there', standing({ state: 'submitting' }), seen('starting'), { keep: ['alc-1'] }],
  ['runs', standing(), seen('running'), { keep: ['alc-1'] }],
  [
    'stands by, and is kept new',
    standing({ role: 'standby' }),
    seen('standby'),
    { keep: ['alc-1'], standbys: ['alc-1'] },
  ],
  [
    'stands by, and is not there yet',
    standing({ role: 'standby', state: 'submitting' }),
    NOTHING,
    { start: ['alc-1'] },
  ],
  [
    'is paid for so long',
    standing({ paidSeconds: 60 }),
    seen('running'),
    { keep: ['alc-1'], paid: [{ allocationId: 'alc-1', paidSeconds: 60 }] },
  ],
  ['ended and on record', standing({ state: 'released' }), seen('ended'), { forget: ['alc-1'] }],
  ['nobody’s, and runs: in no list', standing({ state: 'released' }), seen('running'), {}],
  ['gone on both sides', standing({ state: 'released' }), NOTHING, {}],
])('%s', (_, one, observed, expected) => {
  const none = { start: [], keep: [], standbys: [], stop: [], paid: [], forget: [], unheard: [], renew: [] };
  expect(divideOrders([one], observed, NOW, 64)).toEqual({ ...none, ...expected });
});

describe('a stop', () => {
  const stopping = (over: Partial<Standing> = {}) =>
    divideOrders(
      [standing({ state: 'releasing', releasingAt: ago(1_000), endReason: 'cancelled', ...over })],
      seen('running'),
      NOW,
      64,
    );

  test('keeps its lease for its grace and a last checkpoint', () => {
    const { stop, renew } = stopping();
    expect(stop).toEqual([{ allocationId: 'alc-1', reason: 'cancelled', graceSeconds: 10, renewed: true }]);
    expect(renew).toEqual(['alc-1']);
  });

  test('loses it when that has taken too long', () => {
    const limitMs = (10 + SAVE_ALLOWANCE_SECONDS) * 1000;
    expect(stopping({ releasingAt: ago(limitMs - 1) }).renew).toEqual(['alc-1']);
    expect(stopping({ releasingAt: ago(limitMs) }).renew).toEqual([]);
  });

  test('of what was given up renews nothing', () => {
    const { stop, renew } = stopping({ endReason: 'provider-down' });
    expect(stop[0]?.renewed).toBe(false);
    expect(renew).toEqual([]);
  });
});

test('each is in one list at most, and only what is live or may finish keeps its lease', () => {
  const anyStanding = fc.record({
    state: fc.constantFrom(...ALLOCATION_STATES),
    role: fc.constantFrom(...ALLOCATION_ROLES),
    releasingAt: fc.constantFrom(null, ago(1_000), ago(900_000)),
    endReason: fc.constantFrom(null, ...END_REASONS),
    graceSeconds: fc.nat(60),
    paidSeconds: fc.option(fc.nat(100_000)),
  });
  fc.assert(
    fc.property(
      fc.array(anyStanding, { maxLength: 8 }),
      fc.array(fc.constantFrom(null, 'running', 'ended'), { minLength: 8, maxLength: 8 }),
      (list, phases) => {
        const all = list.map((one, i) => ({ ...one, allocationId: `alc-${i}` }));
        const observed = new Map(
          all.flatMap(({ allocationId }, i) =>
            phases[i] == null
              ? []
              : [[allocationId, { allocationId, phase: phases[i] } as Observation] as const],
          ),
        );
        const { start, keep, standbys, stop, paid, forget, renew } = divideOrders(all, observed, NOW, 64);
        for (const id of standbys) expect(keep).toContain(id);
        const named = [...start, ...keep, ...stop.map(({ allocationId }) => allocationId), ...forget];
        expect(new Set(named).size).toBe(named.length);
        const told = new Map(paid.map(({ allocationId, paidSeconds }) => [allocationId, paidSeconds]));
        for (const one of all) {
          const id = one.allocationId;
          const goesOn = keep.includes(id) || stop.some(({ allocationId }) => allocationId === id);
          expect(told.get(id) ?? null).toBe(goesOn ? one.paidSeconds : null);
          if (start.includes(id)) expect(one.state).toBe('submitting');
          if (one.state === 'submitting' || one.state === 'active') expect([...start, ...keep]).toContain(id);
          if (renew.includes(id))
            expect(one.state === 'releasing' && one.endReason !== 'provider-down').toBe(true);
          if (forget.includes(id)) expect(one.state).toBe('released');
        }
      },
    ),
  );
});

test('a lease ends leaseSeconds after it was given', () => {
  expect(leaseEnd(NOW, DEFAULT_TIMING).getTime() - NOW.getTime()).toBe(DEFAULT_TIMING.leaseSeconds * 1000);
});

test('what a drill has cut off is told nothing, whatever is wanted of it, until it is released', () => {
  const cut = new Set(['alc-1']);
  for (const state of ['submitting', 'active', 'releasing'] as const) {
    const one = standing({ state, releasingAt: NOW, endReason: 'cancelled', paidSeconds: 60 });
    for (const observed of [NOTHING, seen('running')]) {
      expect(divideOrders([one], observed, NOW, 64, cut)).toEqual({
        start: [],
        keep: [],
        standbys: [],
        stop: [],
        paid: [],
        forget: [],
        unheard: ['alc-1'],
        renew: [],
      });
    }
  }
  const released = standing({ state: 'released' });
  expect(divideOrders([released], seen('ended'), NOW, 64, cut)).toMatchObject({
    forget: ['alc-1'],
    unheard: [],
  });
});
