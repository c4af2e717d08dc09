import type { JobSpec } from '../../src/core/job.ts';
import type {
  PlacementOffer,
  PlacementProvider,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';

const NOW = new Date('2026-11-22T00:00:00Z');
const MODELS = [
  ['H100', 80],
  ['H200', 141],
  ['A100-80GB', 80],
  ['A100-40GB', 40],
  ['L40S', 48],
  ['L4', 24],
  ['B200', 180],
  ['RTX4090', 24],
] as const;
const COUNTRIES = ['KR', 'JP', 'US', 'DE', 'SG'];
const OFFERS_PER_PROVIDER = 50;

/** Always the same: a made-up world must not be a source of noise. */
function dice(seed: number): (sides: number) => number {
  let state = seed >>> 0;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** So many offers of healthy providers, in four currencies' worth of sizes and prices. */
export function market(count: number): Omit<PlacementSnapshot, 'jobs'> {
  const roll = dice(count);
  const providers = Array.from({ length: Math.max(1, Math.ceil(count / OFFERS_PER_PROVIDER)) }, (_, index) =>
    provider(index),
  );
  const offers = Array.from({ length: count }, (_, index) => offer(index, providers, roll));
  return { now: NOW, currency: 'KRW', rates: new Map([['USD', 1_386_500_000n]]), providers, offers };
}

function provider(index: number): PlacementProvider {
  const country = COUNTRIES[index % COUNTRIES.length] ?? 'KR';
  return {
    name: `p${index}`,
    vendor: `v${index % 20}`,
    site: { city: `c${index}`, country, region: `${country}-1`, latitude: 37, longitude: 127 },
    realm: 'public',
    mode: 'active',
    health: 'healthy',
    healthSince: new Date(NOW.getTime() - 86_400_000),
    brokerKind: 'agent',
    recentRefusals: 0,
  };
}

function offer(
  index: number,
  providers: readonly PlacementProvider[],
  roll: (sides: number) => number,
): PlacementOffer {
  const [gpuModel, gpuMemoryGiB] = MODELS[roll(MODELS.length)] ?? MODELS[0];
  const gpuCount = 2 ** roll(4);
  const home = providers[index % providers.length];
  const dollars = BigInt(gpuCount) * BigInt(500_000 + roll(4_000_000));
  return {
    provider: home?.name ?? 'p0',
    name: `o${index}`,
    region: home?.site.region ?? 'KR-1',
    gpuModel,
    gpuCount,
    gpuMemoryGiB,
    cpus: gpuCount * 12,
    memoryGiB: gpuCount * 128,
    capacity: 1 + roll(4),
    used: 0,
    priceMicrosPerHour: dollars,
    spotPriceMicrosPerHour: roll(2) === 0 ? dollars / 2n : null,
    currency: 'USD',
    effectiveFrom: null,
    withdrawnAt: null,
  };
}

/** Queued jobs that ask for `kinds` different things. */
export function queue(count: number, kinds: number): QueuedJob[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `job-${String(index).padStart(8, '0')}`,
    spec: spec(index % kinds),
    project: 'bench',
    priority: 50,
    queuedAt: NOW,
    attempts: 0,
    avoid: {},
    moveTo: null,
    notBefore: null,
    fencedUntil: null,
  }));
}

function spec(kind: number): JobSpec {
  const roll = dice(kind + 1);
  const model = MODELS[roll(MODELS.length)]?.[0] ?? 'H100';
  return {
    name: `kind-${kind}`,
    project: 'bench',
    kind: 'training',
    run: { image: null, command: ['true'], env: {} },
    resources: {
      gpu: {
        count: 2 ** roll(3),
        models: roll(2) === 0 ? [] : [model],
        minMemoryGiB: [0, 24, 40][roll(3)] ?? 0,
      },
      cpus: 0,
      memoryGiB: 0,
      nodes: 1,
    },
    placement: {
      objective: (['cheapest', 'available', 'balanced'] as const)[roll(3)] ?? 'cheapest',
      spot: roll(3) === 0 ? 'allowed' : 'never',
      providers: { allow: [], deny: roll(4) === 0 ? ['p1'] : [] },
      regions: { allow: [], deny: [] },
      countries: roll(3) === 0 ? ['KR', 'JP'] : [],
      // Everybody another ceiling, so that no two kinds are the same question.
      maxPricePerHour: { amount: String(60_000 + kind), currency: 'KRW' },
    },
    continuity: { mode: 'restart', rtoSeconds: null, rpoSeconds: null },
    checkpoint: { intervalSeconds: 600, fromJob: null },
    limits: { maxRuntimeSeconds: null, deadline: null },
    expectedRuntimeSeconds: null,
    priority: 50,
    labels: {},
    serve: null,
    graceSeconds: 10,
  };
}
