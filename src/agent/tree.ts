import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/** Every process of a job, found by what it cannot shake off: its group, its session, its environment. */
export interface Quarry {
  readonly allocationId: string;
  /** Pid of the main process, which leads its own session and group; null where it is not known (any more). */
  readonly leader: number | null;
  /** When the main process started, in ticks; what is older than it is not looked at. Null: not known. */
  readonly startTicks: string | null;
}

interface Stat {
  readonly state: string;
  readonly group: number;
  readonly session: number;
  readonly startTicks: string;
}

/** /proc/pid/stat; the command in parentheses may hold anything, so count from the last one. */
export function parseStat(text: string): Stat | null {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, , group, session] = fields;
  const startTicks = fields[19];
  if (state === undefined || startTicks === undefined) return null;
  return { state, group: Number(group), session: Number(session), startTicks };
}

/** With the pid it names one process for good: a pid alone may be somebody else's by now. Null: no such process. */
export function startTicksOf(pid: number): string | null {
  return statOf(pid)?.startTicks ?? null;
}

/**
 * Live processes of these jobs, by one look at /proc. A daemon that forked twice left the group, perhaps the
 * session, but its environment still names the allocation. One that also empties its environment is only caught by
 * a cgroup (cage.ts), which is why one is made for every job where the machine allows it.
 */
export async function findProcesses(quarries: readonly Quarry[]): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  if (quarries.length === 0) return found;
  const byLeader = new Map<number, string>();
  for (const one of quarries) if (one.leader !== null) byLeader.set(one.leader, one.allocationId);
  const wanted = new Set(quarries.map((one) => one.allocationId));
  const since = Math.min(...quarries.map(({ startTicks }) => Number(startTicks ?? 0)));
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const name of pids) {
    const pid = Number(name);
    const stat = pid === process.pid ? null : statOf(pid);
    if (stat === null || stat.state === 'Z' || stat.state === 'X' || Number(stat.startTicks) < since)
      continue;
    const owner = byLeader.get(stat.group) ?? byLeader.get(stat.session) ?? (await namedBy(pid));
    if (owner !== null && wanted.has(owner)) found.set(owner, [...(found.get(owner) ?? []), pid]);
  }
  return found;
}

/** At once, because it never waits and there are hundreds; the environment of a stuck process may make one wait. */
function statOf(pid: number): Stat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null;
  }
}

const NAMES = '\0NARU_ALLOCATION_ID=';

/** The allocation that a process's environment names, or null. */
async function namedBy(pid: number): Promise<string | null> {
  const environment = `\0${await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')}`;
  const at = environment.indexOf(NAMES);
  return at < 0 ? null : (environment.slice(at + NAMES.length).split('\0', 1)[0] ?? null);
}

/** Signals every process of the group that `leader` leads; false when there is none. */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  return send(-leader, signal);
}

export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
