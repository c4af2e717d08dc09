import {
  offers,
  organizations,
  projects,
  providers,
  type allocations,
  type jobs,
} from '../../src/store/schema.ts';
import { termsOf } from '../../src/core/ledger/run.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import { queueRankOf } from '../../src/core/queue-rank.ts';
import type { PlacementRow } from '../../src/store/apply/placements.ts';
import type { AllocationRow, JobRow, Store } from '../../src/store/store.ts';

/** The clockwork that the service has, in Seoul. */
export const TERMS = termsOf(DEFAULT_TIMING, 'Asia/Seoul');
export const NOW = new Date('2026-03-02T09:00:00.000Z');

/** An organization, a project, a provider and an offer: what a job and an allocation lean on. */
export async function insertGround(store: Store): Promise<void> {
  await store.db.insert(organizations).values({ name: 'nia', createdAt: NOW });
  await store.db.insert(projects).values({ name: 'kogpt', organization: 'nia', createdAt: NOW });
  await store.db.insert(providers).values({
    name: 'pangyo',
    vendor: 'acme',
    brokerKind: 'agent',
    brokerSettings: {},
    site: { city: 'Pangyo', country: 'KR', region: 'kr-central', latitude: 37.39, longitude: 127.11 },
    realm: 'public',
    certifications: [],
    mode: 'active',
    health: 'healthy',
    healthSince: NOW,
    healthReason: 'heard',
    createdAt: NOW,
  });
  await store.db.insert(offers).values({
    provider: 'pangyo',
    name: 'h100',
    region: 'kr-central',
    gpuModel: 'H100',
    gpuCount: 8,
    gpuMemoryGiB: 80,
    cpus: 64,
    memoryGiB: 512,
    capacity: 2,
    priceMicrosPerHour: 40_000_000_000n,
    currency: 'KRW',
    updatedAt: NOW,
  });
}

export function jobRow(id: string, more: Partial<JobRow> = {}): typeof jobs.$inferInsert {
  return {
    id,
    organization: 'nia',
    project: 'kogpt',
    name: id,
    kind: 'training',
    spec: {} as JobRow['spec'],
    priority: 50,
    queueRank: queueRankOf(more.createdAt ?? NOW, more.priority ?? 50),
    state: 'queued',
    reason: 'submitted',
    createdAt: NOW,
    queuedAt: NOW,
    createdBy: 'key-test',
    ...more,
  };
}

export function allocationRow(
  id: string,
  jobId: string,
  attempt: number,
  more: Partial<AllocationRow> = {},
): typeof allocations.$inferInsert {
  return {
    id,
    jobId,
    attempt,
    provider: 'pangyo',
    offer: 'h100',
    region: 'kr-central',
    spot: false,
    state: 'submitting',
    listPriceMicrosPerHour: 40_000_000_000n,
    listCurrency: 'KRW',
    rateMicros: 1_000_000n,
    priceMicrosPerHour: 40_000_000_000n,
    gpuCount: 8,
    graceSeconds: 30,
    placedAt: NOW,
    leaseUntil: NOW,
    ...more,
  };
}

/** `job-n` placed on one whole H100 offer, as nobody ever set rules. */
export function placementRow(n: number | string, more: Partial<PlacementRow> = {}): PlacementRow {
  return {
    decisionId: `dec-${n}`,
    allocationId: `alc-${n}`,
    jobId: `job-${n}`,
    jobVersion: 1,
    organization: 'nia',
    project: 'kogpt',
    organizationRulesVersion: 0,
    projectRulesVersion: 0,
    policiesVersion: 0,
    providerVersion: 1,
    provider: 'pangyo',
    offer: 'h100',
    region: 'kr-central',
    spot: false,
    nodes: 1,
    draw: null,
    shape: {
      region: 'kr-central',
      gpuModel: 'H100',
      gpuCount: 8,
      gpuMemoryGiB: 80,
      gpuFormFactor: null,
      cpus: 64,
      memoryGiB: 512,
    },
    listPriceMicrosPerHour: 40_000_000_000n,
    listCurrency: 'KRW',
    rateMicros: 1_000_000n,
    priceMicrosPerHour: 40_000_000_000n,
    offerGpuCount: 8,
    graceSeconds: 30,
    restoredCheckpoint: null,
    spare: null,
    decision: '{}',
    inputId: 'inp-1',
    ...more,
  };
}
