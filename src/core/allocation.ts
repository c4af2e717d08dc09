/**
 * Where one attempt of one job can be.
 * submitting: the order is stored, the provider may or may not have it.
 * active: the provider was seen to have it.
 * releasing: we want it gone, and cannot yet say that it is; it still bills and its lease may still run.
 * released: seen to have ended, or its lease is over.
 */
export const ALLOCATION_STATES = ['submitting', 'active', 'releasing', 'released'] as const;
export type AllocationState = (typeof ALLOCATION_STATES)[number];

export const ALLOCATION_TRANSITIONS: Readonly<Record<AllocationState, readonly AllocationState[]>> = {
  submitting: ['active', 'releasing', 'released'],
  active: ['releasing', 'released'],
  releasing: ['released'],
  released: [],
};

/** At most one of a job's allocations may be in one of these (a partial unique index). */
export const LIVE_ALLOCATION_STATES = ['submitting', 'active'] as const satisfies readonly AllocationState[];
/** These still hold capacity at the provider and still bill. */
export const HOLDING_ALLOCATION_STATES = [
  'submitting',
  'active',
  'releasing',
] as const satisfies readonly AllocationState[];

export function allocationStatesBefore(to: AllocationState): AllocationState[] {
  return ALLOCATION_STATES.filter((from) => ALLOCATION_TRANSITIONS[from].includes(to));
}

/** Why an allocation ended or was told to. */
export const END_REASONS = [
  'exited',
  'cancelled',
  'provider-down',
  'provider-degraded',
  'operator-move',
  'provider-drain',
  'max-runtime',
  'deadline',
  'lease-expired',
  'refused',
  'lost',
] as const;
export type EndReason = (typeof END_REASONS)[number];
