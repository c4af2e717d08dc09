import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { startTicksOf } from './tree.ts';

/**
 * One warden a data folder: a file that names the living one. Linked into place, so two that start together cannot
 * both have it; a dead one's is taken over.
 * @returns what the file holds now, or null where another process has it
 */
export function claimFile(path: string): string | null {
  const mine = `${process.pid} ${startTicksOf(process.pid) ?? '-'}`;
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, mine, { mode: 0o600 });
  try {
    for (let tries = 0; tries < 5; tries++) {
      try {
        linkSync(aside, path);
        return mine;
      } catch {
        if (holderOf(path) !== null) return null;
        rmSync(path, { force: true });
      }
    }
    return null;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Pid of the living process that holds the claim, or null. */
export function holderOf(path: string): number | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  const [pid = '', ticks = ''] = text.split(' ');
  const now = startTicksOf(Number(pid));
  return now !== null && (ticks === '-' || now === ticks) ? Number(pid) : null;
}
