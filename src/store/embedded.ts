import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { StartError } from '../core/start-error.ts';
import { findBinaries } from './embedded/binaries.ts';
import { ensureCluster } from './embedded/cluster.ts';
import { prepareFolders } from './embedded/folder.ts';
import { serverIdentity } from './embedded/identity.ts';
import { claimOwnership, ownerOf, type Ownership } from './embedded/owner.ts';
import { ensureServer, stopServer, urlOf, type ServerPlace } from './embedded/postmaster.ts';

export interface EmbeddedOptions {
  /** Everything of the server is kept here. Absolute. */
  readonly dir: string;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Default true. False: for tests only, faster and lost with the machine. */
  readonly fsync?: boolean;
  readonly maxConnections?: number;
  /**
   * True: where another process owns the data folder, use its server instead of refusing. For the short commands of
   * an operator beside a running service.
   */
  readonly join?: boolean;
}

const CLAIM_WITHIN_MS = 3_000;

/** A running PostgreSQL. */
export interface Embedded {
  /** Of a database in it, made when it is not there. Default `naru`. */
  url(database?: string): Promise<string>;
  /** Was it running already: left by a process that was killed, or another one's? */
  readonly adopted: boolean;
  /** Stops the server if it is ours. */
  stop(): Promise<void>;
}

/**
 * A real PostgreSQL 18 from the programs that npm brings, in `dir`, reachable by a private unix socket only.
 * A server that a killed process left running is adopted; one that dies while we run is started again; a second
 * owner of the same folder is refused with StartError, as is everything else that prevents the start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const place = await preparePlace(options);
  const { sockets, adopted } = await ensureServer(place);
  const mayJoin = options.join ?? false;
  const ownership = await claimOwnership(sockets, mayJoin ? 0 : CLAIM_WITHIN_MS);
  if (ownership === null && !mayJoin) throw await inUse(options.dir, sockets);
  if (adopted && ownership !== null) options.log.info('adopted the PostgreSQL that was still running');
  const supervisor = ownership === null ? null : supervise(place, ownership, options.log);
  return {
    adopted,
    async url(database = 'naru') {
      await ensureDatabase(sockets, database);
      return urlOf(sockets, database);
    },
    stop: async () => supervisor?.stop(),
  };
}

async function preparePlace(options: EmbeddedOptions): Promise<ServerPlace> {
  if (process.platform === 'win32')
    throw new StartError('There is no embedded PostgreSQL on Windows: set DATABASE_URL');
  const say = (line: string) => options.log.warn(line);
  const identity = serverIdentity(join(options.dir, 'cluster'));
  const binaries = findBinaries(identity, say);
  const folders = prepareFolders(options.dir, identity, say);
  const fsync = options.fsync ?? true;
  await ensureCluster({ binaries, folders, identity, fsync });
  return { binaries, folders, identity, fsync, maxConnections: options.maxConnections ?? 200 };
}

async function inUse(dir: string, sockets: string): Promise<StartError> {
  const pid = await ownerOf(sockets);
  return new StartError(
    `NARU_DATA_DIR: ${dir} is in use by another naru${pid === null ? '' : ` (process ${pid})`}; ` +
      'stop it, or run several on one database by DATABASE_URL',
  );
}

/** Sees to it that there is a server for as long as we run; the pools connect anew by themselves. */
function supervise(
  place: ServerPlace,
  first: Ownership,
  log: EmbeddedOptions['log'],
): { stop(): Promise<void> } {
  let ownership: Ownership | null = first;
  let stopping = false;
  let regaining: Promise<Ownership | null> = Promise.resolve(null);
  const watch = async (held: Ownership) => {
    await held.lost;
    if (stopping) return;
    ownership = null;
    log.warn('the embedded PostgreSQL went away; starting it again');
    regaining = regain(place, log, () => stopping);
    ownership = await regaining;
    if (ownership !== null) void watch(ownership);
  };
  void watch(first);
  return {
    async stop() {
      stopping = true;
      if (ownership !== null) await endServer(place, ownership);
      await regaining;
    },
  };
}

async function endServer(place: ServerPlace, ownership: Ownership): Promise<void> {
  await ownership.release();
  await stopServer(place.folders);
}

/** Null when we are stopping, or when somebody else has become its owner meanwhile: then it is theirs to keep up. */
async function regain(
  place: ServerPlace,
  log: EmbeddedOptions['log'],
  stopping: () => boolean,
): Promise<Ownership | null> {
  for (let waitMs = 100; !stopping(); waitMs = Math.min(waitMs * 2, 5_000)) {
    try {
      const { sockets } = await ensureServer(place);
      const ownership = await claimOwnership(sockets, CLAIM_WITHIN_MS);
      // Stopped while we were at it: what was started again must go too.
      if (stopping() && ownership !== null) await endServer(place, ownership);
      return stopping() ? null : ownership;
    } catch (error) {
      log.warn({ err: error }, 'the embedded PostgreSQL does not come back');
      await wait(waitMs);
    }
  }
  return null;
}

async function ensureDatabase(sockets: string, database: string): Promise<void> {
  if (database === 'postgres') return;
  const client = new pg.Client({ connectionString: urlOf(sockets, 'postgres') });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`);
  } catch (error) {
    // Made by somebody else between the two statements.
    if ((error as { code?: unknown }).code !== '42P04' && (error as { code?: unknown }).code !== '23505')
      throw error;
  } finally {
    await client.end();
  }
}
