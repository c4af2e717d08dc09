import { acceptedGpus } from '../../src/core/gpu.ts';
import type { BatchProblem } from '../../src/core/placement/batch/problem.ts';
import { RESTART_SECONDS, SPOT_INTERRUPTIONS_PER_HOUR } from '../../src/core/placement/objective.ts';
import type {
  Placement,
  PlacementOffer,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';

/** A way to place a job. */
interface Way {
  readonly offer: number;
  readonly dollars: number;
}

/**
 * The same queue as numbers, read straight from the snapshot without anything of the placement's own rules. Knows
 * what `contended` draws (models, CPUs, memory, nodes, spot, denied providers) and nothing else. A job takes the
 * cheaper of spot and on demand where it may.
 */
export function problemOf({ offers, pools, jobs: queue }: PlacementSnapshot): BatchProblem {
  const jobs = queue.toSorted((a, b) => a.queuedAt.getTime() - b.queuedAt.getTime());
  const ways = jobs.map((job) => waysOf(job, offers));
  const flat = ways.flatMap((some, job) => some.map((way) => ({ ...way, job: jobs[job] })));
  const slotPool = Int32Array.from(offers, ({ provider, pool }) =>
    pools.findIndex((one) => one.provider === provider && one.name === pool),
  );
  const first = new Int32Array(jobs.length + 1);
  for (const [job, some] of ways.entries()) first[job + 1] = (first[job] ?? 0) + some.length;
  return {
    jobs: jobs.length,
    first,
    cost: Float64Array.from(flat, ({ dollars }) => dollars),
    slot: Int32Array.from(flat, ({ offer }) => offer),
    places: Int32Array.from(flat, ({ job }) => job?.spec.resources.nodes ?? 1),
    slotRoom: Int32Array.from(offers, ({ capacity, used }) => capacity - used),
    slotPool,
    draws: Float64Array.from(
      flat.flatMap(({ offer, job }) => (slotPool[offer] === -1 ? [0, 0, 0] : drawn(offers[offer], job))),
    ),
    poolRoom: Float64Array.from(
      pools.flatMap(({ gpus, cpuMillis, memoryMiB }) => [gpus, cpuMillis ?? Infinity, memoryMiB ?? Infinity]),
    ),
  };
}

/** GPUs of the offer; CPUs and memory as they are asked for, else the offer's. */
function drawn(offer: PlacementOffer | undefined, job: QueuedJob | undefined): number[] {
  if (offer === undefined || job === undefined) return [0, 0, 0];
  const { cpus, memoryGiB, nodes } = job.spec.resources;
  return [offer.gpuCount, (cpus || offer.cpus) * 1000, (memoryGiB || offer.memoryGiB) * 1024].map(
    (size) => size * nodes,
  );
}

/** Cheapest first. */
function waysOf(job: QueuedJob, offers: readonly PlacementOffer[]): Way[] {
  const { gpu, cpus, memoryGiB, nodes } = job.spec.resources;
  const { spot, providers } = job.spec.placement;
  const accepted = new Set(gpu.models.flatMap((name) => acceptedGpus(name).gpus.map(({ model }) => model)));
  return offers
    .flatMap((offer, index): Way[] => {
      if (offer.gpuCount < gpu.count || offer.cpus < cpus || offer.memoryGiB < memoryGiB) return [];
      if (gpu.count > 0 && accepted.size > 0 && !accepted.has(offer.gpuModel ?? '')) return [];
      if (providers.deny.includes(offer.provider) || offer.capacity - offer.used < nodes) return [];
      const dollars = [
        ...(spot === 'only' ? [] : dollarsOf(job, offer.priceMicrosPerHour, false)),
        ...(spot === 'never' ? [] : dollarsOf(job, offer.spotPriceMicrosPerHour, true)),
      ];
      return dollars.length === 0 ? [] : [{ offer: index, dollars: Math.min(...dollars) }];
    })
    .toSorted((a, b) => a.dollars - b.dollars || a.offer - b.offer);
}

/** Of all nodes over the expected run, and what interruptions of spot cost: README's formula, written out once more. */
function dollarsOf({ spec }: QueuedJob, micros: bigint | null, spot: boolean): number[] {
  if (micros === null) return [];
  const seconds = spec.expectedRuntimeSeconds ?? 3600;
  const hours = seconds / 3600;
  const redone = Math.min(spec.checkpoint.intervalSeconds, seconds) / 2 + RESTART_SECONDS;
  const lost = spot ? hours * SPOT_INTERRUPTIONS_PER_HOUR * (redone / 3600) : 0;
  return [(Number(micros) / 1e6) * spec.resources.nodes * (hours + lost)];
}

/** What a plan costs, by the same formula. */
export function costOf(snapshot: PlacementSnapshot, placements: readonly Placement[]): number {
  const jobs = new Map(snapshot.jobs.map((job) => [job.id, job]));
  return placements.reduce((sum, { jobId, priceMicrosPerHour, spot }) => {
    const job = jobs.get(jobId);
    return sum + (job === undefined ? 0 : (dollarsOf(job, priceMicrosPerHour, spot)[0] ?? 0));
  }, 0);
}
