import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Cage } from './cage.ts';
import { doorsOf } from './cage.ts';
import type { JobNice } from './priority.ts';
import type { Launch } from './protocol.ts';

/**
 * Enters the cgroups, then becomes the command: so nothing that the job starts was ever outside. A command that is
 * not there or not executable ends with 127 or 126 and a line in the log, as in any shell. What the shell itself
 * would add to the environment is taken out again.
 */
const ENTER = `{ echo "$1" > /proc/$$/autogroup; } 2> /dev/null; shift
while [ "$1" != -- ]; do echo $$ > "$1" || echo "naru: cannot enter $1, running without its limit"; shift; done; shift
unset PWD OLDPWD SHLVL; exec "$@"`;

/** Kills the job in the same instant as its warden. Null: this machine cannot; the sentinel does it a little later. */
const SETPRIV = firstExecutable(['/usr/bin/setpriv', '/bin/setpriv']);

/** Null: jobs are as urgent as their warden here. From the start, so that nothing is forked before. */
const NICE = firstExecutable(['/usr/bin/nice', '/bin/nice']);

/**
 * Spawns the job's main process as the leader of its own session and group, output into `outputFd`.
 * Errors come as the child's `error` event.
 */
export function launch(
  job: Launch,
  workDir: string,
  cage: Cage,
  nice: JobNice,
  outputFd: number,
): ChildProcess {
  const shell = ['/bin/sh', '-c', ENTER, 'naru', String(nice.value), ...doorsOf(cage), '--', ...job.command];
  const yielding = NICE === null ? shell : [NICE, '-n', String(nice.above), ...shell];
  const argv = SETPRIV === null ? yielding : [SETPRIV, '--pdeathsig', 'KILL', '--', ...yielding];
  return spawn(argv[0] as string, argv.slice(1), {
    cwd: workDir,
    env: job.env,
    detached: true,
    stdio: ['ignore', outputFd, outputFd],
  });
}

function firstExecutable(paths: readonly string[]): string | null {
  for (const path of paths) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next.
    }
  }
  return null;
}
