import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { removeCgroup } from '../src/agent/cgroups.ts';

/**
 * The end of everything that belongs to a folder. Processes are found by what they cannot shake off (where they
 * work, what they were called with, what they were told), not by a list that somebody kept: a list dies with its
 * keeper.
 */
export function processesOf(folder: string): number[] {
  if (!existsSync('/proc/self/stat')) return listed(folder);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => isAlive(pid) && belongs(pid, folder));
}

function belongs(pid: number, folder: string): boolean {
  if (read(`/proc/${pid}/cmdline`).includes(folder) || read(`/proc/${pid}/environ`).includes(folder))
    return true;
  try {
    // As a whole name or a parent of it: `/tmp/naru-1` must not claim what works in `/tmp/naru-12`.
    return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${folder}/`);
  } catch {
    return false;
  }
}

/** Zombies have ended; who collects them is not ours. */
function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** Without /proc (macOS): by command line and environment. */
function listed(folder: string): number[] {
  const lines = execFileSync('ps', ['-axEwwo', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  }).split('\n');
  return lines
    .filter((line) => line.includes(folder))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid);
}

/** SIGKILL to all of it at once, again until a look finds nothing. @returns how many processes it hit */
export async function killAll(folder: string): Promise<number> {
  const hit = new Set<number>();
  for (let round = 0; round < 100; round++) {
    const left = processesOf(folder);
    if (left.length === 0) break;
    for (const pid of left) {
      hit.add(pid);
      kill(pid, 'SIGKILL');
    }
    await wait(20);
  }
  return hit.size;
}

/** Ends every process of the folder, and removes it with all that it stands for. Throws where something stays. */
export async function sweep(folder: string): Promise<void> {
  const folders = [folder, ...databaseElsewhere(folder)];
  // The service first: it would start the database again.
  const [databases, others] = split(folders.flatMap(processesOf), isPostgres);
  for (const pid of others.filter((one) => !isBackend(one))) kill(pid, 'SIGKILL');
  // PostgreSQL by its own quick way: killed outright, it would leave its shared memory in the system.
  for (const pid of databases) kill(pid, 'SIGQUIT');
  for (let i = 0; i < 100 && databases.some(isAlive); i++) await wait(20);
  for (const one of folders) await killAll(one);
  for (let i = 0; i < 20 && !removeCgroups(folder); i++) await wait(50);
  for (const one of folders.toReversed()) {
    rmSync(one, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    if (processesOf(one).length > 0 || existsSync(one)) throw new Error(`${one} could not be cleared`);
  }
}

/** Where PostgreSQL's user cannot reach the folder, its files lie elsewhere, and a link points there. */
function databaseElsewhere(folder: string): string[] {
  const link = join(folder, 'data', 'postgres');
  return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ? [realpathSync(link)] : [];
}

/** One that the server made: it goes with it, and its death alone would make the server recover. */
function isBackend(pid: number): boolean {
  return read(`/proc/${pid}/cmdline`).startsWith('postgres: ');
}

/** The server itself. */
function isPostgres(pid: number): boolean {
  return /\/postgres\0.*-D\0/s.test(read(`/proc/${pid}/cmdline`));
}

function split<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}

/**
 * An agent makes a cgroup for its jobs, named after its data folder; a killed one leaves it behind, empty. Below
 * which cgroup depends on the machine, so every mounted hierarchy is asked, at its root and where we are ourselves.
 */
function removeCgroups(folder: string): boolean {
  const agents = join(folder, 'agents');
  const own = names(agents).map((name) => {
    const hash = createHash('sha256').update(join(agents, name)).digest('hex');
    return `naru-${hash.slice(0, 12)}`;
  });
  const places = cgroupPlaces();
  return own.every((name) => places.every((place) => removeCgroup(join(place, name))));
}

function cgroupPlaces(): string[] {
  const mounts = read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
  const paths = read('/proc/self/cgroup')
    .split('\n')
    .map((line) => line.split(':').slice(2).join(':'));
  return [...new Set(mounts.flatMap((mount) => ['/', ...paths].map((path) => join(mount, path))))];
}

function names(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
