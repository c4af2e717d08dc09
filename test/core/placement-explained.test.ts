import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CANDIDATES_KEPT, decidePlacements } from '../../src/core/placement/decide.ts';
import { RULES, type RuleName } from '../../src/core/placement/rules.ts';
import {
  TIERS,
  type Decision,
  type PlacementSnapshot,
  type QueuedJob,
} from '../../src/core/placement/types.ts';
import { world, worldOfWaiting } from './placement-arbitraries.ts';
import { hoursOf, keyOf, scoreOf, wrongs } from './placement-oracle.ts';
import { heldBack, hasRoom, placesAt, ranking, walk, type Ledger } from './placement-walk.ts';

const RUNS = { numRuns: 150 };
const holds = (check: (snapshot: PlacementSnapshot) => void, where = world) =>
  fc.assert(fc.property(where, check), RUNS);

/** What was removed by which rule: each offer is counted under the first in the order of RULES. */
function removals(snapshot: PlacementSnapshot, ledger: Ledger, job: QueuedJob) {
  const broken = snapshot.offers.map((offer) => ({ offer, wrong: wrongs(snapshot, job, offer) }));
  const keys = new Map<RuleName, string[]>(RULES.map((rule) => [rule, []]));
  for (const { offer, wrong } of broken) {
    const full = wrong.length === 0 && !hasRoom(snapshot, ledger, job, offer);
    const rule = full ? 'capacity' : RULES.find((name) => wrong.includes(name));
    if (rule) keys.get(rule)?.push(keyOf(offer));
  }
  return {
    fit: broken.filter(({ wrong }) => wrong.length === 0).length,
    // In the order of names, provider first.
    removed: [...keys]
      .filter(([, some]) => some.length > 0)
      .map(([rule, some]) => ({ rule, keys: some.sort() })),
  };
}

describe('an explanation', { timeout: 120_000 }, () => {
  test('counts every offer once, under the first rule that removed it', () => {
    holds((snapshot) => {
      walk(snapshot, ({ job, ledger, placed, waits }) => {
        if (heldBack(snapshot, job)) return;
        const decision = (placed ?? waits)?.decision() as Decision;
        const { fit, removed } = removals(snapshot, ledger, job);
        const said = decision.removed.map(({ rule, offers, examples }) => ({
          rule,
          offers,
          examples: examples.map(({ provider, offer }) => `${provider}/${offer}`),
        }));
        expect(said).toEqual(
          removed.map(({ rule, keys }) => ({ rule, offers: keys.length, examples: keys.slice(0, 3) })),
        );
        expect(decision.considered).toEqual({
          providers: snapshot.providers.length,
          offers: snapshot.offers.length,
          matching: fit,
        });
      });
    });
  });

  test('shows the best that there were, best first, with the scores of the formulas, and which was taken', () => {
    holds((snapshot) => {
      walk(snapshot, ({ job, ledger, placed }) => {
        if (!placed) return;
        const decision = placed.decision();
        const best = ranking(snapshot, ledger, job).slice(0, CANDIDATES_KEPT);
        expect(
          decision.candidates.map(({ provider, offer, spot }) => `${provider}/${offer} ${spot}`),
        ).toEqual(best.map(({ offer, spot }) => `${keyOf(offer)} ${spot}`));
        expect(decision.candidates.map(({ taken }) => taken)).toEqual(best.map((_, at) => at === 0));
        const { provider, offer, region, spot, nodes } = placed;
        expect(decision.outcome).toMatchObject({ kind: 'placed', provider, offer, region, spot, nodes });
        decision.candidates.forEach((candidate, at) => {
          const choice = best[at];
          if (choice === undefined) return;
          const places = placesAt(snapshot, ledger, choice.offer);
          expect(candidate.free).toBe(places);
          expect(candidate.score).toBeCloseTo(scoreOf(snapshot, job, choice, places) / 1e6, 5);
          const { hours, interruptions, lostHours } = hoursOf(snapshot, job, choice);
          expect(candidate.parts.hours).toBeCloseTo(hours, 5);
          expect(candidate.parts.interruptions).toBeCloseTo(interruptions, 5);
          expect(candidate.parts.lostHours).toBeCloseTo(lostHours, 5);
        });
      });
    });
  });

  test('is plain, small and whole, whoever it is of', () => {
    holds(
      (snapshot) => {
        const { placements, waiting } = decidePlacements(snapshot);
        for (const made of [...placements, ...waiting]) plain(made.decision(), snapshot);
        for (const { decision, waiting: why } of waiting)
          expect(decision().outcome).toEqual({ kind: 'waiting', ...why() });
      },
      fc.oneof(world, worldOfWaiting),
    );
  });
});

function plain(decision: Decision, snapshot: PlacementSnapshot): void {
  const text = JSON.stringify(decision);
  expect(JSON.parse(text)).toEqual(decision);
  expect(text).not.toMatch(/undefined|NaN|Infinity/);
  expect(text.length).toBeLessThan(14_000);
  const { candidates, considered, removed, outcome } = decision;
  expect(removed.map(({ rule }) => rule)).toEqual(
    RULES.filter((rule) => removed.some((one) => one.rule === rule)),
  );
  for (const { offers, examples } of removed) {
    expect(examples.length).toBe(Math.min(3, offers));
    for (const { detail } of examples) expect(detail).not.toMatch(/null|^$/);
  }
  if (decision.assumptions !== null) {
    const full = removed.find(({ rule }) => rule === 'capacity')?.offers ?? 0;
    expect(removed.reduce((sum, { offers }) => sum + offers, 0) - full + considered.matching).toBe(
      considered.offers,
    );
    // Who waits had nothing: what fits was full, to the last offer.
    if (outcome.kind === 'waiting') expect(full).toBe(considered.matching);
  }
  expect(candidates.filter(({ taken }) => taken)).toHaveLength(outcome.kind === 'placed' ? 1 : 0);
  candidates.forEach((candidate, at) => {
    const { parts, capacity, free, tier, score } = candidate;
    const before = candidates[at - 1];
    if (before) {
      const worse = TIERS.indexOf(tier) - TIERS.indexOf(before.tier) || score - before.score;
      expect(worse).toBeGreaterThanOrEqual(0);
    }
    expect(free).toBeGreaterThan(0);
    expect(free).toBeLessThanOrEqual(capacity);
    expect(parts.room).toBeCloseTo(free / (capacity + 1), 5);
    const { room, steady, accepting, onDemand, availability } = parts;
    expect(0.6 * room + 0.15 * steady + 0.15 * accepting + 0.1 * onDemand).toBeCloseTo(availability, 5);
    const cost = Number(candidate.estimatedCost.amount);
    const each = Number(candidate.pricePerHour.amount) * (parts.hours + parts.lostHours);
    expect(Math.abs(cost - each)).toBeLessThan(1e-3);
    const scores = { cheapest: cost, available: 1 - availability, balanced: cost / availability };
    expect(Math.abs(scores[decision.objective] - score)).toBeLessThan(1e-3);
    expect(candidate.estimatedCost.currency).toBe(snapshot.currency);
  });
}
