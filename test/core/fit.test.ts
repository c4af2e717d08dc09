import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitOf, roomFor, type Mix } from '../../src/core/placement/fit.ts';
import { mixesOf, type PoolState, type Shape } from '../../src/core/placement/mix.ts';
import { seeded, type Random } from '../sim/random.ts';

type Size = readonly [gpus: number, cpuMillis: number, memoryMiB: number];

const UNLIMITED: Size = [8, Infinity, Infinity];
const mixOf = (...shapes: [...Size, number][]): Mix => ({
  gpus: Float64Array.from(shapes, ([gpus]) => gpus),
  cpuMillis: Float64Array.from(shapes, ([, cpuMillis]) => cpuMillis),
  memoryMiB: Float64Array.from(shapes, ([, , memoryMiB]) => memoryMiB),
  weight: Float64Array.from(shapes, ([, , , weight]) => weight),
});
const fit = (free: Size, draw: Size, mix: Mix) => fitOf(...free, ...draw, mix);

describe('roomFor', () => {
  test.each([
    ['the scarcest dimension decides', [8, 12_000, 64_000], [1, 4_000, 8_000], 3],
    ['with a fraction', [7, Infinity, Infinity], [2, 0, 0], 3.5],
    ['but not where there is none for one', [1, 3_999, 64_000], [1, 4_000, 0], 0],
    ['exactly one', [4, 4_000, 8_000], [4, 4_000, 8_000], 1],
    ['nothing left', [0, 0, 0], [1, 0, 0], 0],
    ['what is not asked for does not count', [2, 0, 0], [1, 0, 0], 2],
    ['unlimited for what needs only what is unlimited', [0, Infinity, 5], [0, 1_000, 0], Infinity],
    ['nothing asked', [1, 1, 1], [0, 0, 0], Infinity],
  ] as const)('%s', (_, free, need, room) => {
    expect(roomFor(...(free as Size), ...(need as Size))).toBe(room);
  });
});

describe('fitOf, by hand', () => {
  const oneAndEight = mixOf([1, 0, 0, 1_000], [8, 0, 0, 800]);

  test.each([
    // One of eight for the single, the only place for the eight.
    ['a whole host', UNLIMITED, [1, 0, 0], 1_800],
    // The eight has nothing to lose any more.
    ['a broken one', [7, Infinity, Infinity], [1, 0, 0], 1_000],
    ['all of it', UNLIMITED, [8, 0, 0], 8_800],
    ['nothing drawn', UNLIMITED, [0, 0, 0], 0],
    ['only what nobody counted asks for', UNLIMITED, [0, 64_000, 1_000], 0],
    ['more GPUs than are free', [7, Infinity, Infinity], [8, 0, 0], Infinity],
    ['more CPU than is free', [8, 3_000, Infinity], [1, 3_001, 0], Infinity],
    ['more memory than is free', [8, Infinity, 3_000], [1, 0, 3_001], Infinity],
  ] as const)('%s', (_, free, draw, expected) => {
    expect(fit(free as Size, draw as Size, oneAndEight)).toBe(expected);
  });

  test('CPU that strands GPUs is lost room, before a single task fails to fit', () => {
    const needsCpu = mixOf([1, 10_000, 0, 1_000]);
    // 8 GPUs and CPU for 8: four of the eight places go, though seven GPUs stay.
    expect(fit([8, 80_000, Infinity], [1, 40_000, 0], needsCpu)).toBe(4_000);
    // The same draw where CPU is plenty costs the one place that its GPU is.
    expect(fit([8, 400_000, Infinity], [1, 40_000, 0], needsCpu)).toBe(1_000);
    // And where CPU has already run out before the GPUs, a draw that needs none takes nothing from anybody.
    expect(fit([8, 40_000, Infinity], [1, 0, 0], needsCpu)).toBe(0);
  });

  test('memory counts as CPU does', () => {
    expect(fit([8, Infinity, 800], [1, 0, 400], mixOf([1, 0, 100, 1_000]))).toBe(4_000);
  });
});

describe('fitOf, always', () => {
  const free = fc.tuple(fc.integer({ min: 0, max: 16 }), amount(), amount());
  const shape = fc.record({
    gpus: fc.constantFrom(0, 1, 2, 4, 8),
    cpuMillis: fc.integer({ min: 0, max: 128_000 }),
    memoryMiB: fc.integer({ min: 0, max: 786_432 }),
    models: fc.constantFrom([], ['A'], ['B'], ['A', 'B']),
    popularity: fc.integer({ min: 0, max: 1_000 }),
  });
  const world = fc
    .tuple(free, fc.array(free, { maxLength: 5 }), fc.array(shape, { maxLength: 12 }))
    .map(([one, others, shapes]) => ({ one, mix: mixFor('A', shapes, [one, ...others]) }));
  const draw = fc.tuple(
    fc.integer({ min: 0, max: 16 }),
    fc.integer({ min: 0, max: 256_000 }),
    fc.integer({ min: 0, max: 1e6 }),
  );

  test('a whole number of at least 0, or Infinity where the draw does not fit', () => {
    fc.assert(
      fc.property(world, draw, ({ one, mix }, drawn) => {
        const score = fit(one, drawn, mix);
        if (drawn.some((asked, dimension) => asked > (one[dimension] ?? 0))) expect(score).toBe(Infinity);
        else expect(Number.isSafeInteger(score) && score >= 0).toBe(true);
      }),
    );
  });

  test('drawing more never costs less', () => {
    fc.assert(
      fc.property(world, draw, draw, ({ one, mix }, [g, c, m], more) => {
        const greater: Size = [g + more[0], c + more[1], m + more[2]];
        expect(fit(one, greater, mix)).toBeGreaterThanOrEqual(fit(one, [g, c, m], mix));
      }),
    );
  });

  test('two draws one after the other cost what both at once do', () => {
    fc.assert(
      fc.property(world, draw, draw, ({ one, mix }, first, second) => {
        const both: Size = [first[0] + second[0], first[1] + second[1], first[2] + second[2]];
        const whole = fit(one, both, mix);
        fc.pre(whole < Infinity);
        const left: Size = [one[0] - first[0], one[1] - first[1], one[2] - first[2]];
        const parts = fit(one, first, mix) + fit(left, second, mix);
        // Each is rounded once, and sums near 1e12 differ in their last digits.
        expect(Math.abs(parts - whole)).toBeLessThanOrEqual(2);
      }),
    );
  });

  test('equal states tie exactly, and a state that loses the same does, whatever else it has', () => {
    fc.assert(
      fc.property(world, draw, fc.integer({ min: 0, max: 1e9 }), ({ one, mix }, drawn, surplus) => {
        expect(fit([...one], [...drawn], mix)).toBe(fit(one, drawn, mix));
        const gpusOnly = mixOf([1, 0, 0, 1 / 3], [2, 0, 0, 1e6 / 7], [4, 0, 0, 1e7 / 9]);
        fc.pre(drawn.every((asked, dimension) => asked <= (one[dimension] ?? 0)));
        const richer: Size = [one[0], one[1] + surplus, one[2] + surplus];
        expect(fit(richer, drawn, gpusOnly)).toBe(fit(one, drawn, gpusOnly));
      }),
    );
  });
});

describe('mixesOf', () => {
  const host: PoolState = { model: 'A', gpus: 8, cpuMillis: Infinity, memoryMiB: Infinity, pools: 1 };
  const job = (gpus: number, popularity: number, models: string[] = []): Shape => ({
    gpus,
    cpuMillis: 0,
    memoryMiB: 0,
    models,
    popularity,
  });
  const taken = (shapes: readonly Shape[], states: readonly PoolState[], model: string, gpus = 1) =>
    fitOf(8, Infinity, Infinity, gpus, 0, 0, mixesOf(shapes, states).get(model) as Mix);

  test('all of the room is 1e12 parts, by hand', () => {
    // Two hosts, and nobody asks: the four standard offers count alike, half of the room for each is taken.
    expect(taken([], [{ ...host, pools: 2 }], 'A', 8)).toBe(5e11);
    // One GPU of 16: a 16th of the room for 1, 2 and 4 (fractions count), half of that for 8.
    expect(taken([], [{ ...host, pools: 2 }], 'A')).toBe(Math.round(1e12 * ((3 / 16 + 1 / 2) / 4)));
  });

  test('equal pools may be said once or one by one', () => {
    const shapes = [job(1, 5), job(8, 2)];
    expect(mixesOf(shapes, [host, host, host])).toEqual(mixesOf(shapes, [{ ...host, pools: 3 }]));
  });

  test('popularity is a share: counted over a longer time it is the same', () => {
    const [few, many] = [1, 1_000].map((times) => taken([job(1, 5 * times), job(4, 2 * times)], [host], 'A'));
    expect(few).toBe(many);
  });

  test('who accepts any model spares the one that others need', () => {
    const states = [host, { ...host, model: 'B' }];
    const shapes = [job(1, 90), job(1, 10, ['B'])];
    expect(taken(shapes, states, 'A')).toBeLessThan(taken(shapes, states, 'B'));
  });

  test('the fewer pools there are for somebody, the more a place in one costs', () => {
    const shapes = [job(1, 10, ['A']), job(1, 10, ['B'])];
    const states = [
      { ...host, pools: 9 },
      { ...host, model: 'B' },
    ];
    expect(taken(shapes, states, 'A')).toBeLessThan(taken(shapes, states, 'B'));
  });

  test('jobs without GPUs are nothing to save GPUs for', () => {
    const cpuOnly = { ...job(0, 1e6), cpuMillis: 1_000 };
    expect(mixesOf([job(1, 5), cpuOnly], [host])).toEqual(mixesOf([job(1, 5)], [host]));
  });

  test('no pools, no GPUs, nothing free: a number all the same', () => {
    expect(mixesOf([job(1, 5)], []).size).toBe(0);
    const empty = { ...host, gpus: 0 };
    const mixes = mixesOf([job(1, 5)], [empty, { ...empty, model: null }]);
    for (const mix of mixes.values()) expect(fitOf(0, 1_000, 1_000, 0, 500, 500, mix)).toBe(0);
  });
});

/**
 * Four hosts of 8 GPUs with plenty of CPU, four with little, and as many jobs as GPUs: half of them are light enough
 * for the poor hosts. Who puts those where they fit first has no CPU-rich GPUs left for the heavy ones.
 */
describe('packing', () => {
  const LIGHT: Size = [1, 1_000, 0];
  const HEAVY: Size = [1, 16_000, 0];
  const RICH: Size = [8, 128_000, 0];
  const POOR: Size = [8, 12_000, 0];
  const hosts = [...copies(4, RICH), ...copies(4, POOR)];
  const jobs = [...copies(32, LIGHT), ...copies(32, HEAVY)];

  test.each(['a', 'b', 'c', 'd', 'e'])('first-fit strands GPUs and ours does not (seed %s)', (seed) => {
    const queue = shuffled(jobs, seeded(seed));
    const byFit = given(hosts, queue, (now) => {
      const mix = mixFor('A', [shapeOf(LIGHT), shapeOf(HEAVY)], now);
      return (host, job) => fit(host, job, mix);
    });
    expect(given(hosts, queue, () => () => 0)).toBeLessThanOrEqual(52);
    expect(byFit).toBe(64);
  });
});

type Score = (host: Size, job: Size) => number;

/** @returns GPUs that the jobs got, each from the first of the hosts with the least score */
function given(
  all: readonly Size[],
  jobs: readonly Size[],
  scoring: (hosts: readonly Size[]) => Score,
): number {
  const hosts = [...all];
  let gpus = 0;
  for (const job of jobs) {
    const score = scoring(hosts);
    const scores = hosts.map((host) =>
      host.every((has, at) => has >= (job[at] ?? 0)) ? score(host, job) : Infinity,
    );
    const least = Math.min(...scores);
    if (least === Infinity) continue;
    const index = scores.indexOf(least);
    const host = hosts[index] as Size;
    hosts[index] = [host[0] - job[0], host[1] - job[1], host[2] - job[2]];
    gpus += job[0];
  }
  return gpus;
}

function copies(count: number, size: Size): Size[] {
  return Array.from({ length: count }, () => size);
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  return list.flatMap(() => left.splice(random.int(0, left.length - 1), 1));
}

function mixFor(model: string, shapes: readonly Shape[], pools: readonly Size[]): Mix {
  const states = pools.map(([gpus, cpuMillis, memoryMiB]) => ({
    model,
    gpus,
    cpuMillis,
    memoryMiB,
    pools: 1,
  }));
  return mixesOf(shapes, states).get(model) as Mix;
}

function shapeOf([gpus, cpuMillis, memoryMiB]: Size): Shape {
  return { gpus, cpuMillis, memoryMiB, models: [], popularity: 1 };
}

function amount() {
  return fc.oneof(fc.integer({ min: 0, max: 1_000_000 }), fc.constant(Infinity));
}
