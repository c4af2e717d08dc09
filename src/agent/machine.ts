import type { Logger } from 'pino';
import type { Folders } from './folders.ts';
import type { Gpu } from './gpus.ts';
import type { LocalJob } from './localJob.ts';
import type { Saver } from './saver.ts';
import type { Shipper } from './shipper.ts';
import type { Uplink } from './uplink.ts';
import type { Command } from './protocol.ts';

export interface ExecutorOptions {
  /** Absolute; exists. */
  readonly dataDir: string;
  readonly uplink: Uplink;
  readonly gpus: readonly Gpu[];
  /** Where services on this machine are reached from outside. */
  readonly host: string;
  readonly log: Logger;
  /** The machine's PATH, handed to jobs. */
  readonly path: string | undefined;
  /** How long a last checkpoint may take. */
  readonly saveMs: number;
  /** Milliseconds without job and agent after which the warden goes. */
  readonly idleMs: number;
  /** How long a data folder that another agent has is waited for. */
  readonly busyMs: number;
  /** Something that the service will want to know. */
  onChange(): void;
}

/** What the verbs of the executor (raise, running, ending) work on. One a data folder. */
export interface Machine {
  readonly options: ExecutorOptions;
  readonly folders: Folders;
  /** Every allocation of which there is a record. */
  readonly jobs: Map<string, LocalJob>;
  readonly saver: Saver;
  readonly shipper: Shipper;
  /** To the warden; false while there is none. */
  tell(command: Command): boolean;
  closed: boolean;
  /** The agent is going: nothing new is begun. */
  leaving: boolean;
}

/** Of jobs that have not ended. */
export function heldGpus(machine: Machine): Set<number> {
  return new Set(unended(machine).flatMap((job) => [...job.gpus]));
}

/** Of jobs that have not ended. */
export function heldPorts(machine: Machine): Set<number> {
  return new Set(unended(machine).flatMap((job) => job.port ?? []));
}

export function unended(machine: Machine): LocalJob[] {
  return [...machine.jobs.values()].filter(({ exit }) => exit === null);
}
