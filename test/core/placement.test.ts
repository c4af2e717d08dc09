import { describe, expect, test } from 'vitest';
import { decidePlacements } from '../../src/core/placement/decide.ts';
import type {
  PlacementOffer,
  PlacementProvider,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';
import {
  jobOf,
  later,
  offerOf,
  poolOf,
  providerOf,
  rulesOf,
  worldOf,
  type SpecParts,
} from './placement-world.ts';

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

describe('objectives', () => {
  const cheap = offerOf('alpha', 'cheap', { priceMicrosPerHour: 900_000n, capacity: 4, used: 3 });
  const roomy = offerOf('beta', 'roomy', { priceMicrosPerHour: 1_000_000n, capacity: 100 });
  const of = (objective: 'cheapest' | 'available' | 'balanced'): SpecParts => ({ placement: { objective } });

  test('cheapest takes the cheaper, available the roomier', () => {
    expect(placedOn(decide(of('cheapest'), [cheap, roomy]))).toEqual(['alpha/cheap']);
    expect(placedOn(decide(of('available'), [cheap, roomy]))).toEqual(['beta/roomy']);
  });

  test('balanced weighs both: a place that is half as available has to be half as dear', () => {
    // 1 of 4: 0.6 × 1/5 + 0.4 = 0.52; 100 of 100: 0.6 × 100/101 + 0.4 = 0.994.
    const at = (price: bigint) => ({ ...roomy, priceMicrosPerHour: price });
    expect(placedOn(decide(of('balanced'), [cheap, at(1_720_000n)]))).toEqual(['beta/roomy']);
    expect(placedOn(decide(of('balanced'), [cheap, at(1_721_000n)]))).toEqual(['alpha/cheap']);
  });

  test('equally available, the cheaper', () => {
    const at = (name: string, price: bigint) => offerOf('alpha', name, { priceMicrosPerHour: price });
    for (const objective of ['available', 'balanced', 'cheapest'] as const) {
      expect(placedOn(decide(of(objective), [at('a', 1n), at('b', 2n), at('c', 3n)]))).toEqual(['alpha/a']);
      expect(placedOn(decide(of(objective), [at('a', 3n), at('b', 2n), at('c', 1n)]))).toEqual(['alpha/c']);
    }
  });

  test('a provider that was ill a minute ago, or refused lately, is less available', () => {
    const offers = [offerOf('alpha', 'a'), offerOf('beta', 'b')];
    const ill = providerOf('alpha', { healthSince: later(-59) });
    const unwilling = providerOf('alpha', { recentRefusals: 1 });
    for (const worse of [ill, unwilling])
      expect(placedOn(decide(of('available'), offers, { providers: [worse, beta] }))).toEqual(['beta/b']);
    expect(placedOn(decide(of('available'), offers))).toEqual(['alpha/a']);
  });

  describe('cheapest is what the whole job costs', () => {
    const h100 = offerOf('alpha', 'h100', { priceMicrosPerHour: 1_500_000n });
    const a100 = offerOf('beta', 'a100', { gpuModel: 'A100-80GB', priceMicrosPerHour: 1_000_000n });
    const speeds = (h: number) => ({
      policies: {
        dataGrades: [],
        capacityClasses: [],
        gpuSpeeds: [
          { model: 'H100', speed: h, note: '' },
          { model: 'A100-80GB', speed: 1, note: '' },
        ],
      },
    });
    const either: SpecParts = {
      resources: { gpu: { models: ['A100', 'H100'] } },
      expectedRuntimeSeconds: 7_200,
    };

    test('a GPU twice as fast at one and a half times the price wins', () => {
      const named: SpecParts = { ...either, resources: { gpu: { models: ['A100-80GB', 'H100'] } } };
      const plan = decide(named, [h100, a100], speeds(2));
      expect(placedOn(plan)).toEqual(['alpha/h100']);
      const decision = plan.placements[0]?.decision();
      expect(decision?.assumptions).toMatchObject({ runtimeSeconds: 7_200, referenceModel: 'A100-80GB' });
      expect(
        decision?.candidates.map(({ parts, estimatedCost }) => [parts.hours, estimatedCost.amount]),
      ).toEqual([
        [1, '1.5'],
        [2, '2'],
      ]);
      expect(placedOn(decide(named, [h100, a100], speeds(1.4)))).toEqual(['beta/a100']);
    });

    test('where no speed is known, or any GPU will do, the price decides', () => {
      expect(placedOn(decide(either, [h100, a100]))).toEqual(['beta/a100']);
      expect(placedOn(decide({ expectedRuntimeSeconds: 7_200 }, [h100, a100], speeds(2)))).toEqual([
        'beta/a100',
      ]);
    });

    test('spot has to be cheaper by what its interruptions cost', () => {
      // 0.23 an hour, each 120 s of loading and half of 3,600 s done again: 12.3 % more.
      const parts: SpecParts = {
        placement: { spot: 'allowed' },
        checkpoint: { intervalSeconds: 3_600 },
        expectedRuntimeSeconds: 36_000,
      };
      const at = (spot: bigint) => [offerOf('alpha', 'a', { spotPriceMicrosPerHour: spot })];
      const kindOf = (spot: bigint, more: SpecParts = {}) =>
        decide({ ...parts, ...more }, at(spot)).placements[0]?.spot;
      expect(kindOf(890_000n)).toBe(true);
      expect(kindOf(892_000n)).toBe(false);
      // A service has nothing to do again.
      expect(kindOf(892_000n, { kind: 'inference' })).toBe(true);
      expect(decide(parts, at(890_000n)).placements[0]?.decision().candidates[0]?.parts).toMatchObject({
        hours: 10,
        interruptions: 2.3,
        lostHours: 1.226667,
        onDemand: 0,
      });
    });

    test('spot is taken where it is allowed and cheaper, and its price is the price', () => {
      const offer = offerOf('alpha', 'a', { spotPriceMicrosPerHour: 300_000n });
      expect(decide({ placement: { spot: 'allowed' } }, [offer]).placements[0]).toMatchObject({
        spot: true,
        listPriceMicrosPerHour: 300_000n,
        priceMicrosPerHour: 300_000n,
      });
      expect(decide({}, [offer]).placements[0]).toMatchObject({
        spot: false,
        priceMicrosPerHour: 1_000_000n,
      });
    });
  });

  test('prices are compared in the accounting currency', () => {
    const dollars = offerOf('beta', 'dollars', { priceMicrosPerHour: 10_000n, currency: 'USD' });
    const rates = new Map([['USD', 1_400_000_000n]]);
    expect(placedOn(decide({}, [roomy, dollars], { rates }))).toEqual(['beta/roomy']);
    expect(decide({}, [dollars], { rates }).placements[0]).toMatchObject({
      listPriceMicrosPerHour: 10_000n,
      listCurrency: 'USD',
      rateMicros: 1_400_000_000n,
      priceMicrosPerHour: 14_000_000n,
    });
  });
});

describe('the price is of whole offers', () => {
  test('three GPUs on an offer of four pay for four, and eight pay what eight cost', () => {
    const four = offerOf('alpha', 'four', { gpuCount: 4, priceMicrosPerHour: 4_100_000n });
    const three: SpecParts = { resources: { gpu: { count: 3 } } };
    const [placed] = decide(three, [four]).placements;
    expect(placed).toMatchObject({ offerGpuCount: 4, nodes: 1, priceMicrosPerHour: 4_100_000n });
    // Eight singles would cost less; they are not one machine.
    const one = offerOf('alpha', 'one', { gpuCount: 1, priceMicrosPerHour: 1n, capacity: 8 });
    const eight = offerOf('beta', 'eight', { gpuCount: 8, priceMicrosPerHour: 9_999_999n });
    expect(placedOn(decide({ resources: { gpu: { count: 8 } } }, [one, eight]))).toEqual(['beta/eight']);
  });

  test('the offer that is cheaper as a whole wins, whatever a GPU of it costs', () => {
    const small = offerOf('alpha', 'small', { gpuCount: 2, priceMicrosPerHour: 3_000_000n });
    const large = offerOf('beta', 'large', { gpuCount: 8, priceMicrosPerHour: 4_000_000n });
    expect(placedOn(decide({}, [large, small]))).toEqual(['alpha/small']);
  });

  test('several machines are whole in one offer, and cost all together', () => {
    const providers = [providerOf('alpha', { multiNode: true }), beta];
    const parts: SpecParts = { resources: { nodes: 3, gpu: { count: 8 } }, expectedRuntimeSeconds: 7_200 };
    const split = [offerOf('alpha', 'a', { capacity: 2 }), offerOf('alpha', 'b', { capacity: 2 })];
    expect(placedOn(decide(parts, split, { providers }))).toEqual([]);
    const [placed] = decide(parts, [...split, offerOf('alpha', 'c', { capacity: 3 })], {
      providers,
    }).placements;
    expect(placed).toMatchObject({ offer: 'c', nodes: 3, priceMicrosPerHour: 1_000_000n });
    expect(placed?.decision().outcome).toMatchObject({
      pricePerHour: { amount: '3', currency: 'KRW' },
      estimatedCost: { amount: '6', currency: 'KRW' },
    });
  });
});

describe('what a placement draws on its pool', () => {
  const pooled = offerOf('alpha', 'a', { gpuCount: 2, cpus: 16, memoryGiB: 100, pool: 'p' });
  const draw = (resources: SpecParts['resources'], nodes = 1) =>
    decide({ resources: { ...resources, nodes } }, [pooled], {
      providers: [providerOf('alpha', { multiNode: true })],
      pools: [poolOf('alpha', 'p', { gpus: 16, cpuMillis: 64_000, memoryMiB: 400 * 1_024 })],
    }).placements[0]?.draw;

  test('the GPUs of the whole offer, and the CPUs and memory that the job asks for, else the offer’s', () => {
    expect(draw({})).toEqual({ pool: 'p', gpus: 2, cpuMillis: 16_000, memoryMiB: 102_400 });
    expect(draw({ cpus: 0.5, memoryGiB: 1.5 })).toEqual({
      pool: 'p',
      gpus: 2,
      cpuMillis: 500,
      memoryMiB: 1_536,
    });
    expect(draw({ cpus: 4 }, 3)).toEqual({ pool: 'p', gpus: 6, cpuMillis: 12_000, memoryMiB: 307_200 });
  });

  test.each([
    ['GPUs', { gpus: 7 }, 3],
    ['CPUs', { gpus: 16, cpuMillis: 47_999 }, 2],
    ['memory', { gpus: 16, memoryMiB: 102_400 }, 1],
    ['nothing', { gpus: 16 }, 4],
  ])('%s run out first', (_, limits, count) => {
    const jobs = Array.from({ length: 6 }, (__, index) => jobOf(`job-${index}`));
    const plan = decide({}, [pooled], { pools: [poolOf('alpha', 'p', limits)], jobs });
    expect(plan.placements).toHaveLength(count);
  });

  test('pools of other providers, and offers of none, are left alone', () => {
    const pools = [
      poolOf('alpha', 'p', { gpus: 2, usedGpus: 2 }),
      poolOf('beta', 'p'),
      poolOf('alpha', 'null', { gpus: 0 }),
    ];
    const other = { ...pooled, provider: 'beta', name: 'b', priceMicrosPerHour: 3_000_000n };
    const alone = offerOf('alpha', 'alone', { priceMicrosPerHour: 2_000_000n, capacity: 1 });
    const jobs = ['1', '2', '3'].map((id) => jobOf(id));
    const plan = decide({}, [pooled, other, alone], { pools, jobs });
    expect(placedOn(plan)).toEqual(['alpha/alone', 'beta/b', 'beta/b']);
  });
});

describe('ties', () => {
  test('fewer GPUs that nobody asked for', () => {
    const eight = offerOf('alpha', 'a-eight', { gpuCount: 8 });
    const two = offerOf('alpha', 'z-two', { gpuCount: 2, capacity: 1 });
    expect(placedOn(decide({}, [eight, two]))).toEqual(['alpha/z-two']);
  });

  test('the tighter pool', () => {
    const offers = ['a', 'b', 'c'].map((name) => offerOf('alpha', name, { gpuCount: 2, pool: name }));
    const pools = [8, 4, 6].map((gpus, at) => poolOf('alpha', ['a', 'b', 'c'][at] ?? '', { gpus }));
    const jobs = Array.from({ length: 9 }, (_, index) => jobOf(`job-${index}`));
    expect(placedOn(decide({}, offers, { pools, jobs }))).toEqual(
      ['b', 'b', 'c', 'c', 'c', 'a', 'a', 'a', 'a'].map((name) => `alpha/${name}`),
    );
  });

  test('on demand before spot of the same cost', () => {
    const free = offerOf('alpha', 'a', { priceMicrosPerHour: 0n, spotPriceMicrosPerHour: 0n });
    expect(decide({ placement: { spot: 'allowed' } }, [free]).placements[0]).toMatchObject({ spot: false });
  });

  test('the emptier offer, then the name', () => {
    const same = (name: string, used: number) => offerOf('alpha', name, { used });
    expect(placedOn(decide({}, [same('a', 1), same('b', 0)]))).toEqual(['alpha/b']);
    expect(placedOn(decide({}, [same('b', 0), same('a', 0)]))).toEqual(['alpha/a']);
  });
});

describe('preferences', () => {
  const offers = [offerOf('alpha', 'a'), offerOf('beta', 'b', { priceMicrosPerHour: 5_000_000n })];
  const avoid = (seconds: number) => ({ job: { avoid: { alpha: later(seconds).toISOString() } } });

  test('a move’s target is first choice, avoided or not', () => {
    const avoided = { beta: later(60).toISOString() };
    expect(placedOn(decide({}, offers, { job: { moveTo: 'beta' } }))).toEqual(['beta/b']);
    expect(placedOn(decide({}, offers, { job: { moveTo: 'beta', avoid: avoided } }))).toEqual(['beta/b']);
  });

  test('a target without room is said to be, and another is taken', () => {
    const full = offers.map((offer) => (offer.provider === 'beta' ? { ...offer, used: 4 } : offer));
    const plan = decide({}, full, { job: { moveTo: 'beta' } });
    expect(placedOn(plan)).toEqual(['alpha/a']);
    expect(plan.placements[0]?.decision().notes.join()).toContain('beta, named as the target');
  });

  test('an avoided provider comes last, until the avoidance is over', () => {
    expect(placedOn(decide({}, offers, avoid(60)))).toEqual(['beta/b']);
    expect(placedOn(decide({}, offers, avoid(0)))).toEqual(['alpha/a']);
    expect(placedOn(decide({}, offers.slice(0, 1), avoid(60)))).toEqual(['alpha/a']);
  });

  test('candidates stand by tier, and the decision says why the avoided are last', () => {
    const decision = decide({}, offers, avoid(60)).placements[0]?.decision();
    expect(decision?.candidates.map(({ provider, tier }) => `${provider} ${tier}`)).toEqual([
      'beta normal',
      'alpha avoided',
    ]);
    expect(decision?.notes).toEqual([
      'used only where nothing else has room, for having lost or refused this job: alpha',
    ]);
  });
});

describe('a quote', () => {
  const offers = [
    offerOf('alpha', 'a', { priceMicrosPerHour: 2_000_000n, spotPriceMicrosPerHour: 1_900_000n }),
  ];
  const price = (micros: number, rest: { offer?: string; spot?: boolean } = {}) => ({
    provider: 'alpha',
    offer: 'a',
    spot: false,
    listMicrosPerHour: String(micros),
    listCurrency: 'KRW',
    rateMicros: '1000000',
    microsPerHour: String(micros),
    ...rest,
  });
  const quoted = (prices: ReturnType<typeof price>[], rest: { ceiling?: number; expires?: number } = {}) => ({
    job: {
      quote: {
        id: 'q',
        expiresAt: later(rest.expires ?? 60).toISOString(),
        ceilingMicrosPerHour: String(rest.ceiling ?? 2_000_000),
        prices,
      },
    },
  });
  const paid = (plan: ReturnType<typeof decide>) => plan.placements[0]?.priceMicrosPerHour;

  test('holds its price while the offer has become dearer, and says so', () => {
    const plan = decide({}, offers, quoted([price(1_500_000)]));
    expect(paid(plan)).toBe(1_500_000n);
    expect(plan.placements[0]?.decision().notes).toEqual([
      'the price is that of the quote: the offer costs more by now',
    ]);
    expect(paid(decide({}, offers, quoted([price(2_500_000)], { ceiling: 2_500_000 })))).toBe(2_000_000n);
  });

  test('holds no longer than it says, and its ceiling for ever', () => {
    expect(paid(decide({}, offers, quoted([price(1_500_000)], { expires: 0 })))).toBe(2_000_000n);
    expect(paid(decide({}, offers, quoted([price(1_500_000)], { ceiling: 1_999_999 })))).toBe(1_500_000n);
    expect(
      paid(decide({}, offers, quoted([price(1_500_000)], { ceiling: 1_999_999, expires: 0 }))),
    ).toBeUndefined();
  });

  test('makes the held price the one that is compared', () => {
    const two = [...offers, offerOf('beta', 'b', { priceMicrosPerHour: 1_800_000n })];
    expect(placedOn(decide({}, two, quoted([price(1_500_000)])))).toEqual(['alpha/a']);
    expect(placedOn(decide({}, two, quoted([price(1_900_000)])))).toEqual(['beta/b']);
  });

  test('gives nothing that the job cannot use: another shape, or spot where it wants none', () => {
    const eight: SpecParts = { resources: { gpu: { count: 8 } } };
    const four = [{ ...(offers[0] as PlacementOffer), gpuCount: 4 }];
    expect(placedOn(decide(eight, four, quoted([price(1)])))).toEqual([]);
    expect(paid(decide({}, offers, quoted([price(1, { spot: true })])))).toBe(2_000_000n);
    const only: SpecParts = { placement: { spot: 'only' } };
    expect(paid(decide(only, offers, quoted([price(1)])))).toBe(1_900_000n);
  });
});

describe('many', () => {
  test('a job without GPUs may use any offer', () => {
    const cpu = offerOf('alpha', 'cpu', { gpuModel: null, gpuCount: 0, gpuMemoryGiB: 0 });
    const none: SpecParts = { resources: { gpu: { count: 0, models: ['H100'], minMemoryGiB: 80 } } };
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
    const plan = decide({}, offers, { jobs });
    expect(plan.placements.map(({ offer }) => offer)).toEqual(offers.map(({ name }) => name).toReversed());
    expect(plan.waiting).toHaveLength(10);
  });

  test('a shortlist whose scores have fallen is made anew', () => {
    const offers = Array.from({ length: 100 }, (_, index) => offerOf('alpha', `o${index}`, { capacity: 3 }));
    const spread = (count: number) => {
      const parts: SpecParts = { placement: { objective: 'available' } };
      const jobs = Array.from({ length: count }, (_, index) => jobOf(`job-${index}`, parts));
      return new Set(decide({}, offers, { jobs }).placements.map(({ offer }) => offer));
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
    const [placed] = decide(parts, offers, {
      providers,
      rules: {
        organizations: new Map([['acme', rulesOf({ regions: { allow: ['kr-1'], deny: [] } })]]),
        projects: new Map(),
      },
    }).placements;
    expect(JSON.stringify(placed?.decision()).length).toBeLessThan(9_000);
  });
});
