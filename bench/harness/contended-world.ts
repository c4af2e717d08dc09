import type { JobSpec } from '../../src/core/job.ts';
import type { PlacementOffer, PlacementProvider, QueuedJob } from '../../src/core/placement/types.ts';
import type { PublicOffer } from './public-data.ts';

export const NOW = new Date('2026-11-22T00:00:00Z');

export function providerNamed(name: string): PlacementProvider {
  return {
    name,
    vendor: name,
    site: { city: name, country: 'KR', region: 'kr-1', latitude: 37, longitude: 127 },
    realm: 'public',
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
    cpus: row.cpus,
    memoryGiB: row.memoryGiB,
    capacity,
    used: 0,
    priceMicrosPerHour: BigInt(Math.round(row.dollarsPerHour * 1e6)),
    spotPriceMicrosPerHour:
      row.spotDollarsPerHour === null ? null : BigInt(Math.round(row.spotDollarsPerHour * 1e6)),
    currency: 'USD',
    effectiveFrom: null,
    withdrawnAt: null,
  };
}

/** What a made-up job says of itself; the rest is ordinary. */
export interface Wish {
  readonly resources: JobSpec['resources'];
  readonly spot: JobSpec['placement']['spot'];
  readonly denied: readonly string[];
  readonly seconds: number;
}

/** The job that came as the `index`-th. */
export function jobNumbered(index: number, wish: Wish): QueuedJob {
  return {
    id: `job-${String(index).padStart(6, '0')}`,
    spec: specOf(wish),
    project: 'bench',
    priority: 50,
    queuedAt: new Date(NOW.getTime() - 3_600_000 + 1000 * index),
    attempts: 0,
    avoid: {},
    moveTo: null,
    notBefore: null,
    fencedUntil: null,
  };
}

function specOf({ resources, spot, denied, seconds }: Wish): JobSpec {
  return {
    name: 'contended',
    project: 'bench',
    kind: 'training',
    run: { image: null, command: ['true'], env: {} },
    resources,
    placement: {
      objective: 'cheapest',
      spot,
      providers: { allow: [], deny: denied },
      regions: { allow: [], deny: [] },
      countries: [],
      maxPricePerHour: null,
    },
    continuity: { mode: 'restart', rtoSeconds: null, rpoSeconds: null },
    checkpoint: { intervalSeconds: 600, fromJob: null },
    limits: { maxRuntimeSeconds: null, deadline: null },
    expectedRuntimeSeconds: seconds,
    priority: 50,
    labels: {},
    serve: null,
    graceSeconds: 10,
  };
}
