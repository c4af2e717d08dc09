import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/core/canonical.ts';
import { decidePlacements, marketOf, Session, stateOf } from '../../src/core/placement/decide.ts';
import { quoteFor } from '../../src/core/placement/quote.ts';
import type { PlacementProvider, QueuedJob } from '../../src/core/placement/types.ts';
import { ANY, NO_GPU } from '../../src/core/scope.ts';
import { jobOf, later, NOW, offerOf, providerOf, worldOf } from './placement-world.ts';

const sick = (region: string, gpuModel: string) => ({ sick: [{ region, gpuModel, state: 'down' as const }] });
const offers = [
  offerOf('alpha', 'a', { region: 'kr-1', gpuModel: 'H100' }),
  offerOf('alpha', 'b', { region: 'kr-2', gpuModel: 'H100', priceMicrosPerHour: 90_000_000_000n }),
  offerOf('alpha', 'c', { region: 'kr-2', gpuModel: 'A100-80GB', priceMicrosPerHour: 99_000_000_000n }),
];
const world = (provider: Partial<PlacementProvider>, jobs: QueuedJob[] = [jobOf('job-1', {})]) =>
  worldOf({ providers: [providerOf('alpha', provider)], offers, jobs });
const placed = (provider: Partial<PlacementProvider>) =>
  decidePlacements(world(provider)).placements.map(({ offer }) => offer);
const waiting = (provider: Partial<PlacementProvider>) => {
  const [one] = decidePlacements(world(provider)).waiting;
  return one && `${one.waiting().reason}: ${one.waiting().detail}`;
};

describe('a sick part', () => {
  test.each([
    ['nothing', {}, ['a']],
    ['another region', sick('kr-9', ANY), ['a']],
    ['offers without a GPU', sick(ANY, NO_GPU), ['a']],
    ['one region', sick('kr-1', ANY), ['b']],
    ['one model', sick(ANY, 'H100'), ['c']],
    ['one model in one region', sick('kr-1', 'H100'), ['b']],
    ['everything', sick(ANY, ANY), []],
  ])('%s', (_, provider, taken) => {
    expect(placed(provider)).toEqual(taken);
  });

  test('whoever waits is told which', () => {
    expect(waiting(sick(ANY, ANY))).toBe(
      'provider-health: 3 offers fit, but their providers take no new work: everything is down at alpha',
    );
  });

  test('is counted under the rule of health, with its name', () => {
    const [placement] = decidePlacements(world(sick('kr-1', ANY))).placements;
    expect(placement?.decision().removed).toEqual([
      {
        rule: 'health',
        offers: 1,
        examples: [
          {
            provider: 'alpha',
            offer: 'a',
            detail: 'provider alpha is sick in part: everything in kr-1 is down',
          },
        ],
      },
    ]);
  });

  test('is not quoted, and nothing of it counts as free', () => {
    const snapshot = world(sick(ANY, 'H100'));
    const quote = quoteFor(marketOf(snapshot), stateOf(snapshot), jobOf('job-1', {}));
    expect(quote.candidates.map(({ offer }) => offer)).toEqual(['c']);
    const all = world(sick(ANY, ANY));
    expect(new Session(marketOf(all), stateOf(all)).anythingFree()).toBe(false);
  });

  test('takes no part in an exchange', () => {
    const jobs = Array.from({ length: 12 }, (_, n) => jobOf(`job-${n}`, {}));
    const plan = decidePlacements(world(sick('kr-2', ANY), jobs));
    expect(new Set(plan.placements.map(({ offer }) => offer))).toEqual(new Set(['a']));
  });
});

describe('an offer that was full', () => {
  const full = (until: Date) => ({ full: [{ offer: 'a', until }] });

  test('is left alone until then', () => {
    expect(placed(full(later(1)))).toEqual(['b']);
    expect(placed(full(NOW))).toEqual(['a']);
  });
  test('and whoever waits for it is told', () => {
    const full3 = { full: ['a', 'b', 'c'].map((offer) => ({ offer, until: later(30) })) };
    expect(waiting(full3)).toMatch(
      /^no-capacity: alpha\/[abc] was refused as full a moment ago, and is tried again from 2026-11-22T12:00:30/,
    );
  });
});

test('a record from before there were verdicts over parts decides as one with none', () => {
  const of = (provider: Partial<PlacementProvider>) =>
    canonicalJson(decidePlacements(world(provider)).placements.map((one) => one.decision()));
  expect(of({ sick: [], full: [] })).toBe(of({}));
});
