import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { withFreshDatabase } from './database.ts';
import { LONG_STORM, tryMutant } from './mutate.ts';
import { MUTANTS } from './mutants.ts';
import { KEPT, SEEDS, STEPS, TRIED } from './seeds.ts';
import { World, type SimResult } from './world.ts';

const MINUTES = 60_000;
const run = (seed: number, steps: number): Promise<SimResult> =>
  withFreshDatabase(inject('database'), (url) => World.run(url, { seed, steps }));

describe('whatever breaks, work is neither lost nor doubled', () => {
  test.each(SEEDS)(
    'seed %i',
    async (seed) => {
      const { violations, counts, trace } = await run(seed, STEPS);
      expect(violations, trace.slice(-40).join('\n')).toEqual([]);
      // A world in which nothing happened would prove nothing.
      expect(counts['runs']).toBeGreaterThan(3);
      expect(counts['succeeded']).toBeGreaterThan(1);
    },
    2 * MINUTES,
  );

  test.each(KEPT)(
    'seed $seed, which once found: $found',
    async ({ seed }) => {
      expect((await run(seed, STEPS)).violations).toEqual([]);
    },
    2 * MINUTES,
  );
});

test(
  'a seed is the same world every time',
  async () => {
    const first = await run(5, 500);
    const second = await run(5, 500);
    expect(second.hash).toBe(first.hash);
    expect(second.trace).toEqual(first.trace);
  },
  2 * MINUTES,
);

test.each(MUTANTS)('the mutant $name fits the code that it cuts', ({ edits }) => {
  for (const { file, find } of edits)
    expect(readFileSync(join(import.meta.dirname, '../..', file), 'utf8').split(find)).toHaveLength(2);
});

describe('the net is whole: a hole in what it holds is found', () => {
  test.each(TRIED)(
    '%s',
    async (name) => {
      const mutant = MUTANTS.find((one) => one.name === name);
      expect(mutant).toBeDefined();
      const { foundBy } = await tryMutant(mutant!, inject('database'), LONG_STORM, [
        ...mutant!.seeds,
        2,
        3,
        5,
        7,
      ]);
      expect(foundBy).not.toBeNull();
    },
    4 * MINUTES,
  );
});
