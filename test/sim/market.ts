import { sql } from 'drizzle-orm';
import { SYSTEM } from '../../src/core/access.ts';
import type { FormFactor } from '../../src/core/gpu.ts';
import type { OfferTerms, PoolTerms } from '../../src/core/offer-set.ts';
import type { Certification, Realm, Site as Place } from '../../src/core/provider.ts';
import { putOffers } from '../../src/store/apply/offers.ts';
import { putPools } from '../../src/store/apply/pools.ts';
import { exchangeRates, organizations, projects, providers } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import type { Random } from './random.ts';
import { START_MS } from './scheduler.ts';

export interface Vendor {
  readonly name: string;
  readonly kind: 'agent' | 'process';
  readonly site: Place;
  readonly realm: Realm;
  readonly certifications: readonly Certification[];
  /** Did the service vouch for the two above, in the beginning? */
  readonly attested: boolean;
  readonly offers: readonly OfferTerms[];
  readonly pools: readonly PoolTerms[];
}

type Stand = Omit<Vendor, 'offers' | 'pools' | 'certifications'> & {
  /** How long after the beginning they end; null: not within the run. */
  readonly certificates: readonly {
    readonly scheme: string;
    readonly grade: string;
    readonly ends: boolean;
  }[];
  /** What its offers draw on together; null: each stands for itself. */
  readonly pool: Omit<PoolTerms, 'name'> | null;
};

const MIB = 1_024;
const csap = (grade: string, ends: boolean) => ({ scheme: 'CSAP', grade, ends });
/** Pangyo and Seoul are 25 km apart, Gwangju is 250 from both, Tokyo a thousand. */
const STANDS: readonly Stand[] = [
  {
    name: 'pangyo',
    kind: 'agent',
    site: { city: 'Pangyo', country: 'KR', region: 'kr-central', latitude: 37.3948, longitude: 127.1112 },
    realm: 'public',
    certificates: [csap('middle', true)],
    attested: true,
    pool: { gpus: 4, cpuMillis: 40_000, memoryMiB: 320 * MIB },
  },
  {
    name: 'gwangju',
    kind: 'agent',
    site: { city: 'Gwangju', country: 'KR', region: 'kr-south', latitude: 35.1595, longitude: 126.8526 },
    realm: 'government',
    certificates: [csap('high', false), { scheme: 'ISMS-P', grade: 'certified', ends: true }],
    attested: true,
    pool: null,
  },
  {
    name: 'tokyo',
    kind: 'agent',
    site: { city: 'Tokyo', country: 'JP', region: 'jp-east', latitude: 35.6762, longitude: 139.6503 },
    realm: 'public',
    certificates: [{ scheme: 'ISMS-P', grade: 'certified', ends: false }],
    attested: true,
    pool: { gpus: 6, cpuMillis: null, memoryMiB: null },
  },
  {
    name: 'local',
    kind: 'process',
    site: { city: 'Seoul', country: 'KR', region: 'kr-central', latitude: 37.5665, longitude: 126.978 },
    realm: 'on-premises',
    certificates: [csap('middle', false)],
    attested: false,
    pool: null,
  },
];
export const SITES: readonly string[] = STANDS.map(({ name }) => name);

/** In micros of KRW. EUR has none on purpose. */
export const RATES: ReadonlyMap<string, bigint> = new Map([
  ['KRW', 1_000_000n],
  ['JPY', 9_137_500n],
]);

/** Project → organization, and how much of the load it brings. */
export const PROJECTS = {
  kogpt: { organization: 'acme', load: 5 },
  vision: { organization: 'acme', load: 3 },
  weather: { organization: 'nuri', load: 2 },
} as const;
export type Project = keyof typeof PROJECTS;
export const PROJECT_NAMES = Object.keys(PROJECTS) as Project[];
export const ORGANIZATIONS = [...new Set(Object.values(PROJECTS).map(({ organization }) => organization))];

/** Who sells what, at prices of the seed. */
export function makeMarket(random: Random): Vendor[] {
  return STANDS.map(({ certificates, pool, ...stand }) => {
    const certifications = certificates.map(({ scheme, grade, ends }) => ({
      scheme,
      grade,
      validFrom: '2025-09-01T00:00:00.000Z',
      validUntil: new Date(START_MS + (ends ? random.int(5_000, 60_000) : 9e9)).toISOString(),
    }));
    const pools = pool === null ? [] : [{ name: 'host', ...pool }];
    return { ...stand, certifications, pools, offers: makeOffers(random, stand, pools.length > 0) };
  });
}

interface Shape extends Pick<
  OfferTerms,
  'name' | 'gpuModel' | 'gpuCount' | 'gpuMemoryGiB' | 'cpus' | 'memoryGiB'
> {
  readonly gpuFormFactor: FormFactor | null;
}

/** A GPU offer or two and one without GPUs, or the same host in slices of 1, 2 and 4 GPUs. */
function makeOffers(
  random: Random,
  { name, site }: Pick<Stand, 'name' | 'site'>,
  pooled: boolean,
): OfferTerms[] {
  const currency = name === 'tokyo' ? 'JPY' : 'KRW';
  const per = (won: number) => BigInt(Math.round((won * 1e12) / Number(RATES.get(currency))));
  const gpuModel = random.pick(['H100', 'A100-80GB']);
  const gpuFormFactor = random.pick(['SXM', 'SXM', 'PCIe', null] as const);
  const spot = random.chance(0.5) ? random.int(500, 2_000) : null;
  const won = random.int(2_000, 9_000);
  const gpu = (offer: string, gpuCount: number, cpus: number, memoryGiB: number): Shape => ({
    name: offer,
    gpuModel,
    gpuCount,
    gpuMemoryGiB: 80,
    gpuFormFactor,
    cpus,
    memoryGiB,
  });
  const common = { region: site.region, currency, effectiveFrom: null, listed: null };
  const sold = (shape: Shape, capacity: number): OfferTerms => ({
    ...common,
    ...shape,
    capacity,
    priceMicrosPerHour: per(shape.gpuCount === 0 ? random.int(50, 400) : won * (pooled ? shape.gpuCount : 1)),
    spotPriceMicrosPerHour: spot === null || shape.gpuCount === 0 ? null : per(spot),
    pool: pooled ? 'host' : null,
  });
  const cpu: Shape = { ...gpu('cpu', 0, 16, 128), gpuModel: null, gpuMemoryGiB: 0, gpuFormFactor: null };
  if (pooled) {
    const slices = [1, 2, 4].map((count) =>
      sold(gpu(`gpu-${count}`, count, 8 * count, 64 * count), 4 / count),
    );
    return [...slices, sold(cpu, random.int(1, 3))];
  }
  const offers = [
    sold(gpu('gpu', random.pick([1, 2, 4]), 16, 128), random.int(1, 4)),
    sold(cpu, random.int(1, 3)),
  ];
  if (name === 'gwangju')
    offers.push({
      ...sold(gpu('euro', 2, 16, 128), 5),
      currency: 'EUR',
      priceMicrosPerHour: 1n,
      spotPriceMicrosPerHour: null,
    });
  return offers;
}

export async function registerMarket(store: Store, vendors: readonly Vendor[], now: Date): Promise<void> {
  await store.transaction(async (tx) => {
    await tx.execute(
      sql`insert into installation (currency, created_at) values ('KRW', ${now.toISOString()})`,
    );
    // One organization lets its ordinary work make room for what must not stop.
    const rules = { ...NO_RULES, preemptible: true };
    await tx
      .insert(organizations)
      .values(ORGANIZATIONS.map((name) => ({ name, createdAt: now, rules: name === 'acme' ? rules : null })));
    await tx
      .insert(projects)
      .values(
        PROJECT_NAMES.map((name) => ({ name, organization: PROJECTS[name].organization, createdAt: now })),
      );
    for (const [currency, rateMicros] of RATES) {
      if (currency !== 'KRW')
        await tx.insert(exchangeRates).values({ currency, asOf: now, rateMicros, createdAt: now });
    }
    for (const { name, kind, site, realm, certifications, attested, offers, pools } of vendors) {
      await tx.insert(providers).values({
        name,
        vendor: name,
        brokerKind: kind,
        brokerSettings: {},
        site,
        realm,
        certifications: [...certifications],
        attestedAt: attested ? now : null,
        attestedBy: attested ? 'operator' : null,
        mode: 'active',
        health: 'unknown',
        healthSince: now,
        healthReason: 'not heard of yet',
        createdAt: now,
      });
      await putPools(tx, name, pools);
      await putOffers(tx, name, now, offers);
    }
  });
}

export const OPERATOR = { ...SYSTEM, id: 'operator', role: 'operator' } as const;
export const ADMIN = { ...SYSTEM, id: 'admin', role: 'admin' } as const;
