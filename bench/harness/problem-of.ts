import type { BatchProblem } from '../../src/core/placement/batch/problem.ts';
import { acceptedGpus } from '../../src/core/gpu.ts';
import type { PlacementOffer, QueuedJob } from '../../src/core/placement/types.ts';
import type { Contended } from './contended.ts';

/** A way to place a job. */
interface Way {
  readonly offer: number;
  readonly dollars: number;
}

/**
 * The same queue as numbers, read straight from the snapshot without anything of the placement's own rules. Knows
 * what `contended` draws (models, CPUs, memory, nodes, spot, denied providers) and nothing else. Cost of a way:
 * dollars for all nodes over the job's expected run. A job takes the cheaper of spot and on-demand where it may.
 */
export function problemOf({ snapshot, pools, poolOf }: Contended): BatchProblem {
  const { offers } = snapshot;
  const jobs = snapshot.jobs.toSorted((a, b) => a.queuedAt.getTime() - b.queuedAt.getTime());
  const ways = jobs.map((job) => waysOf(job, offers));
  const flat = ways.flatMap((some, job) => some.map((way) => ({ ...way, nodes: nodesOf(jobs[job]) })));
  const slotPool = Int32Array.from(offers, ({ name }) => poolOf.get(name) ?? -1);
  const first = new Int32Array(jobs.length + 1);
  for (const [job, some] of ways.entries()) first[job + 1] = (first[job] ?? 0) + some.length;
  return {
    jobs: jobs.length,
    first,
    cost: Float64Array.from(flat, ({ dollars }) => dollars),
    slot: Int32Array.from(flat, ({ offer }) => offer),
    places: Int32Array.from(flat, ({ nodes }) => nodes),
    slotRoom: Int32Array.from(offers, ({ capacity, used }) => capacity - used),
    slotPool,
    draws: Float64Array.from(
      flat.flatMap(({ offer, nodes }) =>
        slotPool[offer] === -1 ? [0, 0, 0] : sizeOf(offers[offer]).map((size) => size * nodes),
      ),
    ),
    poolRoom: Float64Array.from(pools.flatMap(({ gpus, cpuMillis, memoryMiB }) => [gpus, cpuMillis, memoryMiB])),
  };
}

const nodesOf = (job: QueuedJob | undefined) => job?.spec.resources.nodes ?? 1;

function sizeOf(offer: PlacementOffer | undefined): number[] {
  return offer ? [offer.gpuCount, offer.cpus * 1000, offer.memoryGiB * 1024] : [];
}

/** Cheapest first. */
function waysOf({ spec }: QueuedJob, offers: readonly PlacementOffer[]): Way[] {
  const { gpu, cpus, memoryGiB, nodes } = spec.resources;
  const { spot, providers } = spec.placement;
  const accepted = new Set(gpu.models.flatMap((name) => acceptedGpus(name).models));
  const hours = (nodes * (spec.expectedRuntimeSeconds ?? 3600)) / 3600;
  return offers
    .flatMap((offer, index): Way[] => {
      if (offer.gpuCount < gpu.count || offer.cpus < cpus || offer.memoryGiB < memoryGiB) return [];
      if (gpu.count > 0 && accepted.size > 0 && !accepted.has(offer.gpuModel ?? '')) return [];
      if (providers.deny.includes(offer.provider) || offer.capacity - offer.used < nodes) return [];
      const micros = [
        spot === 'only' ? null : offer.priceMicrosPerHour,
        spot === 'never' ? null : offer.spotPriceMicrosPerHour,
      ].flatMap((price) => (price === null ? [] : [Number(price)]));
      return micros.length === 0 ? [] : [{ offer: index, dollars: (Math.min(...micros) / 1e6) * hours }];
    })
    .toSorted((a, b) => a.dollars - b.dollars || a.offer - b.offer);
}
