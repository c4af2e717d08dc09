import type { EndReason } from './allocation.ts';

/**
 * What is sent to a provider and what it says exists: the words that every broker speaks, and the body of the
 * one call by which a vendor's agent talks to the service (`POST /v1/agent/sync`).
 */

/** One allocation to bring up. `allocationId` is the name of the work at the provider, whatever kind it is. */
export interface Order {
  readonly allocationId: string;
  readonly jobId: string;
  readonly jobName: string;
  readonly project: string;
  /** 1, 2, …: which attempt of the job this is. */
  readonly attempt: number;
  readonly image: string | null;
  readonly command: readonly string[];
  /** The tenant's variables only; the provider's side adds the NARU_… ones. */
  readonly env: Readonly<Record<string, string>>;
  readonly gpuCount: number;
  /** 0: no limit asked for. */
  readonly cpus: number;
  /** 0: no limit asked for. */
  readonly memoryGiB: number;
  readonly graceSeconds: number;
  readonly checkpointIntervalSeconds: number;
  /** What to put into NARU_CHECKPOINT_DIR before the command starts. */
  readonly restore: CheckpointRef | null;
  /** Holds a place and has the newest checkpoint ready; the command is not started, ever. */
  readonly standby: boolean;
  /** The standby at the same provider whose place, GPUs and checkpoint this takes over, if it is still there. */
  readonly tookOver: string | null;
  /** Present for a service: a free port is chosen and given as NARU_PORT. */
  readonly serve: { readonly port: number | null; readonly healthPath: string | null } | null;
  /**
   * Money is held for so many seconds of its run, from when it started (of a standby: from when it was ready), and the
   * provider's side ends it by then. It only ever grows. Null: no end.
   */
  readonly paidSeconds: number | null;
}

/** Up to where an allocation is paid for by now. */
export interface PaidTime {
  readonly allocationId: string;
  readonly paidSeconds: number;
}

export interface CheckpointRef {
  readonly id: string;
  readonly sizeBytes: number;
  /** Hex SHA-256 of the stored bytes (a tar stream). */
  readonly sha256: string;
}

/** `standby`: ready to be taken over; `ranMs` then counts from when it was. */
export const OBSERVED_PHASES = ['starting', 'running', 'standby', 'stopping', 'ended'] as const;
export type ObservedPhase = (typeof OBSERVED_PHASES)[number];

/** How an allocation ended, as the provider's side saw it. */
export const OUTCOMES = [
  /** The command ended by itself; `exitCode` says how. */
  'exited',
  /** It was told to stop (by an order) and did. */
  'stopped',
  /** Its lease ran out, so the provider's side ended it. */
  'lease-expired',
  /** It never started: what was asked for cannot be done here; `detail` says why. */
  'refused',
  /** It did not start because there is no room just now. */
  'no-capacity',
  /** It was here once and nobody can say how it ended. */
  'lost',
  /** The money that was held for it was used up, so the provider's side ended it. */
  'unpaid',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Ends that speak against the provider, not against the job. */
export const UNKEPT_OUTCOMES = [
  'lease-expired',
  'refused',
  'no-capacity',
  'lost',
] as const satisfies readonly Outcome[];

/** What a provider says about one allocation. Ages instead of times: the provider's clock is not trusted. */
export interface Observation {
  readonly allocationId: string;
  readonly phase: ObservedPhase;
  /** Milliseconds that the command has run (so far, or in all); null before it starts. */
  readonly ranMs: number | null;
  /** Milliseconds since it ended; null unless `phase` is `ended`. */
  readonly endedAgoMs: number | null;
  readonly outcome: Outcome | null;
  /** 0–255, 128+n for a signal; null where unknown or not ended. */
  readonly exitCode: number | null;
  /** For a person, at most 500 characters. */
  readonly detail: string | null;
  /** Where a service answers, once it does: `http://host:port`. */
  readonly endpoint: string | null;
  /** Services with a health path: has it answered 2xx? Null for everything else. */
  readonly serving: boolean | null;
}

export interface Inventory {
  readonly hostname: string;
  readonly gpus: readonly { readonly index: number; readonly model: string; readonly memoryGiB: number }[];
  readonly cpus: number;
  readonly memoryGiB: number;
  /** How CPU and memory limits are kept on that machine. */
  readonly limits: 'cgroup2' | 'cgroup1' | 'none';
}

/** A GPU fault, as the machine's kernel log has it. Said again until a sync that says it was answered. */
export interface GpuFaultReport {
  /** Names it among all of this machine's: the same fault said twice is one. */
  readonly id: string;
  /** Milliseconds since it happened. */
  readonly agoMs: number;
  /** PCI address, such as `0000:3b:00`. */
  readonly device: string;
  /** As CUDA counts them; null: the agent cannot tell. */
  readonly index: number | null;
  /** As the driver says; null: the agent cannot tell. */
  readonly model: string | null;
  /** NVIDIA's code: see core/gpu-faults.ts. */
  readonly xid: number;
  readonly text: string;
}

/** Of one sync. */
export const GPU_FAULTS_AT_ONCE = 20;

export interface SyncRequest {
  readonly agentVersion: string;
  /** Identity of the agent's data folder: two agents with one key are told apart by it. */
  readonly instanceId: string;
  /**
   * Grows with every request of an instance, across restarts too (start from the wall clock in microseconds):
   * requests may overtake each other on the way, and an older one must not take back what a newer one said.
   * Refused as `state-conflict` when it is not larger than the last; `errors[0].detail` then holds the last one.
   */
  readonly sequence: number;
  readonly inventory: Inventory;
  /** The `ordersVersion` of the last answer; null on the first call. The service holds the call up to a second while nothing is newer. */
  readonly ordersVersion: number | null;
  /** Everything that the agent has a record of, ended ones included until they are forgotten. */
  readonly observations: readonly Observation[];
  /** GPU faults that are news; absent: none, or an agent that cannot read its kernel's log. */
  readonly gpuFaults?: readonly GpuFaultReport[] | undefined;
}

export interface SyncResponse {
  /**
   * Leases of everything in `start` and `keep` are good for this long, counted from when the agent SENT this
   * request (its own monotonic clock). The service counts from when it received it, so it never believes a
   * lease over that is not.
   */
  readonly leaseSeconds: number;
  readonly ordersVersion: number;
  /** Start these if there is no record of them. */
  readonly start: readonly Order[];
  /** Go on with these; never start them: one without a record is reported as `lost`. */
  readonly keep: readonly string[];
  /** Of the standbys in `keep`: what should lie ready by now. */
  readonly prepare: readonly Preparation[];
  /** Stop these (SIGTERM, grace, SIGKILL), save a last checkpoint, report `ended`. */
  readonly stop: readonly StopOrder[];
  /** Of those in `keep` and `stop` whose time is paid: how much it is by now. */
  readonly paid: readonly PaidTime[];
  /** The end of these is on record: delete every trace. Anything in no list at all is to be stopped and forgotten. */
  readonly forget: readonly string[];
  /**
   * A drill has cut these off: as if this answer had not come for them. Renew nothing, stop nothing, forget nothing;
   * their leases run out by themselves.
   */
  readonly unheard: readonly string[];
}

export interface Preparation {
  readonly allocationId: string;
  readonly restore: CheckpointRef;
}

export interface StopOrder {
  readonly allocationId: string;
  readonly reason: EndReason;
  readonly graceSeconds: number;
  /**
   * Its lease was renewed like those in `keep`, so that it may use its grace and save a last checkpoint.
   * False: it was fenced, and ends with the lease that it has.
   */
  readonly renewed: boolean;
}
