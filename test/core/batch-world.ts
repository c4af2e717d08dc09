import fc from 'fast-check';
import { dice, type Dice } from '../../bench/harness/dice.ts';
import { DIMENSIONS, type Assignment, type BatchProblem } from '../../src/core/placement/batch/problem.ts';

/** A way to place a job. */
export interface Way {
  readonly slot: number;
  readonly cost: number;
  readonly places: number;
}

export interface Slot {
  readonly room: number;
  /** -1: none. */
  readonly pool: number;
  /** What a place of it draws. */
  readonly size: readonly [gpus: number, cpuMillis: number, memoryMiB: number];
}

export interface World {
  readonly slots: readonly Slot[];
  readonly pools: readonly (readonly [number, number, number])[];
  /** By job. */
  readonly ways: readonly (readonly Way[])[];
}

export function problemOfWorld({ slots, pools, ways }: World): BatchProblem {
  const sorted = ways.map((some) => some.toSorted((a, b) => a.cost - b.cost || a.slot - b.slot));
  const flat = sorted.flat();
  const first = new Int32Array(ways.length + 1);
  for (const [job, some] of sorted.entries()) first[job + 1] = first[job]! + some.length;
  const drawn = ({ slot, places }: Way) =>
    slots[slot]!.pool < 0 ? [0, 0, 0] : slots[slot]!.size.map((size) => size * places);
  return {
    jobs: ways.length,
    first,
    cost: Float64Array.from(flat, ({ cost }) => cost),
    slot: Int32Array.from(flat, ({ slot }) => slot),
    places: Int32Array.from(flat, ({ places }) => places),
    slotRoom: Int32Array.from(slots, ({ room }) => room),
    slotPool: Int32Array.from(slots, ({ pool }) => pool),
    draws: Float64Array.from(flat.flatMap(drawn)),
    poolRoom: Float64Array.from(pools.flat()),
  };
}

/** What is wrong with an assignment: more of a slot or pool than there is, another job's option, wrong sums. */
export function faultsOf(problem: BatchProblem, { chosen, placed, cost }: Assignment): string[] {
  const { first, slot, places, slotRoom, slotPool, draws, poolRoom } = problem;
  const faults: string[] = [];
  const slotFree = [...slotRoom];
  const poolFree = [...poolRoom];
  const held = [...chosen].filter((option) => option !== -1);
  for (const [job, option] of chosen.entries()) {
    if (option !== -1 && (option < first[job]! || option >= first[job + 1]!)) faults.push(`job ${job}`);
  }
  for (const option of held) {
    slotFree[slot[option]!]! -= places[option]!;
    const pool = slotPool[slot[option]!]!;
    for (let d = 0; d < DIMENSIONS && pool >= 0; d += 1) {
      poolFree[pool * DIMENSIONS + d]! -= draws[option * DIMENSIONS + d]!;
    }
  }
  for (const [at, free] of slotFree.entries()) if (free < 0) faults.push(`slot ${at}: ${free}`);
  for (const [at, free] of poolFree.entries()) if (free < 0) faults.push(`pool dimension ${at}: ${free}`);
  if (placed !== held.length) faults.push(`placed ${placed} of ${held.length}`);
  const sum = held.reduce((total, option) => total + problem.cost[option]!, 0);
  if (Math.abs(sum - cost) > 1e-9 * (1 + sum)) faults.push(`cost ${cost} is ${sum}`);
  return faults;
}

/** Every assignment that leaves nobody out whom `kept` has, the best of them: most placed, then cheapest. */
export function bruteForce(problem: BatchProblem, kept: Int32Array): { placed: number; cost: number } {
  const chosen = new Int32Array(problem.jobs).fill(-1);
  let best = { placed: -1, cost: 0 };
  const look = (job: number, placed: number, cost: number): void => {
    if (placed + problem.jobs - job < best.placed) return;
    if (job === problem.jobs) {
      const better = placed > best.placed || (placed === best.placed && cost < best.cost);
      if (better && faultsOf(problem, { chosen, placed, cost }).length === 0) best = { placed, cost };
      return;
    }
    for (let option = problem.first[job]!; option < problem.first[job + 1]!; option += 1) {
      chosen[job] = option;
      look(job + 1, placed + 1, cost + problem.cost[option]!);
    }
    chosen[job] = -1;
    if (kept[job] === -1) look(job + 1, placed, cost);
  };
  look(0, 0, 0);
  return best;
}

// ---- worlds for properties ------------------------------------------------------------------------------------

/** Sizes of a world: small ones can be tried out whole. */
export interface Sizes {
  readonly jobs: number;
  readonly slots: number;
  readonly pools: number;
  readonly ways: number;
}

/** Few distinct sizes and costs, so that things collide; offers of 1, 2, 4 or 8 GPUs, some with more CPUs than their share. */
export function worlds(sizes: Sizes): fc.Arbitrary<World> {
  const pool = fc.constantFrom<readonly [number, number, number]>([4, 40, 80], [8, 64, 128], [8, 100, 90]);
  const slot = (pools: number) =>
    fc
      .record({
        room: fc.integer({ min: 0, max: 3 }),
        pool: fc.integer({ min: -1, max: pools - 1 }),
        gpus: fc.constantFrom(1, 2, 4, 8),
        cpus: fc.constantFrom(8, 12),
        memory: fc.constantFrom(8, 16, 20),
      })
      .map(({ room, pool: of, gpus, cpus, memory }): Slot => {
        return { room, pool: of, size: [gpus, gpus * cpus, gpus * memory] };
      });
  const way = (slots: number) =>
    fc.record({
      slot: fc.integer({ min: 0, max: slots - 1 }),
      cost: fc.oneof(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 1, max: 999 }).map((n) => n / 7),
      ),
      places: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(2) }),
    });
  return fc.integer({ min: 0, max: sizes.pools }).chain((pools) =>
    fc.array(slot(pools), { minLength: 1, maxLength: sizes.slots }).chain((slots) =>
      fc.record({
        slots: fc.constant(slots),
        pools: fc.array(pool, { minLength: pools, maxLength: pools }),
        ways: fc.array(fc.array(way(slots.length), { maxLength: sizes.ways }), { maxLength: sizes.jobs }),
      }),
    ),
  );
}

// ---- a batch as they come, too large to try out ------------------------------------------------------------------

/** `jobs` of 1, 2, 4 or 8 GPUs that run for some hours, over hosts sold in parts and machines sold whole. */
export function contendedWorld(seed: number, jobs: number, pooled: boolean): World {
  const chance = dice(seed);
  const { slots, pools, hourly } = hostsFor(chance, jobs, pooled);
  const ways = Array.from({ length: jobs }, () => {
    const [gpus, hours] = [chance.pick([1, 1, 2, 4, 8]), chance.between(1, 8)];
    const places = pooled && chance.chance(0.1) ? 2 : 1;
    return slots.flatMap(({ size, room }, slot) =>
      size[0] < gpus || room < places || chance.chance(0.2)
        ? []
        : [{ slot, places, cost: hourly[slot]! * hours * places }],
    );
  });
  return { slots, pools, ways };
}

function hostsFor(chance: Dice, jobs: number, pooled: boolean) {
  const slots: Slot[] = [];
  const pools: [number, number, number][] = [];
  const hourly: number[] = [];
  const add = (gpus: number, room: number, pool: number, perGpu: number) => {
    slots.push({ room, pool, size: [gpus, gpus * 12_000, gpus * 65_536] });
    hourly.push(gpus * perGpu);
  };
  for (let host = 0; host < jobs / 2; host += 1) {
    const perGpu = chance.between(1, 4);
    if (!pooled || chance.chance(0.3)) {
      add(chance.pick([1, 2, 4, 8]), 1 + chance.roll(2), -1, perGpu);
      continue;
    }
    const pool = pools.push([8, 8 * chance.pick([9_000, 12_000]), 8 * 65_536]) - 1;
    for (const gpus of [1, 2, 4, 8]) add(gpus, 8 / gpus, pool, perGpu * (gpus === 8 ? 1 : 1.1));
  }
  // Somebody always has some, at a price.
  add(8, jobs * 2, -1, 9);
  return { slots, pools, hourly };
}
