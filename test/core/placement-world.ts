import type { JobSpec } from '../../src/core/job.ts';
import { queueRankOf } from '../../src/core/queue-rank.ts';
import type { Pool } from '../../src/core/offer.ts';
import { NO_RULES, type RuleSet } from '../../src/core/rules.ts';
import type {
  PlacementOffer,
  PlacementProvider,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';

export const NOW = new Date('2026-11-22T12:00:00.000Z');
export const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

/** Partly said, the rest ordinary: what a test says is what it is about. */
export type SpecParts = {
  resources?: Partial<Omit<JobSpec['resources'], 'gpu'>> & { gpu?: Partial<JobSpec['resources']['gpu']> };
  placement?: Partial<JobSpec['placement']>;
  continuity?: Partial<JobSpec['continuity']>;
  checkpoint?: Partial<JobSpec['checkpoint']>;
  limits?: Partial<JobSpec['limits']>;
} & Partial<Pick<JobSpec, 'kind' | 'expectedRuntimeSeconds'>>;

export function specOf({
  resources,
  placement,
  continuity,
  checkpoint,
  limits,
  ...rest
}: SpecParts = {}): JobSpec {
  const gpu = { count: 1, models: [], class: null, minMemoryGiB: 0, ...resources?.gpu };
  return {
    name: 'a-job',
    project: 'p',
    kind: 'training',
    run: { image: null, command: ['true'], env: {} },
    resources: { cpus: 0, memoryGiB: 0, nodes: 1, ...resources, gpu },
    placement: { ...NO_RULES, objective: 'cheapest', spot: 'never', ...placement },
    continuity: { mode: 'restart', rtoSeconds: null, rpoSeconds: null, minSeparationKm: null, ...continuity },
    checkpoint: { intervalSeconds: 600, fromJob: null, ...checkpoint },
    limits: { maxRuntimeSeconds: null, deadline: null, ...limits },
    expectedRuntimeSeconds: null,
    priority: 50,
    labels: {},
    quoteId: null,
    serve: null,
    graceSeconds: 10,
    ...rest,
  };
}

/** `priority` is what makes its rank, unless that is given. */
export function jobOf(
  id: string,
  parts: SpecParts = {},
  { priority = 50, ...rest }: Partial<QueuedJob> & { priority?: number } = {},
): QueuedJob {
  const spec = { ...specOf(parts), priority };
  const queuedAt = rest.queuedAt ?? later(-60);
  const state = {
    queuedAt,
    queueRank: queueRankOf(queuedAt, priority),
    attempts: 0,
    avoid: {},
    moveTo: null,
  };
  const whose = { organization: 'acme', project: 'p' };
  return { id, spec, ...whose, ...state, notBefore: null, fencedUntil: null, quote: null, ...rest };
}

export function providerOf(name: string, rest: Partial<PlacementProvider> = {}): PlacementProvider {
  const site = { city: 'Pangyo', country: 'KR', region: 'kr', latitude: 37.4, longitude: 127.1 };
  const ways = { realm: 'public', mode: 'active', brokerKind: 'agent' } as const;
  return {
    name,
    vendor: name,
    site,
    ...ways,
    certifications: [],
    attested: true,
    verifiedUntil: null,
    multiNode: false,
    health: 'healthy',
    healthSince: later(-3600),
    recentRefusals: 0,
    ...rest,
  };
}

export function offerOf(provider: string, name: string, rest: Partial<PlacementOffer> = {}): PlacementOffer {
  return {
    provider,
    name,
    region: 'kr-1',
    gpuModel: 'H100',
    gpuCount: 8,
    gpuMemoryGiB: 80,
    gpuFormFactor: null,
    cpus: 64,
    memoryGiB: 512,
    capacity: 4,
    used: 0,
    priceMicrosPerHour: 1_000_000n,
    spotPriceMicrosPerHour: null,
    currency: 'KRW',
    pool: null,
    effectiveFrom: null,
    ...rest,
  };
}

export function poolOf(provider: string, name: string, rest: Partial<Pool> = {}): Pool {
  const limits = { gpus: 8, cpuMillis: null, memoryMiB: null };
  return { provider, name, ...limits, usedGpus: 0, usedCpuMillis: 0, usedMemoryMiB: 0, ...rest };
}

/** Nothing is forbidden but what is said. */
export function rulesOf(rest: Partial<RuleSet>): RuleSet {
  return { ...NO_RULES, ...rest };
}

export function worldOf(parts: Partial<PlacementSnapshot>): PlacementSnapshot {
  const empty = { rates: new Map(), providers: [], offers: [], pools: [], jobs: [], shares: new Map() };
  const rules = { organizations: new Map(), projects: new Map() };
  const policies = { dataGrades: [], capacityClasses: [], gpuSpeeds: [] };
  return { now: NOW, currency: 'KRW', ...empty, rules, policies, ...parts };
}
