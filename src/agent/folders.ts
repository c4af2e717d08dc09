import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Order, Outcome } from '../core/order.ts';
import type { Stamp } from './clock.ts';

/**
 * What lies on disk about each allocation, `<data>/jobs/<allocationId>/`:
 *
 *   local.json    the order as it was taken, its GPUs and port          written by the agent, first
 *   intent.json   about to be spawned                                    written by the warden before
 *   started.json  pid and its start time                                 … and after it spawned
 *   lease         until when it may run; only while it does              kept by the warden, for the sentinel
 *   exit.json     how it ended                                           by whoever learns it; never changed
 *   saved.json    what the last saved checkpoint held
 *   paid.json     how much of its time is paid, since the order said     written by the agent
 *   warm.json     of a standby: since when it is ready, and which checkpoint lies in it
 *   shipped.json  how far the log was sent
 *   log/ work/ checkpoint/
 *
 * Every file is written aside and renamed. No fsync: after a power cut nothing of a job runs any more, and a
 * missing record is then reported as what it is, `lost`.
 */
export interface Local {
  readonly order: Order;
  readonly gpus: readonly number[];
  readonly port: number | null;
  readonly accepted: Stamp;
}

export interface Intent {
  readonly cgroups: readonly string[];
  readonly at: Stamp;
}

export interface Started {
  readonly pid: number;
  /** Field 22 of /proc/pid/stat: with the pid it names one process for good. Null where there is no /proc. */
  readonly startTicks: string | null;
  readonly at: Stamp;
}

export interface Exit {
  readonly outcome: Outcome;
  readonly exitCode: number | null;
  readonly detail: string | null;
  readonly ranMs: number | null;
  readonly at: Stamp;
}

export interface Paid {
  readonly seconds: number;
}

export interface Saved {
  readonly fingerprint: string;
}

/** A standby that is ready. */
export interface Warm {
  /** Null: there was none. */
  readonly checkpoint: string | null;
  readonly at: Stamp;
}

export interface Shipped {
  readonly byte: number;
}

export interface Records {
  readonly 'local.json': Local;
  readonly 'intent.json': Intent;
  readonly 'started.json': Started;
  readonly 'exit.json': Exit;
  readonly 'saved.json': Saved;
  readonly 'paid.json': Paid;
  readonly 'warm.json': Warm;
  readonly 'shipped.json': Shipped;
}

/** Ids become folder names, so nothing that could leave the folder is an id. */
const ID = /^[a-z0-9][a-z0-9_-]{0,99}$/;

export function isUsableId(id: string): boolean {
  return ID.test(id);
}

export interface Folders {
  readonly root: string;
  of(id: string): string;
  workDir(id: string): string;
  checkpointDir(id: string): string;
  logDir(id: string): string;
  ids(): string[];
  create(id: string): void;
  read<K extends keyof Records>(id: string, name: K): Records[K] | null;
  /** Throws where the disk is full or the folder gone. */
  write<K extends keyof Records>(id: string, name: K, value: Records[K]): void;
  remove(id: string): Promise<void>;
}

/** How much of its time is paid, so far as is on record: the last word, else the order's. */
export function paidSecondsOf(folders: Folders, order: Order): number | null {
  // An order of before has no such word.
  const ordered = (order as Partial<Order>).paidSeconds ?? null;
  return folders.read(order.allocationId, 'paid.json')?.seconds ?? ordered;
}

/** The jobs' folders below the agent's data folder. */
export function openFolders(dataDir: string): Folders {
  const root = join(dataDir, 'jobs');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const of = (id: string): string => {
    if (!isUsableId(id)) throw new RangeError(`not an allocation id: ${id.slice(0, 40)}`);
    return join(root, id);
  };
  return {
    root,
    of,
    workDir: (id) => join(of(id), 'work'),
    checkpointDir: (id) => join(of(id), 'checkpoint'),
    logDir: (id) => join(of(id), 'log'),
    ids: () => readdirSync(root).filter(isUsableId),
    create: (id) => {
      for (const name of ['work/tmp', 'checkpoint', 'log'])
        mkdirSync(join(of(id), name), { recursive: true, mode: 0o700 });
    },
    read: (id, name) => readJson(join(of(id), name)),
    write: (id, name, value) => writeJson(join(of(id), name), value),
    remove: (id) => rm(of(id), { recursive: true, force: true, maxRetries: 3 }),
  };
}

function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** Atomic: a reader sees the old or the new. Mode 600, because an order holds the tenant's environment. */
export function writeJson(path: string, value: unknown): void {
  const aside = `${path}.${process.pid}.new`;
  try {
    writeFileSync(aside, JSON.stringify(value), { mode: 0o600 });
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}
