/**
 * Every reason for which an offer can be left out, in the order in which they are asked. An offer that breaks
 * several is counted under the first. The order is also one of cost: the first are asked of a shape, the next of a
 * place, the last of each offer by itself.
 */
export const RULES = [
  // of a shape
  'gpu-count',
  'gpu-model',
  'gpu-memory',
  'cpus',
  'memory',
  // of a place: a provider, a region
  /** Several machines for one job: the provider's broker has to be able to. */
  'nodes',
  'providers',
  'countries',
  'regions',
  'realm',
  'certification',
  'data-grade',
  'dr-verified',
  /** Too near to a place that lost the job. */
  'separation',
  // of an offer
  /** Even with nothing taken, it has fewer places than the job has nodes. */
  'places',
  /** Even with nothing taken, its pool has less than the job would draw. */
  'pool',
  /** Sold only as spot to a job that wants none, or the other way round. */
  'spot',
  'not-yet-effective',
  'price',
  'job-price',
  /** Dearer than the quote that the job was submitted with. */
  'quote',
  'no-rate',
  'draining',
  /** Only `healthy` takes new work: a provider that was never heard is not trusted either. */
  'health',
  /** Everything fits, and too much of it is taken, or held for a job that has waited long. */
  'capacity',
] as const;
export type RuleName = (typeof RULES)[number];

/** The rules that an offer breaks, as a bit each: a pass asks ten million times, and an array each time would be felt. */
export type Broken = number;

const BITS = new Map(RULES.map((rule, index) => [rule, 1 << index]));

export function bit(rule: RuleName): Broken {
  return BITS.get(rule) ?? 0;
}

export function bits(...rules: readonly RuleName[]): Broken {
  return rules.reduce((sum, rule) => sum | bit(rule), 0);
}

/** Index in RULES of the rule that an offer is counted under; `broken` is not 0. */
export function firstBroken(broken: Broken): number {
  return 31 - Math.clz32(broken & -broken);
}

export function brokenRules(broken: Broken): RuleName[] {
  return RULES.filter((rule) => (broken & bit(rule)) !== 0);
}

export const NO_RATE = bit('no-rate');
/** What only the job, its rules or the offer itself could change: time alone does not. */
export const MATCH = bits(
  ...RULES.filter((rule) => !['no-rate', 'draining', 'health', 'capacity'].includes(rule)),
);
