import type { JobSpec } from '../../src/core/job.ts';
import type { PlacementOffer, PlacementProvider, QueuedJob } from '../../src/core/placement/types.ts';
import { newlyQueued } from '../../src/core/placement/queue.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import type { PublicOffer } from './public-data.ts';

export const NOW = new Date('2026-11-22T00:00:00Z');

export function providerNamed(name: string): PlacementProvider {
  return {
    name,
    vendor: name,
    site: { city: name, country: 'KR', region: 'kr-1', latitude: 37, longitude: 127 },
    realm: 'public',
    certifications: [],
    attested: false,
    verifiedUntil: null,
    multiNode: true,
    mode: 'active',
    health: 'healthy',
    healthSince: new Date(NOW.getTime() - 86_400_000),
    brokerKind: 'agent',
    recentRefusals: 0,
  };
}

export function offerNamed(name: string, row: PublicOffer, capacity: number): PlacementOffer {
  return {
    provider: row.provider,
    name,
    region: row.region,
    gpuModel: row.model,
    gpuCount: row.gpus,
    gpuMemoryGiB: row.gpuMemoryGiB,
    gpuFormFactor: null,
    cpus: row.cpus,
    memoryGiB: row.memoryGiB,
    capacity,
    used: 0,
    priceMicrosPerHour: BigInt(Math.round(row.dollarsPerHour * 1e6)),
    spotPriceMicrosPerHour:
      row.spotDollarsPerHour === null ? null : BigInt(Math.round(row.spotDollarsPerHour * 1e6)),
    currency: 'USD',
    pool: null,
    effectiveFrom: null,
  };
}

/** What a made-up job says of itself; the rest is ordinary. */
export interface Wish {
  readonly resources: Omit<JobSpec['resources'], 'gpu'> & {
    readonly gpu: Omit<JobSpec['resources']['gpu'], 'class'>;
  };
  readonly spot: JobSpec['placement']['spot'];
  readonly denied: readonly string[];
  readonly seconds: number;
}

/** The job that came as the `index`-th. */
export function jobNumbered(index: number, wish: Wish): QueuedJob {
  // Within a minute, so that all are of one band and may exchange their places.
  const queuedAt = new Date(NOW.getTime() - 200_000 + 100 * index);
  return newlyQueued(`job-${String(index).padStart(6, '0')}`, specOf(wish), 'bench', queuedAt);
}

function specOf({ resources, spot, denied, seconds }: Wish): JobSpec {
  return {
    name: 'contended',
    project: 'bench',
    kind: 'training',
    run: { image: null, command: ['true'], env: {} },
    resources: { ...resources, gpu: { ...resources.gpu, class: null } },
    placement: { ...NO_RULES, objective: 'cheapest', spot, providers: { allow: [], deny: denied } },
    continuity: { mode: 'restart', rtoSeconds: null, rpoSeconds: null, minSeparationKm: null },
    checkpoint: { intervalSeconds: 600, fromJob: null },
    limits: { maxRuntimeSeconds: null, deadline: null },
    expectedRuntimeSeconds: seconds,
    priority: 50,
    labels: {},
    quoteId: null,
    serve: null,
    graceSeconds: 10,
  };
}
