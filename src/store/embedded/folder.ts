import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  lchownSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { StartError } from '../../core/start-error.ts';
import { canUse, type Identity } from './identity.ts';

/** Where a server's things are; absolute, without symbolic links. */
export interface Folders {
  /** Holds all the rest. */
  readonly home: string;
  /** PGDATA. */
  readonly cluster: string;
  readonly serverLog: string;
  /** Of the unix socket; nobody else may enter it. */
  readonly sockets: string;
}

/** Of `sun_path`, without the final NUL. */
const SOCKET_PATH_MAX = 107;
const SOCKET_NAME = '.s.PGSQL.5432';

/**
 * Makes `dir` usable for the server's user and answers where everything is. As root, a data folder that this user
 * cannot reach (below root's own home) is replaced by one under /var/lib, to which `dir` becomes a symbolic link: so
 * deleting the data folder still means starting afresh.
 */
export function prepareFolders(dir: string, identity: Identity, say: (line: string) => void): Folders {
  const home = usableHome(dir, identity, say);
  chmodSync(home, 0o700);
  const cluster = join(home, 'cluster');
  if (existsSync(cluster)) giveTo(cluster, identity);
  return { home, cluster, serverLog: join(home, 'server.log'), sockets: socketFolder(home, identity) };
}

function usableHome(dir: string, identity: Identity, say: (line: string) => void): string {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StartError(`NARU_DATA_DIR: cannot make ${dir}: ${(error as Error).message}`);
  }
  const home = realpathSync(dir);
  if (identity !== null) chownSync(home, identity.uid, identity.gid);
  if (canUse(identity, home) || letThrough(home, identity)) return home;
  if (identity === null)
    throw new StartError(`NARU_DATA_DIR: ${home} belongs to somebody else or cannot be written`);
  return elsewhere(dir, identity, say);
}

/**
 * The data folder above is ours; where it alone bars the way, it gets the right to be walked through (not to be
 * listed, nor read).
 */
function letThrough(home: string, identity: Identity): boolean {
  const parent = dirname(home);
  const { uid, mode } = statSync(parent);
  if (identity === null || uid !== process.getuid?.() || (mode & 0o001) !== 0) return false;
  chmodSync(parent, (mode & 0o7777) | 0o001);
  if (canUse(identity, home)) return true;
  chmodSync(parent, mode & 0o7777);
  return false;
}

function elsewhere(dir: string, identity: NonNullable<Identity>, say: (line: string) => void): string {
  if (readdirSync(dir).length > 0) {
    throw new StartError(
      `NARU_DATA_DIR: PostgreSQL's user cannot reach ${dir}, and there is something in it`,
    );
  }
  const home = mkdtempSync('/var/lib/naru-');
  chownSync(home, identity.uid, identity.gid);
  if (!canUse(identity, home)) {
    throw new StartError(
      `NARU_DATA_DIR: PostgreSQL's user can reach neither ${dir} nor ${home}: set DATABASE_URL`,
    );
  }
  replaceByLink(dir, home);
  say(`PostgreSQL does not run as root, and its user cannot reach ${dir}; the database is kept in ${home}`);
  return home;
}

function replaceByLink(dir: string, home: string): void {
  rmdirSync(dir);
  symlinkSync(home, dir);
}

/** Everything below to the server's user, where it is not: the service was run as somebody else before. */
function giveTo(path: string, identity: Identity): void {
  if (identity === null || lstatSync(path).uid === identity.uid) return;
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(path, name), identity.uid, identity.gid);
  }
  chownSync(path, identity.uid, identity.gid);
}

/** Beside the cluster where the path is short enough, else in /tmp under a name made from the folder's. */
function socketFolder(home: string, identity: Identity): string {
  const beside = join(home, 'run');
  const short = Buffer.byteLength(join(beside, SOCKET_NAME)) <= SOCKET_PATH_MAX;
  const folder = short
    ? beside
    : join('/tmp', `naru-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`);
  makePrivate(folder, identity);
  // In /tmp somebody else may have been there first: with a link, or with a folder that they can still enter.
  const found = lstatSync(folder);
  const owner = identity?.uid ?? process.getuid?.();
  if (found.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0) return folder;
  throw new StartError(`${folder} is not a private folder of PostgreSQL's user: remove it`);
}

/**
 * Gives away only what it made itself: what was there may be a link to something else. It appears under its name as it
 * has to be: another that starts at the same moment would take one that is not given away yet for a stranger's.
 */
function makePrivate(folder: string, identity: Identity): void {
  if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  const made = mkdtempSync(`${folder}.`);
  if (identity !== null) chownSync(made, identity.uid, identity.gid);
  try {
    renameSync(made, folder);
  } catch (error) {
    rmdirSync(made);
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(code)) throw error;
  }
}
