import fc from 'fast-check';
import type { JobSpec } from '../../src/core/job.ts';
import { queueRankOf } from '../../src/core/queue-rank.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import type { HealthState, ProviderMode } from '../../src/core/provider.ts';
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
};

export function specOf({ resources, placement }: SpecParts = {}): JobSpec {
  const gpu = { count: 1, models: [], class: null, minMemoryGiB: 0, ...resources?.gpu };
  return {
    name: 'a-job',
    project: 'p',
    kind: 'training',
    run: { image: null, command: ['true'], env: {} },
    resources: { cpus: 0, memoryGiB: 0, nodes: 1, ...resources, gpu },
    placement: { ...NO_RULES, objective: 'cheapest', spot: 'never', ...placement },
    continuity: { mode: 'restart', rtoSeconds: null, rpoSeconds: null, minSeparationKm: null },
    checkpoint: { intervalSeconds: 600, fromJob: null },
    limits: { maxRuntimeSeconds: null, deadline: null },
    expectedRuntimeSeconds: null,
    priority: 50,
    labels: {},
    quoteId: null,
    serve: null,
    graceSeconds: 10,
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

export function worldOf(parts: Partial<PlacementSnapshot>): PlacementSnapshot {
  const empty = { rates: new Map(), providers: [], offers: [], pools: [], jobs: [], shares: new Map() };
  const rules = { organizations: new Map(), projects: new Map() };
  const policies = { dataGrades: [], capacityClasses: [], gpuSpeeds: [] };
  return { now: NOW, currency: 'KRW', ...empty, rules, policies, ...parts };
}

// ---- worlds for properties: small vocabularies, so that things collide -----------------------------------------

const PROVIDERS = ['alpha', 'beta', 'gamma', 'delta'];
const REGIONS = ['r1', 'r2'];
const GPUS = [
  { model: 'H100', memoryGiB: 80 },
  { model: 'A100-80GB', memoryGiB: 80 },
  { model: 'A100-40GB', memoryGiB: 40 },
  { model: 'L4', memoryGiB: 24 },
];
const maybe = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: null, freq: 2 });
const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(usual, ...others) },
  );
const list = (names: readonly string[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.subarray([...names]));
const lists = (names: readonly string[]) => fc.record({ allow: list(names), deny: list(names) });
const micros = fc.integer({ min: 0, max: 12 }).map((n) => BigInt(n) * 250_001n);

const provider = (name: string) =>
  fc
    .record({
      country: fc.constantFrom('KR', 'US'),
      mode: mostly<ProviderMode>('active', 'draining'),
      health: mostly<HealthState>('healthy', 'unknown', 'degraded', 'down'),
      healthSince: fc.constantFrom(later(-5), later(-120), later(-3600)),
      recentRefusals: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ country, ...rest }) => {
      const made = providerOf(name, rest);
      return { ...made, site: { ...made.site, country } };
    });

const offer = fc
  .record({
    provider: fc.constantFrom(...PROVIDERS),
    region: fc.constantFrom(...REGIONS),
    gpu: fc.constantFrom(...GPUS, null),
    gpuCount: fc.constantFrom(1, 4, 8),
    cpus: fc.constantFrom(8, 64),
    memoryGiB: fc.constantFrom(32, 512),
    capacity: fc.integer({ min: 0, max: 3 }),
    used: mostly(0, 1, 4),
    priceMicrosPerHour: mostly<bigint | null>(1_000_000n, null, 2_000_000n).chain((price) =>
      price === null ? fc.constant(null) : micros,
    ),
    spotPriceMicrosPerHour: maybe(micros),
    currency: mostly('KRW', 'USD', 'EUR'),
    effectiveFrom: mostly<Date | null>(null, later(-1), later(60)),
  })
  .map(({ gpu, gpuCount, ...rest }) => ({
    ...rest,
    gpuModel: gpu?.model ?? null,
    gpuMemoryGiB: gpu?.memoryGiB ?? 0,
    gpuCount: gpu === null ? 0 : gpuCount,
  }));

const spec = fc
  .record({
    gpu: fc.record({
      count: fc.constantFrom(0, 1, 1, 4, 16),
      models: fc.oneof(fc.constant([]), fc.subarray(['H100', 'A100', 'A100-80GB', 'NVIDIA L4'])),
      minMemoryGiB: mostly(0, 40, 80),
    }),
    cpus: mostly(0, 16, 128),
    memoryGiB: mostly(0, 64),
    nodes: mostly(1, 2),
    objective: fc.constantFrom('cheapest' as const, 'available', 'balanced'),
    spot: fc.constantFrom('never' as const, 'allowed', 'only'),
    providers: lists(PROVIDERS),
    regions: lists(REGIONS),
    countries: mostly<string[]>([], ['KR'], ['us']),
    maxPricePerHour: mostly<{ amount: string; currency: string } | null>(
      null,
      // Exactly what some offers cost.
      { amount: '1.000004', currency: 'KRW' },
      { amount: '0.7', currency: 'USD' },
      { amount: '1', currency: 'EUR' },
    ),
  })
  .map(({ gpu, cpus, memoryGiB, nodes, ...placement }) =>
    specOf({ resources: { gpu, cpus, memoryGiB, nodes }, placement }),
  );

/** Few kinds of jobs and many of each: jobs of one kind share their matching, and compete. */
const jobs = fc.array(spec, { minLength: 1, maxLength: 4 }).chain((specs) =>
  fc
    .array(
      fc.record({
        spec: fc.constantFrom(...specs),
        priority: mostly(50, 0, 100),
        queuedAt: fc.constantFrom(later(-60), later(-30)),
        avoid: mostly<Record<string, string>>(
          {},
          { alpha: later(30).toISOString() },
          { beta: later(-30).toISOString(), gamma: later(30).toISOString() },
        ),
        moveTo: mostly<string | null>(null, 'alpha', 'nowhere'),
        notBefore: mostly<Date | null>(null, later(-1), later(9)),
        fencedUntil: mostly<Date | null>(null, later(-1), later(5)),
      }),
      { maxLength: 40 },
    )
    .map((some) => some.map((job, index) => jobOf(`job-${String(index).padStart(3, '0')}`, {}, job))),
);

export const world: fc.Arbitrary<PlacementSnapshot> = fc
  .record({
    providers: fc.tuple(...PROVIDERS.map(provider)),
    offers: fc.array(offer, { maxLength: 90, size: 'max' }),
    rates: fc.constantFrom(new Map<string, bigint>(), new Map([['USD', 1_437_250n]])),
    jobs,
  })
  .map(({ offers, ...rest }) =>
    worldOf({ ...rest, offers: offers.map((made, index) => ({ ...made, name: `offer-${index}` })) }),
  );
