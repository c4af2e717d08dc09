import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { StartError } from '../../core/start-error.ts';

/** As whom the server runs: null for "as we do". */
export type Identity = { readonly uid: number; readonly gid: number } | null;

/**
 * PostgreSQL refuses to run as root, so as root it runs as whom its files belong to already, else as `postgres`, else
 * as `nobody`: users that exist. (A uid that is in no passwd fails in initdb; adding a user to somebody's machine is
 * not ours to do.) `cluster`: where the files are or will be.
 */
export function serverIdentity(cluster: string): Identity {
  if (process.getuid?.() !== 0) return null;
  const files = statSync(cluster, { throwIfNoEntry: false });
  if (files !== undefined && files.uid !== 0) return { uid: files.uid, gid: files.gid };
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid !== null && uid > 0 && gid !== null) return { uid, gid };
  }
  throw new StartError(
    'PostgreSQL does not run as root and there is no user postgres or nobody to run it as: set DATABASE_URL',
  );
}

function idOf(flag: '-u' | '-g', name: string): number | null {
  try {
    return Number(
      execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return null;
  }
}

/** Runs a short program as the server's user; what it wrote on standard error, or null when it succeeded. */
export function tryAs(identity: Identity, command: string, args: readonly string[]): string | null {
  const result = spawnSync(command, args, {
    ...(identity ?? {}),
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (result.status === 0) return null;
  return result.error?.message ?? (result.stderr.trim() || `ended with ${result.status ?? result.signal}`);
}

/** Can the server's user reach and write this folder, through all its parents? */
export function canUse(identity: Identity, folder: string): boolean {
  return tryAs(identity, '/bin/sh', ['-c', 'cd "$1" && test -w .', 'sh', folder]) === null;
}
