import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/** Every process of a job, found by what it cannot shake off: its group, its session, its environment. */
export interface Quarry {
  readonly allocationId: string;
  /** Pid of the main process, which leads its own session and group; null where it is not known (any more). */
  readonly leader: number | null;
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
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.startTicks ?? null;
  } catch {
    return null;
  }
}

/**
 * Live processes of these jobs, by one look at /proc. A daemon that forked twice left the group, perhaps the
 * session, but its environment still names the allocation. One that also empties its environment is only caught by
 * a cgroup (limits.ts), which is why one is made for every job where the machine allows it.
 */
export async function findProcesses(quarries: readonly Quarry[]): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  if (quarries.length === 0) return found;
  const byLeader = new Map<number, string>();
  for (const one of quarries) if (one.leader !== null) byLeader.set(one.leader, one.allocationId);
  const wanted = new Set(quarries.map((one) => one.allocationId));
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const name of pids) {
    const pid = Number(name);
    if (pid === process.pid) continue;
    const owner = await ownerOf(pid, byLeader, wanted);
    if (owner !== null) found.set(owner, [...(found.get(owner) ?? []), pid]);
  }
  return found;
}

async function ownerOf(
  pid: number,
  byLeader: ReadonlyMap<number, string>,
  wanted: ReadonlySet<string>,
): Promise<string | null> {
  const stat = parseStat(await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''));
  if (stat === null || stat.state === 'Z' || stat.state === 'X') return null;
  const byGroup = byLeader.get(stat.group) ?? byLeader.get(stat.session);
  if (byGroup !== undefined) return byGroup;
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  const at = environment.indexOf('NARU_ALLOCATION_ID=');
  if (at < 0 || (at > 0 && environment[at - 1] !== '\0')) return null;
  const id = environment.slice(at + 19).split('\0', 1)[0] ?? '';
  return wanted.has(id) ? id : null;
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
