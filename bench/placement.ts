import { decidePlacements } from '../src/core/placement/decide.ts';
import type { PlacementOffer, PlacementSnapshot } from '../src/core/placement/types.ts';
import { measured, number, spread } from './harness/stats.ts';
import { market, queue } from './harness/market.ts';
import { table } from './harness/table.ts';
import type { Bench, Finding } from './harness/bench.ts';

const ROUNDS = 5;

/**
 * The pure core: a pass over 1,000 queued jobs, against the least that a scheduler can do: one plain loop over all
 * offers for each job.
 */
export async function placement({ quick, say }: Bench): Promise<Finding> {
  const rows: string[][] = [
    ['1,000 jobs over', 'asking', 'pass ms', 'placed', 'µs per job', 'of a plain scan'],
  ];
  for (const offers of quick ? [300, 3_000] : [300, 3_000, 30_000]) {
    for (const kinds of [1, 10, 1_000]) {
      say(`placement: ${offers} offers, ${kinds} kinds of jobs`);
      rows.push(row(offers, kinds));
    }
  }
  return {
    title: 'Placement: one pass of the pure core',
    table: table(rows),
    notes: [
      '`asking`: how many different requests the 1,000 jobs make (objective, GPUs, countries, ceilings). A pass looks at each offer once per different request.',
      '`of a plain scan`: the pass divided by one loop over all offers for each of the 1,000 jobs that remembers the cheapest with room (no rules but GPU model and count, no scores, no explanation), in the same process, alternating.',
      'Every placement comes with its stored explanation (ten candidates with score parts, what each rule removed); that is inside the time.',
    ],
  };
}

function row(offers: number, kinds: number): string[] {
  const snapshot: PlacementSnapshot = { ...market(offers), jobs: queue(1_000, kinds) };
  decidePlacements(snapshot);
  const passes: number[] = [];
  const scans: number[] = [];
  let placed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    scans.push(timed(() => void plainScan(snapshot)));
    passes.push(timed(() => void (placed = decidePlacements(snapshot).placements.length)));
  }
  const pass = measured(passes);
  return [
    `${offers.toLocaleString('en-US')} offers`,
    kinds === 1 ? 'the same' : `${kinds.toLocaleString('en-US')} things`,
    spread(pass),
    placed.toLocaleString('en-US'),
    number((pass.median / 1_000) * 1_000),
    `${number(pass.median / measured(scans).median)}×`,
  ];
}

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** The cheapest offer with room for each job: no rules but the GPUs, no scores, no reasons. */
function plainScan({ offers, jobs }: PlacementSnapshot): number {
  const used = new Int32Array(offers.length);
  let placed = 0;
  for (const { spec } of jobs) {
    const { count, models } = spec.resources.gpu;
    let best = -1;
    for (let index = 0; index < offers.length; index += 1) {
      const offer = offers[index] as PlacementOffer;
      if (offer.gpuCount < count || (used[index] ?? 0) >= offer.capacity) continue;
      if (models.length > 0 && !models.includes(offer.gpuModel ?? '')) continue;
      if (best < 0 || price(offer) < price(offers[best] as PlacementOffer)) best = index;
    }
    if (best < 0) continue;
    used[best] = (used[best] ?? 0) + 1;
    placed += 1;
  }
  return placed;
}

const price = (offer: PlacementOffer) => offer.priceMicrosPerHour ?? 0n;
