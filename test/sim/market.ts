import { sql } from 'drizzle-orm';
import { SYSTEM } from '../../src/core/access.ts';
import type { JobSpec } from '../../src/core/job.ts';
import type { OfferTerms } from '../../src/core/offer-set.ts';
import type { Site as Place } from '../../src/core/provider.ts';
import { putOffers } from '../../src/store/apply/offers.ts';
import { exchangeRates, organizations, projects, providers } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import type { Random } from './random.ts';

export interface Vendor {
  readonly name: string;
  readonly kind: 'agent' | 'process';
  readonly site: Place;
  readonly offers: readonly OfferTerms[];
}

const place = (city: string, country: string, region: string): Place => ({
  city,
  country,
  region,
  latitude: 0,
  longitude: 0,
});
const SITES: readonly [string, 'agent' | 'process', Place][] = [
  ['pangyo', 'agent', place('Pangyo', 'KR', 'kr-central')],
  ['gwangju', 'agent', place('Gwangju', 'KR', 'kr-south')],
  ['tokyo', 'agent', place('Tokyo', 'JP', 'jp-east')],
  ['local', 'process', place('Seoul', 'KR', 'kr-central')],
];
/** In micros of KRW. EUR has none on purpose. */
export const RATES: ReadonlyMap<string, bigint> = new Map([
  ['KRW', 1_000_000n],
  ['JPY', 9_137_500n],
]);
export const PROJECTS = ['kogpt', 'vision'] as const;

/** Who sells what: a GPU offer or two and one without GPUs each, at prices of the seed. */
export function makeMarket(random: Random): Vendor[] {
  return SITES.map(([name, kind, site]) => {
    const currency = name === 'tokyo' ? 'JPY' : 'KRW';
    const per = (won: number) => BigInt(Math.round((won * 1e12) / Number(RATES.get(currency))));
    const base = {
      region: site.region,
      currency,
      effectiveFrom: null,
      listed: null,
      cpus: 16,
      memoryGiB: 128,
    };
    const gpu = {
      gpuModel: random.pick(['H100', 'A100-80GB']),
      gpuCount: random.pick([1, 2, 4]),
      gpuMemoryGiB: 80,
    };
    const none = { gpuModel: null, gpuCount: 0, gpuMemoryGiB: 0 };
    const spot = random.chance(0.5) ? per(random.int(500, 2_000)) : null;
    const offers: OfferTerms[] = [
      {
        ...base,
        ...gpu,
        name: 'gpu',
        capacity: random.int(1, 4),
        priceMicrosPerHour: per(random.int(2_000, 9_000)),
        spotPriceMicrosPerHour: spot,
      },
      {
        ...base,
        ...none,
        name: 'cpu',
        capacity: random.int(1, 3),
        priceMicrosPerHour: per(random.int(50, 400)),
        spotPriceMicrosPerHour: null,
      },
    ];
    if (name === 'gwangju') {
      offers.push({
        ...base,
        ...gpu,
        name: 'euro',
        currency: 'EUR',
        capacity: 5,
        priceMicrosPerHour: 1n,
        spotPriceMicrosPerHour: null,
      });
    }
    return { name, kind, site, offers };
  });
}

export async function registerMarket(store: Store, vendors: readonly Vendor[], now: Date): Promise<void> {
  await store.transaction(async (tx) => {
    await tx.execute(
      sql`insert into installation (currency, created_at) values ('KRW', ${now.toISOString()})`,
    );
    await tx.insert(organizations).values({ name: 'acme', createdAt: now });
    await tx
      .insert(projects)
      .values(PROJECTS.map((name) => ({ name, organization: 'acme', createdAt: now })));
    for (const [currency, rateMicros] of RATES) {
      if (currency !== 'KRW')
        await tx.insert(exchangeRates).values({ currency, asOf: now, rateMicros, createdAt: now });
    }
    for (const { name, kind, site, offers } of vendors) {
      await tx.insert(providers).values({
        name,
        vendor: name,
        brokerKind: kind,
        brokerSettings: {},
        site,
        realm: 'public',
        certifications: [],
        mode: 'active',
        health: 'unknown',
        healthSince: now,
        healthReason: 'not heard of yet',
        createdAt: now,
      });
      await putOffers(tx, name, now, offers);
    }
  });
}

/** A job as a tenant might want it. What its process does is in its environment, where the simulated machine reads it. */
export function makeSpec(random: Random, name: string, now: Date): JobSpec {
  const service = random.chance(0.08);
  const gpus = random.pick([0, 0, 1, 1, 1, 2, 4]);
  const runMs = random.pick([0, 200, 1_500, 4_000, 8_000, 15_000]) + random.int(0, 900);
  const some = <T>(probability: number, list: readonly T[]): T[] =>
    random.chance(probability) ? [random.pick(list)] : [];
  return {
    name,
    project: random.pick(PROJECTS),
    kind: service ? 'inference' : 'training',
    run: {
      image: null,
      command: ['simulated'],
      env: { SIM_MS: service ? 'never' : String(runMs), SIM_EXIT: random.chance(0.12) ? '3' : '0' },
    },
    resources: {
      gpu: {
        count: gpus,
        models: gpus > 0 ? some(0.3, ['H100', 'A100-80GB']) : [],
        minMemoryGiB: gpus > 0 ? random.pick([0, 0, 40, 80, 96]) : 0,
      },
      cpus: random.pick([0, 4, 16]),
      memoryGiB: random.pick([0, 0, 64]),
      nodes: 1,
    },
    placement: {
      objective: random.pick(['cheapest', 'available', 'balanced']),
      spot: random.pick(['never', 'allowed', 'allowed', 'only']),
      providers: {
        allow: some(
          0.1,
          SITES.map(([site]) => site),
        ),
        deny: some(
          0.15,
          SITES.map(([site]) => site),
        ),
      },
      regions: { allow: some(0.1, ['kr-central', 'kr-south']), deny: some(0.1, ['jp-east']) },
      countries: some(0.2, ['KR', 'JP']),
      maxPricePerHour: random.chance(0.2)
        ? { amount: String(random.int(100, 9_000)), currency: random.pick(['KRW', 'KRW', 'EUR']) }
        : null,
    },
    continuity: { mode: random.chance(0.2) ? 'none' : 'restart', rtoSeconds: null, rpoSeconds: null },
    checkpoint: { intervalSeconds: 600, fromJob: null },
    limits: {
      maxRuntimeSeconds: random.chance(0.08) ? random.int(2, 6) : null,
      deadline: random.chance(0.08)
        ? new Date(now.getTime() + random.int(2_000, 40_000)).toISOString()
        : null,
    },
    expectedRuntimeSeconds: null,
    priority: random.int(0, 100),
    labels: {},
    serve: service ? { port: null, healthPath: random.chance(0.5) ? '/health' : null } : null,
    graceSeconds: random.int(0, 4),
  };
}

export const OPERATOR = { ...SYSTEM, id: 'operator', role: 'operator' } as const;
