import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pidsIn, readText, removeCgroup, write, type Ground } from './cgroups.ts';

/** The cgroups of one job: its limits, and the one list of its processes that none of them can leave. */
export interface Cage {
  readonly dirs: readonly string[];
}

export interface Limits {
  /** 0: none. */
  readonly cpus: number;
  /** 0: none. */
  readonly memoryBytes: number;
}

export const NO_CAGE: Cage = { dirs: [] };

/** Made before the job is spawned; its first process enters by itself before it becomes the job's command. */
export function makeCage(ground: Ground, id: string, limits: Limits): Cage {
  if (ground.memory === null) return NO_CAGE;
  const dirs = [join(ground.memory, id)];
  if (ground.cpu !== null && ground.cpu !== ground.memory && limits.cpus > 0) dirs.push(join(ground.cpu, id));
  if (!dirs.every(makeDir)) {
    for (const dir of dirs) removeCgroup(dir);
    return NO_CAGE;
  }
  setLimits(ground, id, limits);
  return { dirs };
}

/** Again, if somebody removed the empty folder above it in between. */
function makeDir(dir: string): boolean {
  for (let tries = 0; tries < 3; tries++) {
    try {
      mkdirSync(dir, { recursive: true });
      return true;
    } catch {
      // Once more.
    }
  }
  return false;
}

function setLimits(ground: Ground, id: string, limits: Limits): void {
  const v2 = ground.mode === 'cgroup2';
  if (limits.memoryBytes > 0 && ground.memory !== null) {
    const dir = join(ground.memory, id);
    const bytes = String(Math.ceil(limits.memoryBytes));
    write(join(dir, v2 ? 'memory.max' : 'memory.limit_in_bytes'), bytes);
    // No swap beyond the limit; where swap is not accounted the file is missing, and nothing is lost by that.
    write(join(dir, v2 ? 'memory.swap.max' : 'memory.memsw.limit_in_bytes'), v2 ? '0' : bytes);
  }
  if (limits.cpus > 0 && ground.cpu !== null) {
    const dir = join(ground.cpu, id);
    const quota = String(Math.max(1000, Math.round(limits.cpus * 100_000)));
    if (v2) write(join(dir, 'cpu.max'), `${quota} 100000`);
    else write(join(dir, 'cpu.cfs_quota_us'), quota);
  }
}

/** What the launching shell writes its own pid into. */
export function doorsOf(cage: Cage): string[] {
  return cage.dirs.map((dir) => join(dir, 'cgroup.procs'));
}

export function pidsOf(cage: Cage): number[] {
  return [...new Set(cage.dirs.flatMap(pidsIn))];
}

/** Atomic on v2; on v1 the caller repeats until pidsOf is empty, because a fork may slip in between. */
export function killCage(cage: Cage): void {
  for (const dir of cage.dirs) {
    if (write(join(dir, 'cgroup.kill'), '1')) continue;
    for (const pid of pidsIn(dir)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
  }
}

/** Processes that the kernel killed because the job was over its memory limit. */
export function oomKills(cage: Cage): number {
  const memory = cage.dirs[0];
  if (memory === undefined) return 0;
  const text = readText(join(memory, 'memory.oom_control')) || readText(join(memory, 'memory.events'));
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** The kernel may need a moment after the last process ended; what is left over goes when the warden next starts. */
export function removeCage(cage: Cage, tries = 20): void {
  const left = cage.dirs.filter((dir) => !removeCgroup(dir));
  if (left.length > 0 && tries > 0) setTimeout(() => removeCage({ dirs: left }, tries - 1), 50).unref();
}
