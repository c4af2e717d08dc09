import { expect, test } from 'vitest';
import { marketOf, Session, stateOf } from '../../src/core/placement/decide.ts';
import type { Shape } from '../../src/core/placement/mix.ts';
import { jobOf, offerOf, poolOf, providerOf, worldOf } from './placement-world.ts';

/** Two hosts: a smaller one whose CPUs this job would use up, and a larger one with CPUs to spare. */
const world = worldOf({
  providers: [providerOf('alpha')],
  offers: ['tight', 'wide'].map((name) => offerOf('alpha', name, { gpuCount: 1, pool: name })),
  pools: [
    poolOf('alpha', 'tight', { gpus: 4, cpuMillis: 32_000 }),
    poolOf('alpha', 'wide', { gpus: 8, cpuMillis: 96_000 }),
  ],
});
const job = jobOf('job-1', { resources: { cpus: 32 } });

function placedWith(demand: readonly Shape[]) {
  const session = new Session(marketOf(world), { ...stateOf(world), demand });
  session.consider(job);
  return session.settle().placements.map(({ offer }) => offer);
}

test('the pool that keeps fewest GPUs, while nobody knows what comes', () => {
  expect(placedWith([])).toEqual(['tight']);
});

test('the pool of which the jobs that are known of lose least', () => {
  // Three GPUs without a CPU would be of no use to them.
  const usual = { gpus: 1, cpuMillis: 8_000, memoryMiB: 0, models: ['H100'], popularity: 50 };
  expect(placedWith([usual])).toEqual(['wide']);
});
