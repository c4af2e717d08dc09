import type { JobSpec } from '../job.ts';
import { formatMicros, parseMicros } from '../money.ts';
import type { LeveledRules, PlacementRules, RuleLevel } from '../rules.ts';
import {
  brokenByProvider,
  certificationGap,
  gradeGap,
  passes,
  realmOf,
  type Circumstances,
} from './eligible.ts';
import { rateOf } from './market.ts';
import { levelsOf } from './rulebook.ts';
import { brokenRules, type RuleName } from './rules.ts';
import type { PlacementProvider, World } from './types.ts';

/** A job that has a place, and that place as it was decided. */
export interface PlacedJob {
  readonly organization: string;
  readonly project: string;
  readonly spec: JobSpec;
  /** Null: it is not registered any more. */
  readonly provider: PlacementProvider | null;
  readonly region: string;
  readonly spot: boolean;
  /** Of one whole offer, accounting currency, as it was locked. */
  readonly priceMicrosPerHour: bigint;
}

/** A rule that a running job's place does not keep, as things are now. */
export interface Breach {
  readonly rule: RuleName;
  readonly level: RuleLevel;
  /** Of the organization or the project. */
  readonly of: string;
  readonly detail: string;
}

/**
 * What a running job breaks by now: a rule was changed, a certificate ran out, a policy has another row. Nothing is
 * stopped for it by itself; an operator may move the job (`POST /v1/jobs/{id}/move`), and its next placement keeps the rules.
 */
export function breachesOf(
  job: PlacedJob,
  world: Pick<World, 'now' | 'currency' | 'rates' | 'rules' | 'policies'>,
): Breach[] {
  return levelsOf(job, world.rules).flatMap((level) => [
    ...ofPlace(job, level, world),
    ...ofSale(job, level, world),
  ]);
}

function ofPlace(
  { provider, region }: PlacedJob,
  { level, name, rules }: LeveledRules,
  at: Circumstances,
): Breach[] {
  const breach = (rule: RuleName, detail: string): Breach => ({ rule, level, of: name, detail });
  const ofRegion = passes(rules.regions, region)
    ? []
    : [breach('regions', `region ${region} is not allowed`)];
  if (provider === null) return ofRegion;
  const broken = brokenRules(brokenByProvider(rules, provider, at));
  return [...broken.map((rule) => breach(rule, wordsFor(rule, rules, provider, at))), ...ofRegion];
}

function wordsFor(
  rule: RuleName,
  rules: PlacementRules,
  provider: PlacementProvider,
  at: Circumstances,
): string {
  switch (rule) {
    case 'countries':
      return `it is in ${provider.site.country}`;
    case 'realm':
      return `it counts as ${realmOf(provider)}`;
    case 'certification':
      return rules.certifications.map((need) => certificationGap(provider, need, at.now)).find(Boolean) ?? '';
    case 'data-grade':
      return (rules.dataGrade && gradeGap(provider, rules.dataGrade, at)) ?? '';
    case 'dr-verified':
      return 'no drill has proved its recovery';
    default:
      return `provider ${provider.name} is not allowed`;
  }
}

function ofSale(
  { spot, priceMicrosPerHour }: PlacedJob,
  { level, name, rules }: LeveledRules,
  world: Pick<World, 'currency' | 'rates'>,
): Breach[] {
  const breaches: Breach[] = [];
  if (rules.spot === (spot ? 'never' : 'only')) {
    const detail = spot ? 'it is spot capacity' : 'it is not spot capacity';
    breaches.push({ rule: 'spot', level, of: name, detail });
  }
  const limit = rules.maxPricePerHour;
  const rate = limit === null ? null : rateOf(world, limit.currency);
  if (limit !== null && rate !== null && priceMicrosPerHour * 1_000_000n > parseMicros(limit.amount) * rate) {
    const detail = `it costs ${formatMicros(priceMicrosPerHour)} ${world.currency} an hour, the ceiling is ${limit.amount} ${limit.currency}`;
    breaches.push({ rule: 'price', level, of: name, detail });
  }
  return breaches;
}
