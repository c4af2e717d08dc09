import { describe, expect, test } from 'vitest';
import { decidePlacements } from '../../src/core/placement/decide.ts';
import type {
  PlacementOffer,
  PlacementProvider,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';
import { jobOf, later, offerOf, providerOf, worldOf, type SpecParts } from './placement-world.ts';

const alpha = providerOf('alpha');
const beta = providerOf('beta');

/** One job against these offers of two healthy providers. */
function decide(
  parts: SpecParts,
  offers: PlacementOffer[],
  rest: Partial<PlacementSnapshot> & { job?: Partial<QueuedJob> } = {},
) {
  const { job, ...world } = rest;
  return decidePlacements(
    worldOf({ providers: [alpha, beta], offers, jobs: [jobOf('job-1', parts, job)], ...world }),
  );
}

const placedOn = (plan: ReturnType<typeof decide>) =>
  plan.placements.map(({ provider, offer }) => `${provider}/${offer}`);
const why = (plan: ReturnType<typeof decide>) =>
  plan.waiting.map(({ waiting }) => `${waiting.reason}: ${waiting.detail}`)[0];

describe('what would have to change', () => {
  const four = offerOf('alpha', 'four', { gpuCount: 4 });
  const cases: [string, SpecParts, Partial<PlacementOffer>, string][] = [
    [
      'GPU count',
      { resources: { gpu: { count: 8, models: [], minMemoryGiB: 0 } } },
      {},
      'needs 8 GPUs in one offer: the largest has 4',
    ],
    ['GPU model', { resources: { gpu: { count: 1, models: ['L4'], minMemoryGiB: 0 } } }, {}, 'accept H100'],
    [
      'a form factor',
      { resources: { gpu: { count: 1, models: ['H100-SXM'], minMemoryGiB: 0 } } },
      {},
      'ask for H100',
    ],
    [
      'device memory',
      { resources: { gpu: { count: 1, models: [], minMemoryGiB: 141 } } },
      {},
      'lower gpu.minMemoryGiB from 141 to 80',
    ],
    ['CPUs', { resources: { cpus: 128 } }, {}, 'lower cpus from 128 to 64'],
    ['memory', { resources: { memoryGiB: 1024 } }, {}, 'lower memoryGiB from 1024 to 512'],
    ['nodes', { resources: { nodes: 2 } }, {}, 'ask for 1 node'],
    ['provider', { placement: { providers: { allow: ['beta'], deny: [] } } }, {}, 'allow provider alpha'],
    ['region', { placement: { regions: { allow: [], deny: ['kr-1'] } } }, {}, 'allow region kr-1'],
    ['country', { placement: { countries: ['JP'] } }, {}, 'allow country KR'],
    ['spot', { placement: { spot: 'only' } }, {}, 'allow on-demand'],
    ['no spot', {}, { priceMicrosPerHour: null, spotPriceMicrosPerHour: 1n }, 'allow spot'],
    [
      'price',
      { placement: { maxPricePerHour: { amount: '0.66', currency: 'KRW' } } },
      {},
      'raise maxPricePerHour by 0.34 KRW',
    ],
    ['date', {}, { effectiveFrom: later(60) }, 'wait: what fits counts from 2026-11-22T12:01:00.000Z'],
    ['everything withdrawn', {}, { withdrawnAt: later(-1) }, 'nothing is offered'],
    [
      'two things',
      { resources: { cpus: 128 }, placement: { countries: ['JP'] } },
      {},
      'lower cpus from 128 to 64 and allow country KR',
    ],
  ];

  test.each(cases)('%s', (_, parts, offer, text) => {
    const reason = why(decide(parts, [{ ...four, ...offer }]));
    expect(reason).toContain('no-match: ');
    expect(reason).toContain(text);
  });

  test('raised by what it says, the ceiling is high enough, across currencies too', () => {
    const rates = new Map([['USD', 1_437_251_003n]]);
    const offers = [offerOf('alpha', 'a', { priceMicrosPerHour: 12_345_678_901n })];
    const limit = (amount: string) => ({ placement: { maxPricePerHour: { amount, currency: 'USD' } } });
    const by = /by ([\d.]+) USD/.exec(why(decide(limit('1'), offers, { rates })) ?? '')?.[1] ?? '';
    expect(placedOn(decide(limit((1 + Number(by)).toFixed(6)), offers, { rates }))).toEqual(['alpha/a']);
    expect(placedOn(decide(limit((1 + Number(by) - 0.000001).toFixed(6)), offers, { rates }))).toEqual([]);
  });

  test('a rate', () => {
    const offers = [offerOf('alpha', 'a', { currency: 'EUR' })];
    expect(why(decide({}, offers))).toBe(
      'no-rate: every offer that fits is in EUR, which has no exchange rate to KRW: set one',
    );
    const inYen = { placement: { maxPricePerHour: { amount: '1', currency: 'JPY' } } };
    expect(why(decide(inYen, [offerOf('alpha', 'a')]))).toContain('no-rate: maxPricePerHour is in JPY');
  });

  test('a provider’s health', () => {
    const providers = [providerOf('alpha', { health: 'unknown' }), providerOf('beta', { mode: 'draining' })];
    const plan = decide({}, [offerOf('alpha', 'a'), offerOf('beta', 'b')], { providers });
    expect(why(plan)).toBe(
      'provider-health: 2 offers fit, but their providers take no new work: alpha is unknown, beta is draining',
    );
  });

  test('capacity', () => {
    const plan = decide({}, [offerOf('alpha', 'a', { used: 4 })]);
    expect(why(plan)).toBe('no-capacity: needs 1 free place in alpha/a: 0 of 4 are');
  });

  test('time: a fence before a backoff before everything else, and when to look again', () => {
    const job = { fencedUntil: later(5), notBefore: later(9) };
    expect(why(decide({}, [], { job }))).toContain('fencing: ');
    expect(decide({}, [], { job }).wakeAt).toEqual(later(5));
    expect(why(decide({}, [], { job: { notBefore: later(9) } }))).toContain('backoff: ');
    expect(decide({}, [offerOf('alpha', 'a', { effectiveFrom: later(7) })]).wakeAt).toEqual(later(7));
    expect(placedOn(decide({}, [offerOf('alpha', 'a')], { job: { fencedUntil: later(0) } }))).toEqual([
      'alpha/a',
    ]);
  });
});

describe('objectives', () => {
  const cheap = offerOf('alpha', 'cheap', { priceMicrosPerHour: 900_000n, capacity: 4, used: 3 });
  const roomy = offerOf('beta', 'roomy', { priceMicrosPerHour: 1_000_000n, capacity: 100 });

  test('cheapest takes the cheaper, available the roomier', () => {
    expect(placedOn(decide({ placement: { objective: 'cheapest' } }, [cheap, roomy]))).toEqual([
      'alpha/cheap',
    ]);
    expect(placedOn(decide({ placement: { objective: 'available' } }, [cheap, roomy]))).toEqual([
      'beta/roomy',
    ]);
  });

  test('balanced weighs both: a tenth dearer is worth the room, four times dearer is not', () => {
    const dear = { ...roomy, priceMicrosPerHour: 4_000_000n };
    expect(placedOn(decide({ placement: { objective: 'balanced' } }, [cheap, roomy]))).toEqual([
      'beta/roomy',
    ]);
    expect(placedOn(decide({ placement: { objective: 'balanced' } }, [cheap, dear]))).toEqual([
      'alpha/cheap',
    ]);
  });

  test('equally available, the cheaper', () => {
    const at = (name: string, price: bigint) => offerOf('alpha', name, { priceMicrosPerHour: price });
    for (const objective of ['available', 'balanced', 'cheapest'] as const) {
      expect(placedOn(decide({ placement: { objective } }, [at('a', 1n), at('b', 2n), at('c', 3n)]))).toEqual(
        ['alpha/a'],
      );
      expect(placedOn(decide({ placement: { objective } }, [at('a', 3n), at('b', 2n), at('c', 1n)]))).toEqual(
        ['alpha/c'],
      );
    }
  });

  test('a price at the ceiling is within it', () => {
    const limit = (amount: string) => ({ placement: { maxPricePerHour: { amount, currency: 'KRW' } } });
    expect(placedOn(decide(limit('1'), [offerOf('alpha', 'a')]))).toEqual(['alpha/a']);
    expect(placedOn(decide(limit('0.999999'), [offerOf('alpha', 'a')]))).toEqual([]);
  });

  test('prices are compared in the accounting currency', () => {
    const dollars = offerOf('beta', 'dollars', { priceMicrosPerHour: 10_000n, currency: 'USD' });
    const plan = decide({}, [roomy, dollars], { rates: new Map([['USD', 1_400_000_000n]]) });
    expect(placedOn(plan)).toEqual(['beta/roomy']);
  });

  test('at the same price the emptier offer, then the name', () => {
    const same = (name: string, used: number) => offerOf('alpha', name, { used });
    expect(placedOn(decide({}, [same('a', 1), same('b', 0)]))).toEqual(['alpha/b']);
    expect(placedOn(decide({}, [same('b', 0), same('a', 0)]))).toEqual(['alpha/a']);
  });

  test('spot is taken where it is allowed and cheaper, and its price is the price', () => {
    const offer = offerOf('alpha', 'a', { spotPriceMicrosPerHour: 300_000n });
    expect(decide({ placement: { spot: 'allowed' } }, [offer]).placements[0]).toMatchObject({
      spot: true,
      listPriceMicrosPerHour: 300_000n,
      priceMicrosPerHour: 300_000n,
    });
    expect(decide({}, [offer]).placements[0]).toMatchObject({ spot: false, priceMicrosPerHour: 1_000_000n });
    const dear = { ...offer, spotPriceMicrosPerHour: 1_000_000n };
    expect(decide({ placement: { spot: 'allowed' } }, [dear]).placements[0]).toMatchObject({ spot: false });
  });
});

describe('preferences', () => {
  const offers = [offerOf('alpha', 'a'), offerOf('beta', 'b', { priceMicrosPerHour: 5_000_000n })];

  test('a move’s target is first choice, avoided or not', () => {
    const avoid = { beta: later(60).toISOString() };
    expect(placedOn(decide({}, offers, { job: { moveTo: 'beta' } }))).toEqual(['beta/b']);
    expect(placedOn(decide({}, offers, { job: { moveTo: 'beta', avoid } }))).toEqual(['beta/b']);
  });

  test('a target without room is said to be, and another is taken', () => {
    const full = offers.map((offer) => (offer.provider === 'beta' ? { ...offer, used: 4 } : offer));
    const plan = decide({}, full, { job: { moveTo: 'beta' } });
    expect(placedOn(plan)).toEqual(['alpha/a']);
    expect(plan.placements[0]?.decision.notes.join()).toContain('beta, named as the target');
  });

  test('an avoided provider comes last, until the avoidance is over', () => {
    const avoid = (seconds: number) => ({ job: { avoid: { alpha: later(seconds).toISOString() } } });
    expect(placedOn(decide({}, offers, avoid(60)))).toEqual(['beta/b']);
    expect(placedOn(decide({}, offers, avoid(0)))).toEqual(['alpha/a']);
    expect(placedOn(decide({}, offers.slice(0, 1), avoid(60)))).toEqual(['alpha/a']);
  });
});

describe('a pass', () => {
  test('serves priority first, then who has waited longest', () => {
    const jobs = [
      jobOf('young', {}, { queuedAt: later(-1) }),
      jobOf('old', {}, { queuedAt: later(-99) }),
      jobOf('urgent', {}, { queuedAt: later(0), priority: 90 }),
    ];
    const plan = decidePlacements(
      worldOf({ providers: [alpha], offers: [offerOf('alpha', 'a', { capacity: 2 })], jobs }),
    );
    expect(plan.placements.map(({ jobId }) => jobId)).toEqual(['urgent', 'old']);
    expect(plan.waiting.map(({ jobId }) => jobId)).toEqual(['young']);
  });

  test('a job without GPUs may use any offer', () => {
    const cpu = offerOf('alpha', 'cpu', { gpuModel: null, gpuCount: 0, gpuMemoryGiB: 0 });
    const none = { resources: { gpu: { count: 0, models: ['H100'], minMemoryGiB: 80 } } };
    expect(placedOn(decide(none, [cpu]))).toEqual(['alpha/cpu']);
    expect(placedOn(decide(none, [offerOf('alpha', 'gpu')]))).toEqual(['alpha/gpu']);
  });

  test('a shortlist that runs dry is made anew', () => {
    const offers = Array.from({ length: 200 }, (_, index) =>
      offerOf('alpha', `o${String(index).padStart(3, '0')}`, {
        capacity: 1,
        priceMicrosPerHour: BigInt(1_000 - index),
      }),
    );
    const jobs = Array.from({ length: 210 }, (_, index) => jobOf(`job-${String(index).padStart(3, '0')}`));
    const plan = decidePlacements(worldOf({ providers: [alpha], offers, jobs }));
    expect(plan.placements.map(({ offer }) => offer)).toEqual(offers.map(({ name }) => name).toReversed());
    expect(plan.waiting).toHaveLength(10);
  });

  test('a shortlist whose scores have fallen is made anew', () => {
    const offers = Array.from({ length: 100 }, (_, index) => offerOf('alpha', `o${index}`, { capacity: 3 }));
    const spread = (count: number) => {
      const parts: SpecParts = { placement: { objective: 'available' } };
      const jobs = Array.from({ length: count }, (_, index) => jobOf(`job-${index}`, parts));
      return new Set(
        decidePlacements(worldOf({ providers: [alpha], offers, jobs })).placements.map(({ offer }) => offer),
      );
    };
    expect(spread(100).size).toBe(100);
    expect(spread(150).size).toBe(100);
  });

  test('a decision stays small, however many offers there are', () => {
    const providers: PlacementProvider[] = Array.from({ length: 50 }, (_, index) =>
      providerOf(`provider-${index}`),
    );
    const offers = Array.from({ length: 5_000 }, (_, index) =>
      offerOf(`provider-${index % 50}`, `offer-${index}`, { cpus: index % 99, gpuCount: index % 9 || 1 }),
    );
    const parts: SpecParts = {
      resources: { cpus: 50 },
      placement: { objective: 'balanced', countries: ['KR'] },
    };
    const [placed] = decidePlacements(
      worldOf({ providers, offers, jobs: [jobOf('job-1', parts)] }),
    ).placements;
    expect(JSON.stringify(placed?.decision).length).toBeLessThan(8_000);
  });
});
