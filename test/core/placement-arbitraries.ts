import fc from 'fast-check';
import type { JobSpec } from '../../src/core/job.ts';
import type { Pool } from '../../src/core/offer.ts';
import type {
  PlacementOffer,
  PlacementProvider,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';
import type { DataGrade, DataGradeRow, Policies } from '../../src/core/policy.ts';
import type { Certification, HealthState, ProviderMode, Realm, Site } from '../../src/core/provider.ts';
import { queueRankOf } from '../../src/core/queue-rank.ts';
import type { HeldQuote } from '../../src/core/quote.ts';
import type { CertificationNeed, RuleSet } from '../../src/core/rules.ts';
import { jobOf, later, NOW, poolOf, providerOf, rulesOf, specOf, worldOf } from './placement-world.ts';

/** Worlds of every kind for properties: small vocabularies, so that things collide, and every rule in force now and then. */

const PROVIDERS = ['alpha', 'beta', 'gamma', 'delta'] as const;
const REGIONS = ['r1', 'r2'];
const PROJECTS: Readonly<Record<string, string>> = { kogpt: 'acme', vision: 'acme', lab: 'hanbit' };
const GPUS = [
  { gpuModel: 'H100', gpuMemoryGiB: 80 },
  { gpuModel: 'A100-80GB', gpuMemoryGiB: 80 },
  { gpuModel: 'A100-40GB', gpuMemoryGiB: 40 },
  { gpuModel: 'L4', gpuMemoryGiB: 24 },
];
/** Gasan and Pangyo are 21 km apart, Gwangju is 250 from both; the last is another country. */
const SITES: readonly Site[] = [
  { city: 'Gasan', country: 'KR', region: 'kr', latitude: 37.4754, longitude: 126.8831 },
  { city: 'Pangyo', country: 'KR', region: 'kr', latitude: 37.3909, longitude: 127.0968 },
  { city: 'Gwangju', country: 'KR', region: 'kr', latitude: 35.1595, longitude: 126.8526 },
  { city: 'Ashburn', country: 'US', region: 'us', latitude: 39.0438, longitude: -77.4874 },
];

const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(usual, ...others) },
  );
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
const often = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 2, arbitrary });
const list = (names: readonly string[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.subarray([...names]) });
const lists = (names: readonly string[]) => fc.record({ allow: list(names), deny: list(names) });
const micros = fc.integer({ min: 0, max: 12 }).map((n) => BigInt(n) * 250_001n);
const span = fc.constantFrom(
  ...[
    [-9e6, 9e6],
    [-9e6, 9e6],
    [-9e6, -1],
    [-9e6, 0],
    [60, 9e6],
  ].map(([from = 0, until = 0]) => ({
    validFrom: later(from).toISOString(),
    validUntil: later(until).toISOString(),
  })),
);

// ---- what is offered ----------------------------------------------------------------------------------------------

const certification: fc.Arbitrary<Certification> = fc
  .record({ scheme: mostly('CSAP', 'ISMS-P'), grade: fc.constantFrom('high', 'middle'), span })
  .map(({ span: dates, ...rest }) => ({ ...rest, ...dates }));

const provider = (name: string): fc.Arbitrary<PlacementProvider> =>
  fc
    .record({
      site: fc.constantFrom(...SITES),
      realm: mostly<Realm>('public', 'government', 'on-premises'),
      certifications: fc.array(certification, { maxLength: 2 }),
      attested: mostly(true, false),
      verifiedUntil: mostly<Date | null>(null, later(-1), later(0), later(60)),
      multiNode: fc.boolean(),
      mode: mostly<ProviderMode>('active', 'draining'),
      health: mostly<HealthState>('healthy', 'unknown', 'degraded', 'down'),
      healthSince: fc.constantFrom(later(-5), later(-60), later(-120), later(-3600)),
      recentRefusals: fc.integer({ min: 0, max: 2 }),
    })
    .map((parts) => providerOf(name, parts));

const pools: fc.Arbitrary<Pool[]> = fc.tuple(
  ...PROVIDERS.flatMap((owner) =>
    ['p1', 'p2'].map((name) =>
      fc
        .record({
          gpus: fc.constantFrom(3, 8, 16),
          cpuMillis: mostly<number | null>(null, 64_000, 96_000),
          memoryMiB: mostly<number | null>(null, 512 * 1024, 700 * 1024),
          usedGpus: mostly(0, 1, 5, 20),
          usedCpuMillis: mostly(0, 500, 30_000),
          usedMemoryMiB: mostly(0, 1, 300 * 1024),
        })
        .map((parts) => poolOf(owner, name, parts)),
    ),
  ),
);

const offer: fc.Arbitrary<Omit<PlacementOffer, 'name'>> = fc
  .record({
    provider: fc.constantFrom(...PROVIDERS),
    region: fc.constantFrom(...REGIONS),
    gpu: fc.constantFrom(...GPUS, null),
    gpuCount: fc.constantFrom(1, 2, 4, 4, 8, 8),
    gpuFormFactor: mostly<'SXM' | 'PCIe' | null>(null, 'SXM', 'PCIe'),
    cpus: mostly(64, 8),
    memoryGiB: mostly(512, 32),
    capacity: fc.constantFrom(0, 1, 1, 2, 3, 3, 5),
    used: mostly(0, 1, 4),
    priceMicrosPerHour: fc.oneof(
      { weight: 6, arbitrary: micros },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    spotPriceMicrosPerHour: often(micros),
    currency: mostly('KRW', 'USD', 'EUR'),
    pool: fc.constantFrom(null, null, 'p1', 'p2'),
    effectiveFrom: mostly<Date | null>(null, later(-1), later(0), later(60)),
  })
  .map(({ gpu, gpuCount, gpuFormFactor, ...rest }) => ({
    ...rest,
    gpuModel: gpu?.gpuModel ?? null,
    gpuMemoryGiB: gpu?.gpuMemoryGiB ?? 0,
    gpuCount: gpu === null ? 0 : gpuCount,
    gpuFormFactor: gpu === null ? null : gpuFormFactor,
  }));

// ---- rules at every level -----------------------------------------------------------------------------------------

const need: fc.Arbitrary<CertificationNeed> = fc.record({
  scheme: mostly('CSAP', 'ISMS-P'),
  grades: fc.constantFrom<string[]>([], ['high'], ['high', 'middle']),
});
const grade = fc.constantFrom<DataGrade>('open', 'sensitive', 'classified');

const rules: fc.Arbitrary<RuleSet> = fc
  .record({
    providers: lists(PROVIDERS),
    regions: lists(REGIONS),
    countries: mostly<string[]>([], [], [], ['KR'], ['us', 'JP']),
    realms: mostly<Realm[]>([], [], [], ['public'], ['government', 'on-premises']),
    certifications: rarely(need).map((one) => (one === null ? [] : [one])),
    dataGrade: rarely(grade),
    maxPricePerHour: mostly<RuleSet['maxPricePerHour']>(
      null,
      null,
      // Exactly what some offers cost.
      { amount: '1.000004', currency: 'KRW' },
      { amount: '0.7', currency: 'USD' },
      { amount: '1', currency: 'EUR' },
    ),
    maxPricePerJob: mostly<RuleSet['maxPricePerJob']>(
      null,
      null,
      { amount: '2.000008', currency: 'KRW' },
      { amount: '3', currency: 'USD' },
      { amount: '3', currency: 'EUR' },
    ),
    spot: mostly<RuleSet['spot']>('allowed', 'allowed', 'never', 'only'),
    minSeparationKm: mostly<number | null>(null, 0, 20, 100, 300),
    drVerified: mostly(false, false, false, true),
  })
  .map((parts) => rulesOf(parts));

const book = (names: readonly string[]) =>
  fc
    .tuple(...names.map((name) => rarely(rules).map((set) => [name, set] as const)))
    .map((some) => new Map(some.flatMap(([name, set]) => (set === null ? [] : [[name, set] as const]))));

const gradeRow: fc.Arbitrary<DataGradeRow> = fc
  .record({
    grade,
    realms: fc.subarray<Realm>(['public', 'government', 'on-premises'], { minLength: 1 }),
    countries: mostly<string[]>([], ['KR']),
    certification: rarely(need),
    dates: span,
    forever: fc.boolean(),
  })
  .map(({ dates, forever, ...row }) => ({
    ...row,
    validFrom: dates.validFrom,
    validUntil: forever ? null : dates.validUntil,
    note: '',
  }));

const policies: fc.Arbitrary<Policies> = fc.record({
  dataGrades: fc.array(gradeRow, { maxLength: 5 }),
  capacityClasses: fc.constantFrom<Policies['capacityClasses']>(
    [],
    [
      {
        name: 'large',
        note: '',
        members: [
          { model: 'H100', formFactor: 'SXM', minMemoryGiB: 0 },
          { model: 'A100-80GB', formFactor: null, minMemoryGiB: 80 },
        ],
      },
      { name: 'none', note: '', members: [{ model: 'L4', formFactor: null, minMemoryGiB: 48 }] },
    ],
  ),
  // Powers of two: equal costs are then equal in floating point too.
  gpuSpeeds: fc.subarray([
    { model: 'H100', speed: 2, note: '' },
    { model: 'A100-80GB', speed: 1, note: '' },
    { model: 'L4', speed: 0.25, note: '' },
  ]),
});

// ---- who asks -----------------------------------------------------------------------------------------------------

const spec: fc.Arbitrary<JobSpec> = fc
  .record({
    count: fc.constantFrom(0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 8, 16),
    models: fc.oneof(
      fc.constant([]),
      fc.constant([]),
      fc.subarray(['H100', 'A100', 'A100-80GB', 'NVIDIA L4', 'H100-SXM']),
    ),
    class: mostly<string | null>(null, null, 'large', 'none', 'no-such'),
    minMemoryGiB: mostly(0, 40, 80),
    cpus: mostly(0, 0.5, 16, 128),
    memoryGiB: mostly(0, 0.25, 64),
    nodes: fc.constantFrom(1, 1, 1, 1, 2, 2, 3),
    objective: fc.constantFrom('cheapest' as const, 'available', 'balanced'),
    rules,
    separation: fc.constantFrom(null, null, null, 20, 300),
    kind: fc.constantFrom('training' as const, 'inference'),
    interval: fc.constantFrom(600, 7200),
    expected: fc.constantFrom(null, 3600, 7200),
    longest: fc.constantFrom(null, 14_400),
  })
  .map(({ count, models, minMemoryGiB, objective, rules: own, ...rest }) =>
    specOf({
      resources: {
        gpu: { count, models, class: rest.class, minMemoryGiB },
        cpus: rest.cpus,
        memoryGiB: rest.memoryGiB,
        nodes: rest.nodes,
      },
      placement: { ...own, objective },
      continuity: { minSeparationKm: rest.separation },
      checkpoint: { intervalSeconds: rest.interval },
      limits: { maxRuntimeSeconds: rest.longest },
      kind: rest.kind,
      expectedRuntimeSeconds: rest.expected,
    }),
  );

/** Prices of some of the offers, below and above what they cost now. */
const quoteOf = (offers: readonly PlacementOffer[]): fc.Arbitrary<HeldQuote> =>
  fc
    .record({
      expiresAt: fc.constantFrom(later(60), later(60), later(0), later(-60)),
      ceiling: micros,
      prices: fc.array(
        fc.record({
          at: fc.nat({ max: Math.max(0, offers.length - 1) }),
          spot: fc.boolean(),
          list: micros,
          currency: mostly('KRW', 'USD'),
          rate: fc.constantFrom(1_437_250n, 1_000_000n, 900_000n),
        }),
        { maxLength: 40, size: 'max' },
      ),
    })
    .map(({ expiresAt, ceiling, prices }) => {
      const held = new Map(
        prices.flatMap(({ at, spot, list: listed, currency, rate }) => {
          const sold = offers[at];
          if (sold === undefined) return [];
          const rateMicros = currency === 'KRW' ? 1_000_000n : rate;
          const micro = (listed * rateMicros + 500_000n) / 1_000_000n;
          const price = {
            provider: sold.provider,
            offer: sold.name,
            spot,
            listMicrosPerHour: String(listed),
            listCurrency: currency,
            rateMicros: String(rateMicros),
            microsPerHour: String(micro),
          };
          return [[`${sold.name} ${spot}`, price] as const];
        }),
      );
      const dearest = [...held.values()].reduce(
        (most, { microsPerHour }) => (BigInt(microsPerHour) > most ? BigInt(microsPerHour) : most),
        ceiling,
      );
      return {
        id: 'quote-1',
        expiresAt: expiresAt.toISOString(),
        ceilingMicrosPerHour: String(dearest),
        prices: [...held.values()],
      };
    });

const AVOID: readonly Record<string, string>[] = [
  { alpha: later(30).toISOString() },
  { beta: later(0).toISOString(), gamma: later(30).toISOString() },
  { alpha: later(30).toISOString(), beta: later(30).toISOString(), delta: later(30).toISOString() },
];

/** Few kinds of jobs and many of each: jobs of one kind share their matching, and compete. */
const jobsFor = (offers: readonly PlacementOffer[]): fc.Arbitrary<QueuedJob[]> =>
  fc
    .tuple(
      fc.array(spec, { minLength: 1, maxLength: 4 }),
      fc.array(quoteOf(offers), { minLength: 1, maxLength: 2 }),
    )
    .chain(([specs, quotes]) =>
      fc.array(
        fc.record({
          spec: fc.constantFrom(...specs),
          project: fc.constantFrom(...Object.keys(PROJECTS)),
          priority: mostly(50, 0, 49, 51, 100),
          createdAt: fc.constantFrom(later(-36_000), later(-3_600), later(-60), later(-30)),
          queuedAt: fc.constantFrom(later(-60), later(-30)),
          avoid: fc.constantFrom<Record<string, string>>({}, {}, {}, ...AVOID),
          moveTo: mostly<string | null>(null, 'alpha', 'nowhere'),
          notBefore: mostly<Date | null>(null, later(-1), later(0), later(9)),
          fencedUntil: mostly<Date | null>(null, later(-1), later(5)),
          quote: fc.constantFrom<HeldQuote | null>(null, null, null, ...quotes),
        }),
        { maxLength: 40, size: 'max' },
      ),
    )
    .map((some) =>
      some.map(({ createdAt, priority, project, ...job }, index) =>
        jobOf(
          `job-${String(index).padStart(3, '0')}`,
          {},
          {
            ...job,
            project,
            organization: PROJECTS[project] ?? '',
            queueRank: queueRankOf(createdAt, priority),
          },
        ),
      ),
    );

/** Nobody in it has waited for long enough that anything is held (see hold.ts). */
export const world: fc.Arbitrary<PlacementSnapshot> = fc
  .record({
    providers: fc.tuple(...PROVIDERS.map(provider)),
    offers: fc.array(offer, { maxLength: 90, size: 'max' }),
    pools,
    rates: fc.constantFrom(new Map<string, bigint>(), new Map([['USD', 1_437_250n]])),
    organizations: book(['acme', 'hanbit']),
    projects: book(Object.keys(PROJECTS)),
    policies,
    shares: fc.constantFrom(
      new Map<string, number>(),
      new Map([['kogpt', 12]]),
      new Map([
        ['kogpt', 8],
        ['vision', 8.125],
        ['lab', 1],
      ]),
    ),
  })
  .chain(({ offers: made, organizations, projects, ...rest }) => {
    const offers = made.map((one, index) => ({ ...one, name: `offer-${index}` }));
    return jobsFor(offers).map((jobs) =>
      worldOf({ ...rest, now: NOW, offers, jobs, rules: { organizations, projects } }),
    );
  });

/** The same where some have: what is held changes who gets what, but no rule. */
export const worldOfWaiting: fc.Arbitrary<PlacementSnapshot> = world.map((snapshot) => ({
  ...snapshot,
  jobs: snapshot.jobs.map((job, index) => (index % 3 === 0 ? { ...job, queuedAt: later(-3_600) } : job)),
}));
