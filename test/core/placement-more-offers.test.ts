import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decidePlacements, marketOf, Session, stateOf } from '../../src/core/placement/decide.ts';
import type { PlacementOffer, PlacementSnapshot, QueuedJob } from '../../src/core/placement/types.ts';
import { world } from './placement-arbitraries.ts';
import { costOf, keyOf, tierOf } from './placement-oracle.ts';
import { jobOf, offerOf, poolOf, providerOf, worldOf, type SpecParts } from './placement-world.ts';

/**
 * What one more offer can do to those who were served without it.
 *
 * Jobs that take the cheapest there is, one place each, in a fixed order, cannot be hurt by one more place. Before every
 * turn what is free with it is what is free without it and one place more: who would take that one takes it and leaves
 * what he had; everybody else chooses as before. So each that had a place has one that he likes at least as well (tier,
 * then cost), at most as many as there are new places are served besides, and the total rises by at most what those pay.
 *
 * It is that and no more: with several machines for a job, or pools that offers of different sizes share, one place is
 * no longer worth the same to everybody, and a job that is served now may stand where several stood (the last tests).
 * Nor are turns fixed where projects share: who is served now raises what his project holds.
 */
type Served = Map<string, { readonly tier: number; readonly cost: number }>;

/** In the order of ranks, whatever projects hold; turn by turn, so that nothing is exchanged. */
function serve(snapshot: PlacementSnapshot): Served {
  const session = new Session(marketOf(snapshot), stateOf(snapshot));
  const served: Served = new Map();
  for (const job of snapshot.jobs) {
    session.consider(job);
    const [placed] = session.settle().placements;
    if (!placed) continue;
    const offer = snapshot.offers.find((one) => keyOf(one) === `${placed.provider}/${placed.offer}`);
    if (!offer) throw new Error(`no offer ${placed.offer}`);
    const choice = { offer, spot: placed.spot };
    served.set(job.id, { tier: tierOf(snapshot, job, choice), cost: costOf(snapshot, job, choice) });
  }
  return served;
}

const atLeastAsGood = (after: Served, before: Served) =>
  [...before].filter(([id, was]) => {
    const is = after.get(id);
    return !is || is.tier > was.tier || (is.tier === was.tier && is.cost > was.cost * (1 + 1e-12));
  });

const cheapest = (job: QueuedJob): QueuedJob => ({
  ...job,
  spec: { ...job.spec, placement: { ...job.spec.placement, objective: 'cheapest' } },
});

/** A copy of one of the offers, cheaper, of one place to three. */
const withOneMore = (base: fc.Arbitrary<PlacementSnapshot>) =>
  fc
    .tuple(base, fc.nat(), fc.integer({ min: 1, max: 3 }), fc.constantFrom(0n, 100_000n, 750_000n))
    .filter(([{ offers }]) => offers.length > 0)
    .map(([snapshot, at, capacity, price]) => {
      const like = snapshot.offers[at % snapshot.offers.length] as PlacementOffer;
      const more = { name: 'more', pool: null, capacity, used: 0, effectiveFrom: null };
      const offer = { ...like, ...more, priceMicrosPerHour: price, spotPriceMicrosPerHour: price };
      return { before: snapshot, after: { ...snapshot, offers: [...snapshot.offers, offer] }, capacity };
    });

/** With or without providers that somebody prefers or avoids. */
const singles = fc.tuple(world, fc.boolean()).map(([snapshot, tiers]) => ({
  ...snapshot,
  offers: snapshot.offers.map((offer) => ({ ...offer, pool: null })),
  jobs: snapshot.jobs.map((job) => {
    const { spec } = cheapest(job);
    const single = { ...job, spec: { ...spec, resources: { ...spec.resources, nodes: 1 } } };
    return tiers ? single : { ...single, moveTo: null, avoid: {} };
  }),
}));

const identical = world.map((snapshot) => {
  const [first] = snapshot.jobs;
  const jobs = snapshot.jobs.map((job) => ({
    ...cheapest(first ?? job),
    id: job.id,
    fencedUntil: null,
    notBefore: null,
  }));
  return { ...snapshot, jobs };
});

describe('one more offer', { timeout: 120_000 }, () => {
  test('hurts nobody who takes single places that stand for themselves, and serves at most as many more', () => {
    fc.assert(
      fc.property(withOneMore(singles), ({ before, after, capacity }) => {
        const [was, is] = [serve(before), serve(after)];
        expect(atLeastAsGood(is, was)).toEqual([]);
        expect(is.size - was.size).toBeLessThanOrEqual(capacity);
        const added = [...is].filter(([id]) => !was.has(id)).reduce((sum, [, { cost }]) => sum + cost, 0);
        const total = (served: Served) => [...served.values()].reduce((sum, { cost }) => sum + cost, 0);
        const tiers = before.jobs.some(
          ({ moveTo, avoid }) => moveTo !== null || Object.keys(avoid).length > 0,
        );
        if (!tiers) expect(total(is)).toBeLessThanOrEqual((total(was) + added) * (1 + 1e-12));
      }),
      { numRuns: 150 },
    );
  });

  test('hurts nobody where all ask the same, pools and several machines or not', () => {
    fc.assert(
      fc.property(withOneMore(identical), ({ before, after }) => {
        const [was, is] = [serve(before), serve(after)];
        expect(is.size).toBeGreaterThanOrEqual(was.size);
        expect(atLeastAsGood(is, was)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  const ids = (snapshot: Partial<PlacementSnapshot>) =>
    decidePlacements(worldOf(snapshot)).placements.map(({ jobId }) => jobId);
  const more = offerOf('alpha', 'more', { gpuCount: 1, capacity: 1, priceMicrosPerHour: 1n });

  test('may cost two their places where one asks for two machines', () => {
    const providers = [providerOf('alpha', { multiNode: true })];
    const host = offerOf('alpha', 'host', { capacity: 2, gpuCount: 8 });
    const pair: SpecParts = { resources: { nodes: 2 } };
    const jobs = [jobOf('1'), jobOf('2', pair), jobOf('3')];
    expect(ids({ providers, offers: [host], jobs })).toEqual(['1', '3']);
    expect(ids({ providers, offers: [host, more], jobs })).toEqual(['1', '2']);
  });

  test('may cost seven their places where one asks for a whole pool', () => {
    const pools = [poolOf('alpha', 'p')];
    const offers = [
      offerOf('alpha', 'small', { gpuCount: 1, capacity: 8, pool: 'p' }),
      offerOf('alpha', 'large', { gpuCount: 8, capacity: 1, pool: 'p' }),
    ];
    const whole: SpecParts = { resources: { gpu: { count: 8 } } };
    const jobs = ['1', '2', '3', '4', '5', '6', '7', '8', '9'].map((id) =>
      jobOf(id, id === '2' ? whole : {}),
    );
    const providers = [providerOf('alpha')];
    expect(ids({ providers, pools, offers, jobs })).toHaveLength(8);
    expect(ids({ providers, pools, offers: [...offers, more], jobs })).toEqual(['1', '2']);
  });
});
