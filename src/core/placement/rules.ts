/**
 * Every reason for which an offer can be left out, in the order in which they are asked. An offer that breaks
 * several is counted under the first.
 */
export const RULES = [
  /** The vendor has taken it back. */
  'withdrawn',
  /** A job of several nodes needs several machines that know each other; one offer is one machine. */
  'nodes',
  'gpu-count',
  'gpu-model',
  'gpu-memory',
  'cpus',
  'memory',
  'providers',
  'countries',
  'regions',
  /** Sold only as spot to a job that wants none, or the other way round. */
  'spot',
  'not-yet-effective',
  'price',
  'no-rate',
  'draining',
  /** Only `healthy` takes new work: a provider that was never heard is not trusted either. */
  'health',
  /** Everything fits, and all of it is taken. The one rule that changes while a pass goes on. */
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
/** What only the job or the offer itself could change: time alone does not. */
export const MATCH = bits(
  ...RULES.filter((rule) => !['no-rate', 'draining', 'health', 'capacity'].includes(rule)),
);
