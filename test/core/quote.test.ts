import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decidePlacements, marketOf, stateOf } from '../../src/core/placement/decide.ts';
import { jobToQuote, quoteFor, type Quoted } from '../../src/core/placement/quote.ts';
import { REJECTIONS_SHOWN } from '../../src/core/placement/rejections.ts';
import type { PlacementOffer, PlacementSnapshot, QueuedJob } from '../../src/core/placement/types.ts';
import { parseMicros } from '../../src/core/money.ts';
import { askOf, differences, hashAsk, isExpired, type HeldQuote } from '../../src/core/quote.ts';
import { world } from './placement-arbitraries.ts';
import { later, NOW, offerOf, providerOf, specOf, worldOf, type SpecParts } from './placement-world.ts';

const quoteIn = (at: PlacementSnapshot, job: QueuedJob): Quoted => quoteFor(marketOf(at), stateOf(at), job);
const asked = (parts: SpecParts = {}) => jobToQuote(specOf(parts), 'acme', NOW);
const heldBy = ({ prices }: Quoted, expiresAt = later(900)): HeldQuote | null =>
  prices === null ? null : { id: 'quo-1', expiresAt: expiresAt.toISOString(), ...prices };

const MICROS = 1_000_000n;
const priced = (provider: string, name: string, price: number, rest: Partial<PlacementOffer> = {}) =>
  offerOf(provider, name, { priceMicrosPerHour: BigInt(price) * MICROS, ...rest });

describe('a quote', () => {
  const providers = [providerOf('alpha'), providerOf('beta')];

  test('names the places best first, and quotes the price of the first', () => {
    const offers = [priced('alpha', 'a', 30), priced('beta', 'b', 20), priced('beta', 'c', 25)];
    const quoted = quoteIn(worldOf({ providers, offers }), asked());
    expect(quoted.candidates.map(({ offer, held }) => [offer, held])).toEqual([
      ['b', true],
      ['c', false],
      ['a', false],
    ]);
    expect(quoted.pricePerHour).toEqual({ amount: '20', currency: 'KRW' });
    expect(quoted.waiting).toBeNull();
    expect(quoted.considered).toEqual({ providers: 2, offers: 3, matching: 3 });
  });

  test('holds the prices of what costs no more per hour, also of what is worse for the job', () => {
    const offers = [
      priced('alpha', 'fast', 30, { gpuModel: 'H100' }),
      priced('beta', 'slow', 20, { gpuModel: 'A100-80GB' }),
      priced('beta', 'dear', 31),
    ];
    const gpuSpeeds = [
      { model: 'H100', speed: 2, note: '' },
      { model: 'A100-80GB', speed: 1, note: '' },
    ];
    const policies = { dataGrades: [], capacityClasses: [], gpuSpeeds };
    const models = ['H100', 'A100-80GB'];
    const quoted = quoteIn(
      worldOf({ providers, offers, policies }),
      asked({ resources: { gpu: { count: 8, models } } }),
    );
    expect(quoted.candidates.map(({ offer }) => offer)).toEqual(['fast', 'dear', 'slow']);
    expect(quoted.prices).toEqual({
      ceilingMicrosPerHour: '30000000',
      prices: [
        expect.objectContaining({ provider: 'alpha', offer: 'fast', microsPerHour: '30000000' }),
        expect.objectContaining({ provider: 'beta', offer: 'slow', microsPerHour: '20000000' }),
      ],
    });
  });

  test('says the price of all nodes, and holds that of one offer', () => {
    const offers = [priced('alpha', 'a', 30)];
    const at = worldOf({ providers: [providerOf('alpha', { multiNode: true })], offers });
    const quoted = quoteIn(at, asked({ resources: { nodes: 3 } }));
    expect(quoted.pricePerHour).toEqual({ amount: '90', currency: 'KRW' });
    expect(quoted.prices?.ceilingMicrosPerHour).toBe('30000000');
  });

  test('says why nothing can be had now, and holds nothing then', () => {
    const offers = [priced('alpha', 'a', 30, { capacity: 2, used: 2 })];
    const quoted = quoteIn(worldOf({ providers, offers }), asked());
    expect(quoted).toMatchObject({ candidates: [], pricePerHour: null, prices: null });
    expect(quoted.considered.matching).toBe(1);
    expect(quoted.rejected).toEqual([
      { provider: 'alpha', offer: 'a', rule: 'capacity', detail: 'all 2 are taken' },
    ]);
    expect(quoted.waiting).toMatchObject({ reason: 'no-capacity' });
  });

  test('tells the nearest miss where nothing would ever match', () => {
    const at = worldOf({ providers, offers: [priced('alpha', 'a', 30)] });
    const quoted = quoteIn(at, asked({ resources: { gpu: { count: 16 } } }));
    expect(quoted.waiting?.reason).toBe('no-match');
    expect(quoted.waiting?.detail).toContain('needs 16 GPUs in one offer: the largest has 8');
  });

  test('does not look at a quote that the body names', () => {
    const at = worldOf({ providers, offers: [priced('alpha', 'a', 30)] });
    const job = jobToQuote({ ...specOf(), quoteId: 'quo-old' }, 'acme', NOW);
    expect(quoteIn(at, job)).toEqual(quoteIn(at, asked()));
  });
});

describe('what is rejected', () => {
  test('has a line for each provider and rule, what is nearest to being had first', () => {
    const providers = [providerOf('alpha'), providerOf('beta', { health: 'down' }), providerOf('gamma')];
    const offers = [
      priced('alpha', 'a1', 30, { gpuModel: 'L4' }),
      priced('alpha', 'a2', 30, { gpuModel: 'T4' }),
      priced('alpha', 'a3', 30, { used: 4 }),
      priced('beta', 'b1', 30),
      priced('beta', 'b2', 30),
      priced('gamma', 'c1', 30),
    ];
    const { rejected, candidates } = quoteIn(
      worldOf({ providers, offers }),
      asked({ resources: { gpu: { count: 1, models: ['H100'] } } }),
    );
    expect(candidates.map(({ offer }) => offer)).toEqual(['c1']);
    expect(rejected).toEqual([
      { provider: 'alpha', offer: 'a3', rule: 'capacity', detail: 'all 4 are taken' },
      { provider: 'beta', rule: 'health', detail: 'provider beta is down (2 offers)' },
      { provider: 'alpha', rule: 'gpu-model', detail: '2 offers; the first of them, a1: has L4' },
    ]);
  });

  test('is bounded: what has no line of its own is counted', () => {
    const names = Array.from({ length: REJECTIONS_SHOWN + 30 }, (_, n) => `p${String(n).padStart(3, '0')}`);
    const providers = names.map((name, n) => providerOf(name, n === 229 ? { mode: 'draining' } : {}));
    const offers = names.flatMap((name) =>
      ['x', 'y'].map((offer) => priced(name, offer, 30, { gpuModel: 'L4' })),
    );
    offers.push(priced('p229', 'z', 30));
    const { rejected, furtherRejected } = quoteIn(
      worldOf({ providers, offers }),
      asked({ resources: { gpu: { count: 1, models: ['H100'] } } }),
    );
    expect(rejected.length).toBe(REJECTIONS_SHOWN);
    expect(rejected[0]).toMatchObject({ provider: 'p229', offer: 'z', rule: 'draining' });
    expect(furtherRejected).toEqual([{ rule: 'gpu-model', providers: 31, offers: 62 }]);
  });
});

// ---- properties ---------------------------------------------------------------------------------------------

/** The usual worlds, with several machines and pools in them; and a job of one of their kinds, as nobody submitted it. */
const question = fc
  .record({ at: world, multiNode: fc.boolean(), usedGpus: fc.integer({ min: 0, max: 9 }) })
  .filter(({ at }) => at.jobs.length > 0)
  .map(({ at, multiNode, usedGpus }) => {
    const pools = at.providers.map(({ name }) => poolOf(name, usedGpus));
    const offers = at.offers.map((offer, n) => (n % 3 === 0 ? { ...offer, pool: 'host' } : offer));
    const providers = at.providers.map((provider) => ({ ...provider, multiNode }));
    const job = jobToQuote(at.jobs[0]!.spec, 'acme', NOW);
    return { at: { ...at, providers, offers, pools, jobs: [], shares: new Map() }, job };
  });

const poolOf = (provider: string, usedGpus: number) => ({
  provider,
  name: 'host',
  gpus: 12,
  cpuMillis: 128_000,
  memoryMiB: null,
  usedGpus,
  usedCpuMillis: 0,
  usedMemoryMiB: 0,
});

const decide = (at: PlacementSnapshot, job: QueuedJob) => {
  const { placements, waiting } = decidePlacements({ ...at, jobs: [{ ...job, id: 'job-1' }] });
  return { placement: placements[0] ?? null, waiting: waiting[0] ?? null };
};
const decisionOf = (at: PlacementSnapshot, job: QueuedJob) => {
  const { placement, waiting } = decide(at, job);
  return (placement ?? waiting)!.decision();
};
const without = (
  at: PlacementSnapshot,
  { provider, offer, spot }: { provider: string; offer: string; spot: boolean },
) => ({
  ...at,
  offers: at.offers.map((one) =>
    one.provider !== provider || one.name !== offer
      ? one
      : { ...one, ...(spot ? { spotPriceMicrosPerHour: null } : { priceMicrosPerHour: null }) },
  ),
});

test('the first candidate is what a pass would choose, and the rest are what it would choose without those before', () => {
  fc.assert(
    fc.property(question, ({ at, job }) => {
      const quoted = quoteIn(at, job);
      let left: PlacementSnapshot = at;
      for (const candidate of quoted.candidates) {
        const { placement } = decide(left, job);
        expect(placement).toMatchObject({
          provider: candidate.provider,
          offer: candidate.offer,
          spot: candidate.spot,
          region: candidate.region,
        });
        const outcome = placement!.decision().outcome;
        expect(outcome).toMatchObject({
          pricePerHour: candidate.pricePerHour,
          estimatedCost: candidate.estimatedCost,
        });
        left = without(left, candidate);
      }
      const { placement, waiting } = decide(left, job);
      if (quoted.candidates.length < 20) expect(placement).toBeNull();
      if (quoted.candidates.length === 0) expect(quoted.waiting).toEqual(waiting!.waiting());
      else expect(quoted.waiting).toBeNull();
    }),
    { numRuns: 300 },
  );
});

test('every rejection is what a decision about that provider alone says, and none is missing', () => {
  fc.assert(
    fc.property(question, ({ at, job }) => {
      const { rejected, furtherRejected, considered } = quoteIn(at, job);
      expect(furtherRejected).toEqual([]);
      expect(considered).toEqual(decisionOf(at, job).considered);
      const said = at.providers.flatMap(({ name }) =>
        decisionOf({ ...at, offers: at.offers.filter(({ provider }) => provider === name) }, job).removed.map(
          ({ rule, offers }) => `${name} ${rule} ${offers}`,
        ),
      );
      const counted = rejected.map(({ provider, offer, rule, detail }) => {
        const offers = offer === undefined ? /(\d+) offers/.exec(detail)?.[1] : 1;
        return `${provider} ${rule} ${offers}`;
      });
      expect(counted.sort()).toEqual(said.sort());
      for (const { provider, offer, rule } of rejected) {
        if (offer === undefined) continue;
        const alone = at.offers.filter((one) => one.provider === provider && one.name === offer);
        expect(decide({ ...at, offers: alone }, job).placement).toBeNull();
        expect(decisionOf({ ...at, offers: alone }, job).removed).toMatchObject([{ rule, offers: 1 }]);
      }
    }),
    { numRuns: 300 },
  );
});

const changes = fc.record({
  factors: fc.array(fc.constantFrom(50n, 100n, 100n, 101n, 300n), { minLength: 7, maxLength: 7 }),
  rate: fc.constantFrom(700_000n, 1_437_250n, 3_000_000n),
  used: fc.boolean(),
});

test('a job with a quote never pays more than was quoted, and keeps what was held while the quote lives', () => {
  fc.assert(
    fc.property(
      question,
      changes,
      fc.integer({ min: 0, max: 1_800 }),
      ({ at, job }, { factors, rate, used }, seconds) => {
        const quoted = quoteIn(at, job);
        const quote = heldBy(quoted);
        fc.pre(quote !== null);
        const scaled = (price: bigint | null, n: number) =>
          price === null ? null : (price * (factors[n % factors.length] ?? 100n)) / 100n;
        const now = later(seconds);
        const then: PlacementSnapshot = {
          ...at,
          now,
          rates: at.rates.size === 0 ? at.rates : new Map([['USD', rate]]),
          offers: at.offers.map((offer, n) => ({
            ...offer,
            used: used && n % 2 === 0 ? offer.capacity : offer.used,
            priceMicrosPerHour: scaled(offer.priceMicrosPerHour, n),
            spotPriceMicrosPerHour: scaled(offer.spotPriceMicrosPerHour, n + 3),
          })),
        };
        const { placement } = decide(then, { ...job, quote });
        if (placement === null) return;
        const paid = placement.priceMicrosPerHour;
        expect(paid <= BigInt(quote.ceilingMicrosPerHour)).toBe(true);
        const held = quote.prices.find(
          ({ provider, offer, spot }) =>
            provider === placement.provider && offer === placement.offer && spot === placement.spot,
        );
        if (held !== undefined && !isExpired({ expiresAt: later(900) }, now))
          expect(paid <= BigInt(held.microsPerHour)).toBe(true);
      },
    ),
    { numRuns: 600 },
  );
});

test('whatever vendors ask by then, a job with a living quote has a place as long as the quoted ones have room', () => {
  fc.assert(
    fc.property(question, fc.constantFrom(1n, 2n, 1_000n), ({ at, job }, factor) => {
      const quote = heldBy(quoteIn(at, job));
      fc.pre(quote !== null);
      const times = (price: bigint | null) => (price === null ? null : price * factor);
      const offers = at.offers.map((offer) => ({
        ...offer,
        priceMicrosPerHour: times(offer.priceMicrosPerHour),
        spotPriceMicrosPerHour: times(offer.spotPriceMicrosPerHour),
      }));
      // Certificates and policies go on ageing; what a quote holds is the price.
      fc.pre(decide({ ...at, now: later(899) }, { ...job, quote }).placement !== null);
      const { placement } = decide({ ...at, offers, now: later(899) }, { ...job, quote });
      expect(placement).not.toBeNull();
      expect(placement!.priceMicrosPerHour <= BigInt(quote.ceilingMicrosPerHour)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

// ---- what it means to a job -----------------------------------------------------------------------------------

describe('a job with a quote', () => {
  const providers = [providerOf('alpha'), providerOf('beta')];
  const before = worldOf({
    providers,
    offers: [priced('alpha', 'a', 20), priced('beta', 'b', 30)],
  });
  const quote = heldBy(quoteIn(before, asked()));
  const at = (seconds: number, ...offers: PlacementOffer[]) =>
    decide({ ...before, now: later(seconds), offers }, { ...asked(), quote });

  test('is placed at the quoted price though its vendor asks more by now, and the decision says so', () => {
    const { placement } = at(899, priced('alpha', 'a', 25), priced('beta', 'b', 30));
    expect(placement).toMatchObject({ provider: 'alpha', priceMicrosPerHour: 20n * MICROS });
    expect(placement?.listPriceMicrosPerHour).toBe(20n * MICROS);
    expect(placement?.decision().notes).toEqual([
      'the price is that of the quote: the offer costs more by now',
    ]);
  });

  test('pays less where less is asked', () => {
    const { placement } = at(1, priced('alpha', 'a', 25), priced('beta', 'b', 10));
    expect(placement).toMatchObject({ provider: 'beta', priceMicrosPerHour: 10n * MICROS });
  });

  test('waits when only dearer places are left, and says so; its ceiling outlives the quote', () => {
    for (const seconds of [1, 900, 90_000]) {
      const { waiting } = at(seconds, priced('alpha', 'a', 20, { used: 4 }), priced('beta', 'b', 30));
      expect(waiting?.decision().removed.map(({ rule }) => rule)).toEqual(['quote', 'capacity']);
    }
    const { waiting } = at(900, priced('alpha', 'a', 21), priced('beta', 'b', 30));
    expect(waiting?.waiting().detail).toContain('wait for the quoted price');
    expect(at(90_000, priced('alpha', 'a', 20)).placement).toMatchObject({ provider: 'alpha' });
  });

  test('is not placed above the quoted price where a candidate that was dearer costs even more', () => {
    const { placement } = at(1, priced('alpha', 'a', 20, { used: 4 }), priced('beta', 'b', 35));
    expect(placement).toBeNull();
  });

  test('keeps the exchange rate while the quote lives', () => {
    const offers = [priced('alpha', 'a', 20, { currency: 'USD' })];
    const rated = (rate: bigint, seconds: number) =>
      worldOf({ providers, offers, rates: new Map([['USD', rate * MICROS]]), now: later(seconds) });
    const dollars = heldBy(quoteIn(rated(1_300n, 0), asked()));
    const job = { ...asked(), quote: dollars };
    expect(decide(rated(1_400n, 899), job).placement).toMatchObject({
      priceMicrosPerHour: 26_000n * MICROS,
      rateMicros: 1_300n * MICROS,
    });
    expect(decide(rated(1_400n, 900), job).placement).toBeNull();
    expect(decide(rated(1_200n, 900), job).placement).toMatchObject({ priceMicrosPerHour: 24_000n * MICROS });
  });
});

// ---- what it is for -------------------------------------------------------------------------------------------

describe('what a quote is for', () => {
  const spec = specOf({ resources: { gpu: { count: 8, models: ['H100'] } } });
  const ask = askOf(spec, 'acme');

  test('is all that placement depends on, and nothing else', () => {
    const elsewise = {
      ...spec,
      name: 'another',
      run: { ...spec.run, command: ['false'] },
      labels: { a: 'b' },
      priority: 1,
      quoteId: 'quo-1',
      graceSeconds: 0,
      limits: { ...spec.limits, deadline: later(60).toISOString() },
      checkpoint: { ...spec.checkpoint, fromJob: 'job-1' },
    };
    expect(hashAsk(askOf(elsewise, 'acme'))).toBe(hashAsk(ask));
  });

  test.each([
    ['/organization', spec, 'globex'],
    ['/project', { ...spec, project: 'q' }, 'acme'],
    ['/kind', { ...spec, kind: 'inference' as const }, 'acme'],
    ['/resources/gpu', specOf({ resources: { gpu: { count: 4, models: ['H100'] } } }), 'acme'],
    ['/resources/cpus', { ...spec, resources: { ...spec.resources, cpus: 1 } }, 'acme'],
    ['/placement/spot', { ...spec, placement: { ...spec.placement, spot: 'only' as const } }, 'acme'],
    [
      '/continuity/minSeparationKm',
      { ...spec, continuity: { ...spec.continuity, minSeparationKm: 1 } },
      'acme',
    ],
    [
      '/checkpoint/intervalSeconds',
      { ...spec, checkpoint: { ...spec.checkpoint, intervalSeconds: 1 } },
      'acme',
    ],
    ['/expectedRuntimeSeconds', { ...spec, expectedRuntimeSeconds: 1 }, 'acme'],
    ['/limits/maxRuntimeSeconds', { ...spec, limits: { ...spec.limits, maxRuntimeSeconds: 1 } }, 'acme'],
  ])('differs where %s does', (pointer, other, organization) => {
    const theirs = askOf(other, organization);
    expect(hashAsk(theirs)).not.toBe(hashAsk(ask));
    expect(differences(ask, theirs)).toEqual([pointer]);
  });

  test('differs in every place at once, each named', () => {
    const other = { ...spec, kind: 'inference' as const, expectedRuntimeSeconds: 60 };
    expect(differences(ask, askOf(other, 'acme'))).toEqual(['/expectedRuntimeSeconds', '/kind']);
    expect(differences(ask, structuredClone(ask))).toEqual([]);
  });
});

test('a quoted amount is the ceiling of one offer times the nodes', () => {
  fc.assert(
    fc.property(question, ({ at, job }) => {
      const { pricePerHour, prices } = quoteIn(at, job);
      expect(pricePerHour === null).toBe(prices === null);
      if (pricePerHour === null || prices === null) return;
      const nodes = BigInt(job.spec.resources.nodes);
      expect(parseMicros(pricePerHour.amount)).toBe(BigInt(prices.ceilingMicrosPerHour) * nodes);
    }),
  );
});
