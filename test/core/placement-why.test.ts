import { describe, expect, test } from 'vitest';
import { decidePlacements } from '../../src/core/placement/decide.ts';
import { recordJob } from '../../src/core/placement/record.ts';
import type { RuleName } from '../../src/core/placement/rules.ts';
import type {
  PlacementOffer,
  PlacementProvider,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';
import type { DataGradeRow } from '../../src/core/policy.ts';
import type { RuleSet } from '../../src/core/rules.ts';
import {
  jobOf,
  later,
  offerOf,
  poolOf,
  providerOf,
  rulesOf,
  worldOf,
  type SpecParts,
} from './placement-world.ts';

type Rest = Partial<PlacementSnapshot> & { job?: Partial<QueuedJob> };

/** One job of project kogpt of acme against these offers. */
function decide(parts: SpecParts, offers: PlacementOffer[], rest: Rest = {}) {
  const { job, ...world } = rest;
  const jobs = [jobOf('job-1', parts, { project: 'kogpt', ...job })];
  return decidePlacements(
    worldOf({ providers: [providerOf('alpha'), providerOf('beta')], offers, jobs, ...world }),
  );
}
const why = (plan: ReturnType<typeof decide>) =>
  plan.waiting.map(({ waiting }) => `${waiting().reason}: ${waiting().detail}`)[0];
const detail = (plan: ReturnType<typeof decide>, rule: RuleName) =>
  plan.waiting[0]?.decision().removed.find((one) => one.rule === rule)?.examples[0]?.detail;
const ofProject = (rules: Partial<RuleSet>): Rest => ({
  rules: { organizations: new Map(), projects: new Map([['kogpt', rulesOf(rules)]]) },
});
const ofOrganization = (rules: Partial<RuleSet>): Rest => ({
  rules: { organizations: new Map([['acme', rulesOf(rules)]]), projects: new Map() },
});

/** What the offer's only provider is, what the job says, and what is told: what to change, and what is wrong. */
interface Case {
  readonly parts?: SpecParts;
  readonly offer?: Partial<PlacementOffer>;
  readonly provider?: Partial<PlacementProvider>;
  readonly rest?: Rest;
  readonly change: string;
  readonly rule: RuleName;
  readonly wrong: string;
}
const csap = (validFrom: Date, validUntil: Date) => ({
  certifications: [
    {
      scheme: 'CSAP',
      grade: 'high',
      validFrom: validFrom.toISOString(),
      validUntil: validUntil.toISOString(),
    },
  ],
});
const row = (rest: Partial<DataGradeRow> = {}): DataGradeRow => ({
  grade: 'sensitive',
  realms: ['government'],
  countries: ['KR'],
  certification: { scheme: 'CSAP', grades: [] },
  validFrom: later(-99).toISOString(),
  validUntil: null,
  note: '',
  ...rest,
});
const graded = (...rows: DataGradeRow[]): Rest => ({
  policies: { dataGrades: rows, capacityClasses: [], gpuSpeeds: [] },
});
const inKrw = (amount: string) => ({ amount, currency: 'KRW' });
const valid = csap(later(-99), later(99));
const needsCsap: SpecParts = { placement: { certifications: [{ scheme: 'CSAP', grades: [] }] } };
const sensitive: SpecParts = { placement: { dataGrade: 'sensitive' } };
const quote = { id: 'q', expiresAt: later(9).toISOString(), ceilingMicrosPerHour: '999999', prices: [] };

const CASES: Readonly<Record<string, Case>> = {
  'GPU count': {
    parts: { resources: { gpu: { count: 8 } } },
    offer: { gpuCount: 4 },
    change: 'needs 8 GPUs in one offer: the largest has 4',
    rule: 'gpu-count',
    wrong: 'has 4 of 8 GPUs',
  },
  'GPU model': {
    parts: { resources: { gpu: { models: ['L4'] } } },
    change: 'accept H100',
    rule: 'gpu-model',
    wrong: 'has H100',
  },
  'form factor': {
    parts: { resources: { gpu: { models: ['H100-SXM'] } } },
    offer: { gpuFormFactor: 'PCIe' },
    change: 'accept H100 PCIe',
    rule: 'gpu-model',
    wrong: 'has H100 PCIe',
  },
  'a class that nobody knows': {
    parts: { resources: { gpu: { class: 'huge' } } },
    change: 'there is no capacity class huge, or accept H100',
    rule: 'gpu-model',
    wrong: 'has H100',
  },
  'device memory': {
    parts: { resources: { gpu: { minMemoryGiB: 141 } } },
    change: 'lower gpu.minMemoryGiB from 141 to 80',
    rule: 'gpu-memory',
    wrong: 'a device has 80 of 141 GiB',
  },
  CPUs: {
    parts: { resources: { cpus: 128 } },
    change: 'lower cpus from 128 to 64',
    rule: 'cpus',
    wrong: 'has 64 of 128 CPUs',
  },
  memory: {
    parts: { resources: { memoryGiB: 1024 } },
    change: 'lower memoryGiB from 1024 to 512',
    rule: 'memory',
    wrong: 'has 512 of 1024 GiB',
  },
  nodes: {
    parts: { resources: { nodes: 2 } },
    change: 'ask for 1 node: no provider that fits runs a job on several machines',
    rule: 'nodes',
    wrong: 'alpha runs a job on one machine only',
  },
  provider: {
    parts: { placement: { providers: { allow: ['beta'], deny: [] } } },
    change: 'allow provider alpha',
    rule: 'providers',
    wrong: 'provider alpha is not allowed',
  },
  'provider, of a project': {
    rest: ofProject({ providers: { allow: [], deny: ['alpha'] } }),
    change: 'allow provider alpha (a rule of project kogpt)',
    rule: 'providers',
    wrong: 'provider alpha is not allowed (a rule of project kogpt)',
  },
  country: {
    parts: { placement: { countries: ['JP'] } },
    change: 'allow country KR',
    rule: 'countries',
    wrong: 'is in KR',
  },
  'country, of an organization': {
    parts: { placement: { countries: ['kr'] } },
    rest: ofOrganization({ countries: ['JP'] }),
    change: 'allow country KR (a rule of organization acme)',
    rule: 'countries',
    wrong: 'is in KR (a rule of organization acme)',
  },
  region: {
    parts: { placement: { regions: { allow: [], deny: ['kr-1'] } } },
    change: 'allow region kr-1',
    rule: 'regions',
    wrong: 'region kr-1 is not allowed',
  },
  'region, of a project': {
    rest: ofProject({ regions: { allow: ['kr-2'], deny: [] } }),
    change: 'allow region kr-1 (a rule of project kogpt)',
    rule: 'regions',
    wrong: 'region kr-1 is not allowed (a rule of project kogpt)',
  },
  realm: {
    parts: { placement: { realms: ['government'] } },
    change: 'allow realm public',
    rule: 'realm',
    wrong: 'is public',
  },
  'a realm that nobody vouched for': {
    rest: ofProject({ realms: ['government'] }),
    provider: { realm: 'government', attested: false },
    change: 'have an operator vouch for the realm of alpha (a rule of project kogpt)',
    rule: 'realm',
    wrong: 'is public: nobody has vouched for its realm government (a rule of project kogpt)',
  },
  'no certificate': {
    parts: { placement: { certifications: [{ scheme: 'CSAP', grades: ['high', 'middle'] }] } },
    change: '1 offer would match but for this: alpha has no certificate CSAP high or middle',
    rule: 'certification',
    wrong: 'alpha has no certificate CSAP high or middle',
  },
  'an expired certificate': {
    rest: ofOrganization(needsCsap.placement as RuleSet),
    provider: csap(later(-9e6), later(0)),
    change:
      "1 offer would match but for this: alpha's certificate CSAP high expired on 2026-11-22 (a rule of organization acme)",
    rule: 'certification',
    wrong: "alpha's certificate CSAP high expired on 2026-11-22 (a rule of organization acme)",
  },
  'a certificate of the future': {
    parts: needsCsap,
    provider: csap(later(86_400), later(9e6)),
    change: "1 offer would match but for this: alpha's certificate CSAP high counts only from 2026-11-23",
    rule: 'certification',
    wrong: "alpha's certificate CSAP high counts only from 2026-11-23",
  },
  'a certificate that nobody vouched for': {
    parts: needsCsap,
    provider: { ...valid, attested: false },
    change: "1 offer would match but for this: alpha's certificate CSAP has not been vouched for",
    rule: 'certification',
    wrong: "alpha's certificate CSAP has not been vouched for",
  },
  'data grade: no policy today': {
    parts: sensitive,
    rest: graded(row({ validUntil: later(0).toISOString() }), row({ grade: 'open' })),
    change: '1 offer would match but for this: no policy says today where sensitive data may go',
    rule: 'data-grade',
    wrong: 'no policy says today where sensitive data may go',
  },
  'data grade: realm': {
    parts: sensitive,
    rest: graded(row()),
    provider: { ...valid, realm: 'government', attested: false },
    change:
      '1 offer would match but for this: sensitive data needs realm government, alpha is public (its realm government has not been vouched for)',
    rule: 'data-grade',
    wrong:
      'sensitive data needs realm government, alpha is public (its realm government has not been vouched for)',
  },
  'data grade: country, the row that comes nearest': {
    rest: {
      ...graded(row({ realms: ['on-premises'] }), row({ countries: ['JP'] })),
      ...ofProject({ dataGrade: 'sensitive' }),
    },
    provider: { ...valid, realm: 'government' },
    change: '1 offer would match but for this: sensitive data has to stay in JP (a rule of project kogpt)',
    rule: 'data-grade',
    wrong: 'sensitive data has to stay in JP (a rule of project kogpt)',
  },
  'data grade: certificate': {
    parts: sensitive,
    rest: graded(row()),
    provider: { ...csap(later(-99), later(-9)), realm: 'government' },
    change:
      "1 offer would match but for this: sensitive data: alpha's certificate CSAP high expired on 2026-11-22",
    rule: 'data-grade',
    wrong: "sensitive data: alpha's certificate CSAP high expired on 2026-11-22",
  },
  'a drill': {
    rest: ofProject({ drVerified: true }),
    provider: { verifiedUntil: later(0) },
    change: 'have a drill prove the recovery of alpha (a rule of project kogpt)',
    rule: 'dr-verified',
    wrong: 'no drill has proved its recovery (a rule of project kogpt)',
  },
  places: {
    parts: { resources: { nodes: 5 } },
    provider: { multiNode: true },
    change: 'needs 5 machines of one offer at once: the largest has 4',
    rule: 'places',
    wrong: 'there are 4 of it, 5 are needed at once',
  },
  pool: {
    offer: { pool: 'p' },
    rest: { pools: [poolOf('alpha', 'p', { gpus: 8, cpuMillis: 63_999 })] },
    change: 'ask for less: it would draw more than the pool has in all',
    rule: 'pool',
    wrong: 'would draw 8 GPUs, 64 CPUs and 512 GiB of its pool p, which has less in all',
  },
  'no spot price': {
    parts: { placement: { spot: 'only' } },
    change: 'allow on-demand: what fits has no spot price',
    rule: 'spot',
    wrong: 'has no price of the kind that is allowed',
  },
  'spot only': {
    parts: { placement: { spot: 'allowed' } },
    offer: { priceMicrosPerHour: null, spotPriceMicrosPerHour: 1n },
    rest: ofProject({ spot: 'never' }),
    change: 'allow spot: what fits is sold as spot only (a rule of project kogpt)',
    rule: 'spot',
    wrong: 'is sold as spot only (a rule of project kogpt)',
  },
  'rules that leave no price': {
    parts: { placement: { spot: 'only' } },
    offer: { spotPriceMicrosPerHour: 1n },
    rest: ofProject({ spot: 'never' }),
    change: 'its rules forbid both spot and on-demand',
    rule: 'spot',
    wrong: 'has no price of the kind that is allowed',
  },
  date: {
    offer: { effectiveFrom: later(60) },
    change: 'wait: what fits counts from 2026-11-22T12:01:00.000Z',
    rule: 'not-yet-effective',
    wrong: 'counts from 2026-11-22T12:01:00.000Z',
  },
  price: {
    parts: { placement: { maxPricePerHour: inKrw('0.66') } },
    change: 'raise maxPricePerHour by 0.34 KRW',
    rule: 'price',
    wrong: 'costs 1 KRW an hour, the ceiling is 0.66 KRW',
  },
  'the lowest ceiling of all levels': {
    parts: { placement: { maxPricePerHour: inKrw('0.9') } },
    rest: ofProject({ maxPricePerHour: inKrw('0.8') }),
    change: 'raise maxPricePerHour by 0.2 KRW (a rule of project kogpt)',
    rule: 'price',
    wrong: 'costs 1 KRW an hour, the ceiling is 0.8 KRW (a rule of project kogpt)',
  },
  'a ceiling for the whole job, which says no runtime': {
    rest: ofOrganization({ maxPricePerJob: inKrw('999') }),
    change:
      'say expectedRuntimeSeconds: a ceiling for the whole job is in force, and nobody knows how long it runs',
    rule: 'job-price',
    wrong: 'a ceiling for the whole job needs expectedRuntimeSeconds',
  },
  'a ceiling for the whole job': {
    parts: { placement: { maxPricePerJob: inKrw('1.999999') }, expectedRuntimeSeconds: 7_200 },
    change: 'raise maxPricePerJob, or expect a shorter run',
    rule: 'job-price',
    wrong: 'the whole job would cost more than its ceiling',
  },
  'the ceiling of a quote': {
    rest: { job: { quote } },
    change: 'wait for the quoted price, or submit it with a new quote or without one',
    rule: 'quote',
    wrong: 'costs 1 KRW an hour, more than was quoted',
  },
  'two things': {
    parts: { resources: { cpus: 128 } },
    rest: ofProject({ countries: ['JP'] }),
    change: 'lower cpus from 128 to 64 and allow country KR (a rule of project kogpt)',
    rule: 'cpus',
    wrong: 'has 64 of 128 CPUs',
  },
};

describe('what would have to change, and what is wrong', () => {
  test.each(Object.entries(CASES))('%s', (_, { parts = {}, offer, provider, rest, change, rule, wrong }) => {
    const providers = [providerOf('alpha', provider)];
    const plan = decide(parts, [offerOf('alpha', 'a', offer)], { providers, ...rest });
    expect(plan.placements).toEqual([]);
    expect(why(plan)).toContain(`no-match: no offer fits. Nearest: ${change}`);
    expect(detail(plan, rule)).toBe(wrong);
  });

  test('offers of several certificates that are no more', () => {
    const providers = ['alpha', 'beta'].map((name) => providerOf(name, csap(later(-9e6), later(-86_400))));
    const offers = [offerOf('alpha', 'a'), offerOf('beta', 'b')];
    expect(why(decide(needsCsap, offers, { providers }))).toBe(
      "no-match: no offer fits. Nearest: 2 offers would match but for this: alpha's certificate CSAP high expired on 2026-11-21, beta's certificate CSAP high expired on 2026-11-21",
    );
  });

  test('too near to where it was lost', () => {
    const at = (latitude: number, longitude: number) => ({ ...providerOf('x').site, latitude, longitude });
    const providers = [
      providerOf('alpha', { site: at(37.3909, 127.0968), health: 'down' }),
      providerOf('beta', { site: at(37.4754, 126.8831) }),
    ];
    const offers = [offerOf('alpha', 'a', { gpuCount: 1 }), offerOf('beta', 'b')];
    const job = { avoid: { alpha: later(60).toISOString() } };
    const parts = (minSeparationKm: number): SpecParts => ({
      continuity: { minSeparationKm },
      resources: { gpu: { count: 2 } },
    });
    // 21 km.
    const near = decide(parts(22), offers, { providers, job });
    expect(why(near)).toContain(
      'wait until the place that lost it is well or forgotten, or lower minSeparationKm from 22',
    );
    expect(detail(near, 'separation')).toBe('is within 22 km of alpha that lost the job');
    expect(decide(parts(20), offers, { providers, job }).placements).toHaveLength(1);
    // A level's own distance counts as well; a place that merely refused it is no disaster.
    expect(
      decide(parts(0), offers, { providers, job, ...ofProject({ minSeparationKm: 22 }) }).placements,
    ).toEqual([]);
    const well = providers.map((one) => ({ ...one, health: 'healthy' as const }));
    expect(decide(parts(22), offers, { providers: well, job }).placements).toHaveLength(1);
  });

  test('a class of capacity accepts its members only', () => {
    const policies = {
      dataGrades: [],
      gpuSpeeds: [],
      capacityClasses: [
        {
          name: 'large',
          note: '',
          members: [{ model: 'H100', formFactor: 'SXM' as const, minMemoryGiB: 80 }],
        },
      ],
    };
    const parts: SpecParts = { resources: { gpu: { class: 'large' } } };
    const placed = (rest: Partial<PlacementOffer>) =>
      decide(parts, [offerOf('alpha', 'a', rest)], { policies }).placements.length;
    expect(placed({ gpuFormFactor: 'SXM' })).toBe(1);
    expect(placed({ gpuFormFactor: 'PCIe' })).toBe(0);
    expect(placed({ gpuFormFactor: null })).toBe(0);
    expect(placed({ gpuFormFactor: 'SXM', gpuMemoryGiB: 64 })).toBe(0);
    const named: SpecParts = { resources: { gpu: { class: 'large', models: ['L4'] } } };
    expect(
      decide(named, [offerOf('alpha', 'a', { gpuModel: 'L4', gpuMemoryGiB: 24 })], { policies }).placements,
    ).toHaveLength(1);
  });

  test('raised by what it says, the ceiling is high enough, across currencies too', () => {
    const rates = new Map([['USD', 1_437_251_003n]]);
    const offers = [offerOf('alpha', 'a', { priceMicrosPerHour: 12_345_678_901n })];
    const limit = (amount: string): SpecParts => ({
      placement: { maxPricePerHour: { amount, currency: 'USD' } },
    });
    const by = /by ([\d.]+) USD/.exec(why(decide(limit('1'), offers, { rates })) ?? '')?.[1] ?? '';
    expect(decide(limit((1 + Number(by)).toFixed(6)), offers, { rates }).placements).toHaveLength(1);
    expect(decide(limit((1 + Number(by) - 0.000001).toFixed(6)), offers, { rates }).placements).toEqual([]);
  });

  test('a price at the ceiling is within it', () => {
    const limit = (amount: string): SpecParts => ({ placement: { maxPricePerHour: inKrw(amount) } });
    const whole = (amount: string): SpecParts => ({
      placement: { maxPricePerJob: inKrw(amount) },
      limits: { maxRuntimeSeconds: 7_200 },
    });
    const placed = (parts: SpecParts) => decide(parts, [offerOf('alpha', 'a')]).placements.length;
    expect([placed(limit('1')), placed(limit('0.999999'))]).toEqual([1, 0]);
    expect([placed(whole('2')), placed(whole('1.999999'))]).toEqual([1, 0]);
  });

  test('nothing is offered', () => {
    expect(why(decide({}, []))).toBe('no-match: nothing is offered: no provider has a live offer');
  });
});

describe('what waits for somebody else', () => {
  test('a rate', () => {
    const offers = [offerOf('alpha', 'a', { currency: 'EUR' })];
    const plan = decide({}, offers);
    expect(why(plan)).toBe(
      'no-rate: every offer that fits is in EUR, which has no exchange rate to KRW: set one',
    );
    expect(detail(plan, 'no-rate')).toBe('its currency EUR has no exchange rate');
    const inYen: SpecParts = { placement: { maxPricePerHour: { amount: '1', currency: 'JPY' } } };
    const unrated = decide(inYen, [offerOf('alpha', 'a')]);
    expect(why(unrated)).toBe(
      'no-rate: a price ceiling is in JPY, which has no exchange rate to KRW: set one',
    );
    expect(detail(unrated, 'no-rate')).toBe("a price ceiling's currency has no exchange rate");
  });

  test('a provider’s health', () => {
    const providers = [providerOf('alpha', { health: 'unknown' }), providerOf('beta', { mode: 'draining' })];
    const plan = decide({}, [offerOf('alpha', 'a'), offerOf('beta', 'b')], { providers });
    expect(why(plan)).toBe(
      'provider-health: 2 offers fit, but their providers take no new work: alpha is unknown, beta is draining',
    );
    expect([detail(plan, 'health'), detail(plan, 'draining')]).toEqual([
      'provider alpha is unknown',
      'provider beta is draining',
    ]);
  });

  test('an approval: nothing but somebody helps, so there is no time to look again', () => {
    const approval = {
      budgetId: 'bud-1',
      budget: 'gpu',
      aboveMicros: '5000000',
      approvedBy: null,
      approvedAt: null,
      note: null,
    };
    const plan = decide({}, [offerOf('alpha', 'a')], { job: { approval, notBefore: later(9) } });
    expect(why(plan)).toBe(
      'approval: it may cost more than 5 KRW, above which budget gpu asks for an approval: a budget officer has to give it',
    );
    expect([plan.placements, plan.wakeAt]).toEqual([[], null]);
    expect(recordJob({ ...jobOf('job-1'), approval }).approval).toEqual(approval);
    expect(recordJob(jobOf('job-1'))).not.toHaveProperty('approval');
  });

  test('time: a fence before a backoff before everything else, and when to look again', () => {
    const job = { fencedUntil: later(5), notBefore: later(9), attempts: 2 };
    expect(why(decide({}, [], { job }))).toContain('fencing: ');
    expect(decide({}, [], { job }).wakeAt).toEqual(later(5));
    expect(why(decide({}, [], { job: { ...job, fencedUntil: null } }))).toBe(
      'backoff: tried again from 2026-11-22T12:00:09.000Z, after 2 attempts',
    );
    expect(decide({}, [offerOf('alpha', 'a', { effectiveFrom: later(7) })]).wakeAt).toEqual(later(7));
    expect(decide({}, [offerOf('alpha', 'a')], { job: { fencedUntil: later(0) } }).placements).toHaveLength(
      1,
    );
  });
});

describe('capacity: what it needs, and what there is', () => {
  const eight: SpecParts = { resources: { gpu: { count: 8 } } };
  const pooled = (rest: Partial<PlacementOffer> = {}) => offerOf('alpha', 'a', { pool: 'p', ...rest });
  const pool = (rest: Parameters<typeof poolOf>[2]) => ({ pools: [poolOf('alpha', 'p', rest)] });

  test.each<[string, SpecParts, PlacementOffer[], Rest, string, string]>([
    [
      'GPUs of a pool',
      eight,
      [pooled()],
      pool({ usedGpus: 3 }),
      'needs 8 free H100 in alpha/a: 5 are free',
      'too little of its pool p is left',
    ],
    [
      'places',
      eight,
      [offerOf('alpha', 'a', { used: 4 })],
      {},
      'needs 8 free H100 in alpha/a: 0 are free',
      'all 4 are taken',
    ],
    [
      'a whole offer, where fewer GPUs would do',
      { resources: { gpu: { count: 3 } } },
      [pooled({ gpuCount: 4 })],
      pool({ usedGpus: 5 }),
      'needs 4 free H100 in alpha/a: 3 are free',
      'too little of its pool p is left',
    ],
    [
      'machines at once',
      { resources: { nodes: 3 } },
      [offerOf('alpha', 'a', { used: 3 })],
      { providers: [providerOf('alpha', { multiNode: true })] },
      'needs 24 free H100 on 3 machines at once in alpha/a: 8 are free',
      '1 of 4 are left',
    ],
    [
      'CPUs of a pool',
      eight,
      [pooled()],
      pool({ cpuMillis: 64_000, usedCpuMillis: 1 }),
      'needs 8 free H100 in alpha/a: 8 are free, but not the CPUs or memory with them',
      'too little of its pool p is left',
    ],
    [
      'places of an offer whose pool has enough',
      eight,
      [pooled({ capacity: 1, used: 1 })],
      pool({ gpus: 16, usedGpus: 8 }),
      'needs 8 free H100 in alpha/a: 8 are free, but no place of the offer',
      'all 1 are taken',
    ],
    [
      'memory for a job without GPUs',
      { resources: { gpu: { count: 0 }, memoryGiB: 8 } },
      [pooled({ gpuModel: null, gpuCount: 0, gpuMemoryGiB: 0 })],
      pool({ memoryMiB: 16_384, usedMemoryMiB: 8_193 }),
      'needs 1 free place in alpha/a: 4 are free, but not the CPUs or memory with them',
      'too little of its pool p is left',
    ],
    [
      'of several, the one that lacks least',
      {},
      [pooled({ used: 1 }), pooled({ name: 'b', gpuCount: 2 }), offerOf('beta', 'c', { used: 4 })],
      pool({ usedGpus: 7 }),
      'needs 2 free H100 in alpha/a, alpha/b, beta/c: 1 is free',
      'too little of its pool p is left',
    ],
  ])('%s', (_, parts, offers, rest, says, wrong) => {
    const plan = decide(parts, offers, rest);
    expect(why(plan)).toBe(`no-capacity: ${says}`);
    expect(detail(plan, 'capacity')).toBe(wrong);
  });
});
