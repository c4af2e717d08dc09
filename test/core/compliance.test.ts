import { describe, expect, test } from 'vitest';
import { breachesOf, type PlacedJob } from '../../src/core/placement/compliance.ts';
import type { PlacementProvider } from '../../src/core/placement/types.ts';
import { NO_RULES, type RuleSet } from '../../src/core/rules.ts';
import { later, providerOf, specOf, worldOf, type SpecParts } from './placement-world.ts';

const csap = (validUntil: Date) => ({
  scheme: 'CSAP',
  grade: 'high',
  validFrom: later(-9_999).toISOString(),
  validUntil: validUntil.toISOString(),
});

/** A job on a provider in Korea, at 1 KRW an hour. */
function breaches(
  parts: SpecParts,
  rules: { organization?: Partial<RuleSet>; project?: Partial<RuleSet> } = {},
  rest: { provider?: Partial<PlacementProvider>; job?: Partial<PlacedJob>; rates?: [string, bigint][] } = {},
) {
  const of = (some: Partial<RuleSet> | undefined) => (some ? { ...NO_RULES, ...some } : null);
  const book = (name: string, some: RuleSet | null) =>
    new Map<string, RuleSet>(some === null ? [] : [[name, some]]);
  const job: PlacedJob = {
    organization: 'acme',
    project: 'p',
    spec: specOf(parts),
    provider: providerOf('alpha', rest.provider),
    region: 'kr-1',
    spot: false,
    priceMicrosPerHour: 1_000_000n,
    ...rest.job,
  };
  const world = worldOf({
    rates: new Map(rest.rates),
    rules: {
      organizations: book('acme', of(rules.organization)),
      projects: book('p', of(rules.project)),
    },
  });
  return breachesOf(job, world).map(
    ({ rule, level, of: whose, detail }) => `${level} ${whose}: ${rule}: ${detail}`,
  );
}

describe('what runs against the rules', () => {
  test('nothing, where they are kept', () => {
    expect(breaches({}, { organization: {}, project: { countries: ['KR'] } })).toEqual([]);
  });

  test.each<[string, Parameters<typeof breaches>, string]>([
    [
      'a provider that the project denies',
      [{}, { project: { providers: { allow: [], deny: ['alpha'] } } }],
      'project p: providers: provider alpha is not allowed',
    ],
    ['a country', [{}, { organization: { countries: ['JP'] } }], 'organization acme: countries: it is in KR'],
    [
      'a region',
      [{ placement: { regions: { allow: ['kr-2'], deny: [] } } }],
      'job this job: regions: region kr-1 is not allowed',
    ],
    [
      'a realm that nobody vouched for',
      [{}, { project: { realms: ['government'] } }, { provider: { realm: 'government', attested: false } }],
      'project p: realm: it counts as public',
    ],
    [
      'a certificate that ran out',
      [
        {},
        { project: { certifications: [{ scheme: 'CSAP', grades: [] }] } },
        { provider: { certifications: [csap(later(-1))] } },
      ],
      "project p: certification: alpha's certificate CSAP high expired on 2026-11-22",
    ],
    [
      'a grade that no policy row admits',
      [{}, { project: { dataGrade: 'sensitive' } }],
      'project p: data-grade: no policy says today where sensitive data may go',
    ],
    [
      'spot',
      [{}, { project: { spot: 'never' } }, { job: { spot: true } }],
      'project p: spot: it is spot capacity',
    ],
    [
      'a price',
      [
        {},
        { organization: { maxPricePerHour: { amount: '0.0005', currency: 'USD' } } },
        { rates: [['USD', 1_400_000_000n]] },
      ],
      'organization acme: price: it costs 1 KRW an hour, the ceiling is 0.0005 USD',
    ],
  ])('%s', (_, given, expected) => {
    expect(breaches(...given)).toContain(expected);
  });

  test('a price at the ceiling is within it, and a ceiling without a rate accuses nobody', () => {
    expect(breaches({}, { project: { maxPricePerHour: { amount: '1', currency: 'KRW' } } })).toEqual([]);
    expect(breaches({}, { project: { maxPricePerHour: { amount: '0.1', currency: 'USD' } } })).toEqual([]);
  });
});
