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

/**
 * What an allocation is to its job.
 * run: the attempt itself, the job's current one while it is live.
 * standby: a place elsewhere that is held warm: the newest checkpoint is there, the command is not started.
 * replica: the same service, running elsewhere beside the run.
 */
export const ALLOCATION_ROLES = ['run', 'standby', 'replica'] as const;
export type AllocationRole = (typeof ALLOCATION_ROLES)[number];
/** Those that stand by for the run. */
export const SPARE_ROLES = ['standby', 'replica'] as const satisfies readonly AllocationRole[];
export type SpareRole = (typeof SPARE_ROLES)[number];

/** What an allocation's cost is for: standing by, failovers and drills are shown apart, as they are paid from elsewhere. */
export const PURPOSES = ['run', 'standby', 'failover', 'drill'] as const;
export type Purpose = (typeof PURPOSES)[number];

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
  /** A standby whose place its job has taken over. */
  'promoted',
  /** A spare that nobody needs any more. */
  'not-needed',
  /** It made room for work that must not stop. */
  'preempted',
  /** Its job goes back to where a disaster took it from. */
  'failback',
  /** The money that was held for it was used up, and there was no more. */
  'budget',
] as const;
export type EndReason = (typeof END_REASONS)[number];
