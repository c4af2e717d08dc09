import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Until when a live job may run (the end of its lease, or of its paid time), where the sentinel sees it while the warden
 * is frozen: `<job>/lease`, one line with an upMs(). Overwritten in place and always of one length, so that a renewal
 * needs no new block: a job that filled the disk must not look like one that nobody renews (a file written aside and
 * renamed would not do, nor would a pipe, in which a sentinel that was late finds old renewals first). Where even that
 * fails, the job ends too early, never too late.
 */
export interface LeaseFile {
  renew(deadlineMs: number): void;
  /** The sentinel found that moment over and the job still there, and killed it. */
  isStruck(): boolean;
  remove(): void;
}

const NAME = 'lease';
/** What the sentinel adds before it kills; fits into the block that is there. */
export const STRUCK = 'over';

/** Throws where the disk is full. */
export function openLeaseFile(folder: string, deadlineMs: number): LeaseFile {
  const fd = openSync(join(folder, NAME), 'w', 0o600);
  const put = (moment: number): void => void writeSync(fd, `${String(moment).padStart(15)}\n`, 0);
  put(deadlineMs);
  return {
    renew: (moment) => {
      try {
        put(moment);
      } catch (error) {
        process.stderr.write(`${String(error)}\n`);
      }
    },
    isStruck: () => readLeaseFile(folder)?.struck === true,
    remove: () => {
      closeSync(fd);
      removeLeaseFile(folder);
    },
  };
}

/** What the file of a job says whose warden is gone; null: there is none. */
export function readLeaseFile(folder: string): { readonly untilMs: number; readonly struck: boolean } | null {
  try {
    const [until = '', ...marks] = readFileSync(join(folder, NAME), 'latin1').split('\n');
    return { untilMs: Number(until), struck: marks.includes(STRUCK) };
  } catch {
    return null;
  }
}

export function removeLeaseFile(folder: string): void {
  rmSync(join(folder, NAME), { force: true });
}
