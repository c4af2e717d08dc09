import { beforeAll, describe, expect, test } from 'vitest';
import { exactSolver, type ExactSolver } from '../../bench/harness/exact.ts';
import { assignGreedily } from '../../src/core/placement/batch/greedy.ts';
import { BUDGET, improve } from '../../src/core/placement/batch/improve.ts';
import { bruteForce, contendedWorld, problemOfWorld, worlds } from './batch-world.ts';
import fc from 'fast-check';

/** Beside HiGHS, a mixed-integer solver: what the search finds, and whether the solver is asked the right question. */
describe('a contended batch beside the exact optimum', () => {
  let solver: ExactSolver;
  beforeAll(async () => {
    solver = await exactSolver();
  });
  const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);

  function compared(seed: number, jobs: number, pooled: boolean) {
    const problem = problemOfWorld(contendedWorld(seed, jobs, pooled));
    const greedy = assignGreedily(problem);
    const kept = Uint8Array.from(greedy.chosen, (option) => (option < 0 ? 0 : 1));
    const exact = solver.solve(problem, kept);
    if (!exact?.proven) throw new Error(`Not solved: ${seed}`);
    return { greedy, exact, batch: improve(problem, greedy, BUDGET).assignment };
  }

  test.each(SEEDS)('machines sold whole: it is the optimum (%i)', (seed) => {
    const { exact, batch } = compared(seed, 40, false);
    expect(batch.placed).toBe(exact.placed);
    expect(batch.cost).toBeCloseTo(exact.cost, 6);
  });

  test.each(SEEDS)('parts of shared hosts, several nodes: within one percent (%i)', (seed) => {
    const { exact, batch } = compared(seed, 30, true);
    expect(batch.placed).toBe(exact.placed);
    expect(batch.cost / exact.cost).toBeLessThan(1.01);
    expect(batch.cost / exact.cost).toBeGreaterThan(1 - 1e-6);
  });

  test('greedy is not, so these batches are contended', () => {
    const ratios = SEEDS.map((seed) => compared(seed, 40, false)).map(
      ({ greedy, exact }) => greedy.cost / exact.cost,
    );
    expect(ratios.filter((ratio) => ratio > 1.01).length).toBeGreaterThan(8);
  });

  test('the solver agrees with trying everything', () => {
    fc.assert(
      fc.property(worlds({ jobs: 6, slots: 5, pools: 2, ways: 4 }), (world) => {
        const problem = problemOfWorld(world);
        const { chosen } = assignGreedily(problem);
        const best = bruteForce(problem, chosen);
        const exact = solver.solve(
          problem,
          Uint8Array.from(chosen, (option) => (option < 0 ? 0 : 1)),
        );
        expect(exact?.placed).toBe(best.placed);
        expect(exact?.cost).toBeCloseTo(best.cost, 5);
      }),
      { numRuns: 100 },
    );
  });
});
