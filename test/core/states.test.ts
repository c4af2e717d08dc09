import { describe, expect, test } from 'vitest';
import {
  ALLOCATION_STATES,
  ALLOCATION_TRANSITIONS,
  allocationStatesBefore,
  HOLDING_ALLOCATION_STATES,
  LIVE_ALLOCATION_STATES,
} from '../../src/core/allocation.ts';
import {
  isTerminal,
  JOB_STATES,
  JOB_TRANSITIONS,
  jobStatesBefore,
  LIVE_JOB_STATES,
  TERMINAL_JOB_STATES,
} from '../../src/core/job.ts';

/** Written out a second time on purpose: a transition that slips in or out has to be said twice. */
const JOB_ARROWS = new Set(
  `queued→provisioning queued→succeeded queued→failed queued→cancelled
   provisioning→running provisioning→queued provisioning→stopping provisioning→succeeded provisioning→failed
   provisioning→cancelled
   running→queued running→stopping running→succeeded running→failed
   stopping→succeeded stopping→failed stopping→cancelled`.split(/\s+/),
);
const ALLOCATION_ARROWS = new Set(
  `submitting→active submitting→releasing submitting→released active→releasing active→released
   releasing→released`.split(/\s+/),
);

const pairs = <State>(states: readonly State[]) =>
  states.flatMap((from) => states.map((to) => [from, to] as const));

describe('jobs', () => {
  test.each(pairs(JOB_STATES))('%s → %s is allowed exactly where an arrow is drawn', (from, to) => {
    const drawn = JOB_ARROWS.has(`${from}→${to}`);
    expect(JOB_TRANSITIONS[from].includes(to)).toBe(drawn);
    expect(jobStatesBefore(to).includes(from)).toBe(drawn);
  });

  test('a state with no way out is terminal, and only such', () => {
    expect(TERMINAL_JOB_STATES).toEqual(['succeeded', 'failed', 'cancelled']);
    for (const state of JOB_STATES) expect(isTerminal(state)).toBe(JOB_TRANSITIONS[state].length === 0);
    expect([...LIVE_JOB_STATES, ...TERMINAL_JOB_STATES].sort()).toEqual([...JOB_STATES].sort());
  });

  test('every state is reached from queued, and every live one can still end', () => {
    expect(reachable('queued', JOB_TRANSITIONS).size).toBe(JOB_STATES.length);
    for (const state of LIVE_JOB_STATES) expect(reachable(state, JOB_TRANSITIONS)).toContain('succeeded');
  });
});

describe('allocations', () => {
  test.each(pairs(ALLOCATION_STATES))('%s → %s is allowed exactly where an arrow is drawn', (from, to) => {
    const drawn = ALLOCATION_ARROWS.has(`${from}→${to}`);
    expect(ALLOCATION_TRANSITIONS[from].includes(to)).toBe(drawn);
    expect(allocationStatesBefore(to).includes(from)).toBe(drawn);
  });

  test('nothing goes back, so an allocation that was given up is never live again', () => {
    const arrows = pairs(ALLOCATION_STATES).filter(([from, to]) => ALLOCATION_TRANSITIONS[from].includes(to));
    const back = arrows.filter(
      ([from, to]) => ALLOCATION_STATES.indexOf(to) <= ALLOCATION_STATES.indexOf(from),
    );
    expect(back).toEqual([]);
  });

  test('what lives holds, and what holds is everything but released', () => {
    expect(HOLDING_ALLOCATION_STATES).toEqual(ALLOCATION_STATES.filter((state) => state !== 'released'));
    for (const state of LIVE_ALLOCATION_STATES) expect(HOLDING_ALLOCATION_STATES).toContain(state);
  });
});

function reachable<State extends string>(
  from: State,
  next: Readonly<Record<State, readonly State[]>>,
): Set<State> {
  const seen = new Set<State>([from]);
  for (const state of seen) for (const to of next[state]) seen.add(to);
  return seen;
}
