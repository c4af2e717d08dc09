import { execFileSync } from 'node:child_process';
import { constants, mkdirSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

const BATCH = 16;

export interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
}

/**
 * Real pipes for jobs' output. What spawn() makes is a socket pair, and a script that writes to /dev/stdout or
 * /dev/stderr by name fails on one; Node has no pipe(2), so a FIFO is opened at both ends and its name removed.
 * Made in batches: one mkfifo process for sixteen jobs.
 */
export function pipes(dataDir: string): { open(): Pipe; close(): void } {
  const dir = join(dataDir, 'fifos');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const ready: string[] = [];
  let made = 0;
  const refill = (): void => {
    const names = Array.from({ length: BATCH }, () => join(dir, String(made++)));
    execFileSync('mkfifo', ['-m', '600', ...names], { stdio: 'ignore' });
    ready.push(...names);
  };
  const open = (): Pipe => {
    if (ready.length === 0) refill();
    const name = ready.pop() as string;
    // The reader first and without waiting, so that the writer's end opens at once; the writer's end blocks on
    // write as a job expects, because O_NONBLOCK belongs to an open file and not to the pipe.
    const readFd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeFd = openSync(name, constants.O_WRONLY);
    unlinkSync(name);
    return { readFd, writeFd };
  };
  return { open, close: () => rmSync(dir, { recursive: true, force: true }) };
}
