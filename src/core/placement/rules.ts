/**
 * Every reason for which an offer can be left out, in the order in which they are asked. An offer that breaks
 * several is counted under the first.
 */
export const RULES = [
  'withdrawn',
  'nodes',
  'gpu-count',
  'gpu-model',
  'gpu-memory',
  'cpus',
  'memory',
  'providers',
  'countries',
  'regions',
  'spot',
  'not-yet-effective',
  'price',
  'no-rate',
  'draining',
  'health',
  'capacity',
] as const;
export type RuleName = (typeof RULES)[number];
