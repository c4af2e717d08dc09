import { readdirSync, readFileSync } from 'node:fs';

/** Linux only: what /proc says of processes. */

/** A process and all that came of it, but for `without` and what came of those. */
export function familyOf(pid: number, without: readonly number[] = []): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const one = Number(name);
    const parent = Number.isInteger(one) ? Number(statOf(one)?.[1] ?? NaN) : NaN;
    if (Number.isInteger(parent)) children.set(parent, [...(children.get(parent) ?? []), one]);
  }
  const found: number[] = [];
  const visit = (one: number) => {
    if (without.includes(one)) return;
    found.push(one);
    for (const child of children.get(one) ?? []) visit(child);
  };
  visit(pid);
  return found;
}

/** The fields of stat from the state on; null where the process is gone. */
function statOf(pid: number): string[] | null {
  const stat = readProc(pid, 'stat');
  // The name is in brackets and may hold anything, so from the last bracket on.
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

const TICKS_PER_SECOND = 100;

/**
 * Seconds of CPU that these have used, in user and system mode, children of theirs that have ended included. Says
 * what work costs also where others are busy.
 */
export function cpuSeconds(pids: readonly number[]): number {
  const fields = pids.flatMap((pid) => statOf(pid)?.slice(11, 15) ?? []);
  return fields.reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

export function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null;
  }
}
