/** How a call to a provider can fail, whatever its kind. What one means is judged in core/failover.ts alone. */
export const FAULTS = [
  'no_capacity',
  'rejected',
  'unauthorized',
  'throttled',
  'unreachable',
  'unknown_outcome',
] as const;
export type Fault = (typeof FAULTS)[number];
