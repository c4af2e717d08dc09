import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CANDIDATES_KEPT, decidePlacements } from '../../src/core/placement/decide.ts';
import { RULES } from '../../src/core/placement/rules.ts';
import type {
  Decision,
  PlacementPlan,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';
import {
  accountingPrice,
  choices,
  healthy,
  keyOf,
  matches,
  scoreOf,
  tierOf,
  usable,
  type Choice,
} from './placement-oracle.ts';
import { jobOf, later, world } from './placement-world.ts';

const RUNS = { numRuns: 150 };
const holds = (check: (snapshot: PlacementSnapshot) => void) => fc.assert(fc.property(world, check), RUNS);
const held = (snapshot: PlacementSnapshot, job: QueuedJob) =>
  [job.fencedUntil, job.notBefore].some((until) => until !== null && until > snapshot.now);

/** Walks a plan in the order in which the queue is served, with what was free before each decision. */
function replay(
  snapshot: PlacementSnapshot,
  plan: PlacementPlan,
  visit: (job: QueuedJob, free: ReadonlyMap<string, number>) => void,
): Map<string, number> {
  const free = new Map(
    snapshot.offers.map((offer) => [keyOf(offer), Math.max(0, offer.capacity - offer.used)]),
  );
  const queue = snapshot.jobs.toSorted(
    (a, b) => b.priority - a.priority || Number(a.queuedAt) - Number(b.queuedAt) || (a.id < b.id ? -1 : 1),
  );
  for (const job of queue) {
    visit(job, free);
    const placed = plan.placements.find(({ jobId }) => jobId === job.id);
    const key = placed && keyOf({ provider: placed.provider, name: placed.offer });
    if (key) free.set(key, (free.get(key) ?? 0) - 1);
  }
  return free;
}

const freeOf = (free: ReadonlyMap<string, number>, { offer }: Choice) => free.get(keyOf(offer)) ?? 0;
const summary = ({ placements, waiting, wakeAt }: PlacementPlan) => ({ placements, waiting, wakeAt });

describe('whatever is offered and asked', () => {
  test('every job is placed once or waits once', () => {
    holds((snapshot) => {
      const plan = decidePlacements(snapshot);
      const ids = [...plan.placements, ...plan.waiting].map(({ jobId }) => jobId).sort();
      expect(ids).toEqual(snapshot.jobs.map(({ id }) => id).sort());
    });
  });

  test('no placement breaks a rule, and its price is the offer’s', () => {
    holds((snapshot) => {
      for (const placement of decidePlacements(snapshot).placements) {
        const job = snapshot.jobs.find(({ id }) => id === placement.jobId) as QueuedJob;
        const choice = choices(snapshot, job).find(
          ({ offer, spot }) =>
            keyOf(offer) === `${placement.provider}/${placement.offer}` && spot === placement.spot,
        );
        expect(choice).toBeDefined();
        expect(held(snapshot, job)).toBe(false);
        expect(placement.priceMicrosPerHour).toBe(accountingPrice(snapshot, choice as Choice));
      }
    });
  });

  test('nothing is oversold', () => {
    holds((snapshot) => {
      const free = replay(snapshot, decidePlacements(snapshot), () => {});
      expect(Math.min(0, ...free.values())).toBe(0);
    });
  });

  test('a job gets the best of what was free in its turn, and waits only where nothing was', () => {
    holds((snapshot) => {
      const plan = decidePlacements(snapshot);
      replay(snapshot, plan, (job, free) => {
        const fitting = choices(snapshot, job);
        const open = held(snapshot, job) ? [] : fitting.filter((choice) => freeOf(free, choice) > 0);
        const placed = plan.placements.find(({ jobId }) => jobId === job.id);
        // Waiting exactly where there was nothing to take.
        expect(placed === undefined).toBe(open.length === 0);
        if (!placed) return;
        const prices = fitting.map((choice) => accountingPrice(snapshot, choice));
        const cheapest = prices.reduce((least, price) => (price < least ? price : least));
        const { objective } = job.spec.placement;
        const worth = (choice: Choice) =>
          objective === 'cheapest'
            ? -Number(accountingPrice(snapshot, choice))
            : scoreOf(snapshot, objective, choice, freeOf(free, choice), cheapest);
        const tier = Math.min(...open.map((choice) => tierOf(snapshot, job, choice)));
        const best = open.filter((choice) => tierOf(snapshot, job, choice) === tier);
        const taken = best.find(
          ({ offer, spot }) => keyOf(offer) === `${placed.provider}/${placed.offer}` && spot === placed.spot,
        );
        expect(taken).toBeDefined();
        expect(placed.decision.candidates).toHaveLength(Math.min(CANDIDATES_KEPT, open.length));
        const lots = (some: Choice[]) => new Set(some.map(({ offer }) => keyOf(offer))).size;
        const full = placed.decision.removed.find(({ rule }) => rule === 'capacity')?.offers ?? 0;
        expect(full).toBe(lots(fitting) - lots(open));
        // Scores are compared in whole millionths.
        expect(worth(taken as Choice)).toBeGreaterThanOrEqual(Math.max(...best.map(worth)) - 1.1e-6);
      });
    });
  });

  test('the same plan comes out, in whatever order things are loaded', () => {
    holds((snapshot) => {
      const plan = summary(decidePlacements(snapshot));
      expect(summary(decidePlacements(snapshot))).toEqual(plan);
      const { providers, offers, jobs } = snapshot;
      const turned = {
        providers: providers.toReversed(),
        offers: offers.toReversed(),
        jobs: jobs.toReversed(),
      };
      expect(summary(decidePlacements({ ...snapshot, ...turned }))).toEqual(plan);
    });
  });

  test('a job that cannot be placed changes nothing for the others', () => {
    holds((snapshot) => {
      const giant = jobOf('giant', { resources: { cpus: 1e6 } }, { priority: 100, queuedAt: later(-9999) });
      const plan = decidePlacements(snapshot);
      const among = decidePlacements({ ...snapshot, jobs: [giant, ...snapshot.jobs] });
      expect(among.placements).toEqual(plan.placements);
      expect(among.waiting.filter(({ jobId }) => jobId !== 'giant')).toEqual(plan.waiting);
    });
  });

  test('the reason for waiting is the true one', () => {
    holds((snapshot) => {
      const { waiting } = decidePlacements(snapshot);
      for (const { jobId, waiting: why } of waiting) {
        const job = snapshot.jobs.find(({ id }) => id === jobId) as QueuedJob;
        expect({ jobId, reason: why.reason }).toEqual({ jobId, reason: trueReason(snapshot, job) });
        expect(why.detail.length).toBeGreaterThan(10);
        expect(why.detail.length).toBeLessThan(600);
      }
    });
  });

  test('the explanation agrees with the decision', () => {
    holds((snapshot) => {
      const { placements, waiting } = decidePlacements(snapshot);
      for (const { decision } of [...placements, ...waiting]) consistent(decision);
      for (const { decision, waiting: why } of waiting)
        expect(decision.outcome).toEqual({ kind: 'waiting', ...why });
      for (const { decision, provider, offer, region, spot } of placements) {
        expect(decision.outcome).toMatchObject({ kind: 'placed', provider, offer, region, spot });
        expect(decision.candidates[0]).toMatchObject({ provider, offer, region, spot });
      }
    });
  });
});

function trueReason(snapshot: PlacementSnapshot, job: QueuedJob): string {
  if (job.fencedUntil && job.fencedUntil > snapshot.now) return 'fencing';
  if (job.notBefore && job.notBefore > snapshot.now) return 'backoff';
  const all = snapshot.offers.flatMap((offer) => [
    { offer, spot: false },
    { offer, spot: true },
  ]);
  const fitting = all.filter((choice) => matches(snapshot, job, choice));
  const rated = fitting.filter((choice) => usable(snapshot, job, choice));
  if (fitting.length === 0) return 'no-match';
  if (rated.length === 0) return 'no-rate';
  return rated.some((choice) => healthy(snapshot, choice)) ? 'no-capacity' : 'provider-health';
}

function consistent(decision: Decision): void {
  const { candidates, considered, removed, weights } = decision;
  expect(JSON.parse(JSON.stringify(decision))).toEqual(decision);
  expect(candidates.length).toBeLessThanOrEqual(CANDIDATES_KEPT);
  const full = removed.find(({ rule }) => rule === 'capacity')?.offers ?? 0;
  const broken = removed.reduce((sum, { offers }) => sum + offers, 0) - full;
  expect(broken + considered.matching).toBe(considered.offers);
  expect(full).toBeLessThanOrEqual(considered.matching);
  expect(removed.map(({ rule }) => RULES.indexOf(rule))).toEqual(
    removed.map(({ rule }) => RULES.indexOf(rule)).sort((a, b) => a - b),
  );
  for (const { offers, examples } of removed) {
    expect(examples.length).toBe(Math.min(3, offers));
    for (const { detail } of examples) expect(detail).not.toMatch(/undefined|null|NaN/);
  }
  for (const { score, parts, free } of candidates) {
    const sum = Object.entries(weights).reduce(
      (total, [part, weight]) => total + weight * (parts[part as 'price'] ?? NaN),
      0,
    );
    expect(Math.abs(sum - score)).toBeLessThan(3e-6);
    expect(free).toBeGreaterThan(0);
  }
}
