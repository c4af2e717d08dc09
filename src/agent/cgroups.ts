import { wallMs } from './clock.ts';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, posix } from 'node:path';

/** Where this process may make cgroups for its jobs. `dirs` are the parents, one for each hierarchy that is used. */
export interface Ground {
  readonly mode: 'cgroup2' | 'cgroup1' | 'none';
  readonly memory: string | null;
  readonly cpu: string | null;
  /** For the operator: what will be kept, or why nothing is. */
  readonly detail: string;
}

/** One mounted hierarchy, and where in it this process is. */
interface Hierarchy {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly home: string;
}

/**
 * Finds or makes `naru-<name>` below the cgroup that we are in ourselves, so that limits set on us from outside
 * hold for the jobs as well. v2 where its memory controller is to be had, else v1, else nothing.
 */
export function claimGround(name: string): Ground {
  const found = hierarchies();
  return claimV2(found, name) ?? claimV1(found, name) ?? NOTHING;
}

const NOTHING: Ground = {
  mode: 'none',
  memory: null,
  cpu: null,
  detail: 'no writable cgroup here: CPU and memory limits of jobs are not kept on this machine',
};

function claimV1(found: readonly Hierarchy[], name: string): Ground | null {
  const claim = (controller: string): string | null => {
    const home = found.find((one) => one.version === 1 && one.controllers.includes(controller))?.home;
    if (home === undefined) return null;
    removeEmptySiblings(home);
    return makeDir(join(home, `naru-${name}`));
  };
  const memory = claim('memory');
  if (memory === null) return null;
  const cpu = claim('cpu');
  const detail = cpu === null ? 'cgroup v1: memory limits are kept, CPU limits are not' : 'cgroup v1';
  return { mode: 'cgroup1', memory, cpu, detail };
}

/** An empty cgroup that is younger may be one that its job is just about to enter. */
const ABANDONED_MS = 60_000;

/**
 * What wardens left that were killed and whose data folder nobody started again. A living one that has no job just
 * now may lose its folder, too, and makes it again with its next job (cage.ts).
 */
function removeEmptySiblings(home: string): void {
  for (const ground of foldersIn(home)) {
    if (!basename(ground).startsWith('naru-') || !isAbandoned(ground)) continue;
    for (const job of foldersIn(ground)) if (isAbandoned(job)) removeEmpty(job);
    removeEmpty(ground);
  }
}

function isAbandoned(dir: string): boolean {
  const made = statSync(dir, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && wallMs() - made > ABANDONED_MS;
}

function foldersIn(dir: string): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name));
  } catch {
    return [];
  }
}

/** The kernel refuses while there is a process or another cgroup in it. */
function removeEmpty(dir: string): boolean {
  try {
    rmdirSync(dir);
    return true;
  } catch {
    return !existsSync(dir);
  }
}

function claimV2(found: readonly Hierarchy[], name: string): Ground | null {
  const home = found.find((one) => one.version === 2)?.home;
  if (home === undefined) return null;
  const offered = readText(join(home, 'cgroup.controllers')).split(/\s+/);
  if (!offered.includes('memory')) return null;
  const wanted = ['memory', 'cpu'].filter((one) => offered.includes(one));
  const ground = makeDir(join(home, `naru-${name}`));
  if (ground === null || !delegate(home, wanted, name) || !enable(ground, wanted)) return null;
  const cpu = wanted.includes('cpu') ? ground : null;
  return { mode: 'cgroup2', memory: ground, cpu, detail: 'cgroup v2' };
}

/**
 * A v2 cgroup that hands controllers down may hold no process itself. If the only ones in it are this process and
 * the one that started it (the usual unit with Delegate=yes), they move into a leaf; else it is not ours to change.
 */
function delegate(home: string, wanted: readonly string[], name: string): boolean {
  if (enable(home, wanted)) return true;
  const ours = new Set([process.pid, process.ppid]);
  const inside = pidsIn(home);
  if (inside.length === 0 || !inside.every((pid) => ours.has(pid))) return false;
  const leaf = makeDir(join(home, `naru-${name}-self`));
  if (leaf === null) return false;
  return inside.every((pid) => write(join(leaf, 'cgroup.procs'), String(pid))) && enable(home, wanted);
}

function enable(dir: string, wanted: readonly string[]): boolean {
  const active = readText(join(dir, 'cgroup.subtree_control')).split(/\s+/);
  if (wanted.every((one) => active.includes(one))) return true;
  return write(join(dir, 'cgroup.subtree_control'), wanted.map((one) => `+${one}`).join(' '));
}

function hierarchies(): Hierarchy[] {
  const homes = new Map<string, string>();
  for (const line of readText('/proc/self/cgroup').split('\n')) {
    const [, controllers, ...path] = line.split(':');
    if (controllers !== undefined) homes.set(controllers, path.join(':'));
  }
  const found: Hierarchy[] = [];
  for (const line of readText('/proc/self/mountinfo').split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', mount] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (mount === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    const controllers = type === 'cgroup' ? options.split(',') : [];
    const path = [...homes].find(([key]) =>
      type === 'cgroup2'
        ? key === ''
        : key !== '' && key.split(',').every((one) => controllers.includes(one)),
    )?.[1];
    found.push({ version: type === 'cgroup2' ? 2 : 1, controllers, home: homeIn(mount, root, path ?? '/') });
  }
  return found;
}

/** The folder of cgroup `path` in a hierarchy of which `root` is mounted at `mount`; the mount itself if it is not below. */
function homeIn(mount: string, root: string, path: string): string {
  const inside = root === '/' ? path : path.startsWith(root) ? path.slice(root.length) : '/';
  const home = posix.join(mount, inside);
  return existsSync(home) ? home : mount;
}

function makeDir(path: string): string | null {
  try {
    mkdirSync(path, { recursive: true });
    return path;
  } catch {
    return null;
  }
}

export function pidsIn(dir: string): number[] {
  return readText(join(dir, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export function write(path: string, text: string): boolean {
  try {
    writeFileSync(path, text);
    return true;
  } catch {
    return false;
  }
}

/** Removes a cgroup that has no process in it, with what is below; false while there are some. */
export function removeCgroup(dir: string): boolean {
  for (const inside of foldersIn(dir)) removeCgroup(inside);
  return removeEmpty(dir);
}
