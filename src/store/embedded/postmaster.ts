import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fchownSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { StartError } from '../../core/start-error.ts';
import type { Binaries } from './binaries.ts';
import { isAlive, SUPERUSER } from './cluster.ts';
import type { Folders } from './folder.ts';
import type { Identity } from './identity.ts';

/** What is needed to find the server of a cluster, or to start it. */
export interface ServerPlace {
  readonly binaries: Binaries;
  readonly folders: Folders;
  readonly identity: Identity;
  /** False: for tests only. A crash of the machine may then lose everything. */
  readonly fsync: boolean;
  readonly maxConnections: number;
}

/** Crash recovery of a large cluster takes its time; so do the last processes of a killed one. */
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;
const LOG_BYTES_MAX = 10 * 1024 * 1024;

/** A URL of the cluster's database, for pg, drizzle and BullMQ alike. No network, no password: a private socket. */
export function urlOf(sockets: string, database: string): string {
  const host = encodeURIComponent(sockets);
  return `postgres://${SUPERUSER}@localhost:5432/${database}?host=${host}&sslmode=disable`;
}

/** Finds the running server, or starts one. Resolves with the folder of its socket once it answers. */
export async function ensureServer(place: ServerPlace): Promise<{ sockets: string; adopted: boolean }> {
  const { cluster, sockets: ours } = place.folders;
  const until = performance.now() + START_WITHIN_MS;
  let child: Launched | null = null;
  for (;;) {
    const file = readPidFile(cluster);
    const sockets = file?.sockets ?? ours;
    const answer = await ask(sockets);
    if (answer === 'ready') return { sockets, adopted: child === null || child.pid !== file?.pid };
    if (performance.now() > until) throw doesNotStart(place);
    if (answer === 'silent' && (child?.exited ?? true) && !isRunning(cluster)) {
      if (child !== null) await waitOutTransient(place);
      child = launch(place);
    }
    await wait(15);
  }
}

/** It ended at once, and nobody else is there: worth another try only where its log says so. */
async function waitOutTransient(place: ServerPlace): Promise<void> {
  const held = /shared memory block .* still in use|lock file .* already exists/;
  // The last processes of a killed server still hold its memory, or another starter was quicker: over in a moment.
  if (!logTail(place).some((line) => held.test(line))) throw doesNotStart(place);
  await wait(250);
}

/** Asks the server to end (what is in hand is rolled back), waits until it has, and leaves nothing outside its folder. */
export async function stopServer({ cluster, home, sockets }: Folders): Promise<void> {
  const until = performance.now() + STOP_WITHIN_MS;
  const pid = readPidFile(cluster)?.pid;
  if (pid === undefined || !isRunning(cluster)) return;
  process.kill(pid, 'SIGINT');
  while (isAlive(pid) && !isDefunct(pid)) {
    // Immediate: like a crash, and repaired at the next start like one.
    if (performance.now() > until) return void process.kill(pid, 'SIGQUIT');
    await wait(10);
  }
  if (!sockets.startsWith(home)) rmSync(sockets, { recursive: true, force: true });
}

/** `starting` covers every "not now": starting, recovering, shutting down, full. */
async function ask(sockets: string): Promise<'ready' | 'starting' | 'silent'> {
  const client = new pg.Client({
    connectionString: urlOf(sockets, 'postgres'),
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return 'ready';
  } catch (error) {
    const code = String((error as { code?: unknown }).code);
    return code.startsWith('57P') || code.startsWith('53') ? 'starting' : 'silent';
  } finally {
    await client.end().catch(() => {});
  }
}

interface Launched {
  readonly pid: number | undefined;
  exited: boolean;
}

function launch(place: ServerPlace): Launched {
  const { cluster, serverLog } = place.folders;
  discardForeignPidFile(cluster);
  if (existsSync(serverLog) && statSync(serverLog).size > LOG_BYTES_MAX)
    renameSync(serverLog, `${serverLog}.1`);
  const log = openSync(serverLog, 'a', 0o600);
  if (place.identity !== null) fchownSync(log, place.identity.uid, place.identity.gid);
  const child = spawn(place.binaries.postgres, serverArguments(place), {
    ...(place.identity ?? {}),
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    // A file, not a pipe: the server outlives us when we are killed, and is found again.
    stdio: ['ignore', log, log],
    // Ctrl-C in our terminal is for us; we then stop the server when nothing needs it any more.
    detached: true,
  });
  closeSync(log);
  child.unref();
  const state = { pid: child.pid, exited: false };
  child.on('exit', () => (state.exited = true));
  child.on('error', () => (state.exited = true));
  return state;
}

function serverArguments({ folders, fsync, maxConnections }: ServerPlace): string[] {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: folders.sockets,
    unix_socket_permissions: '0700',
    max_connections: String(maxConnections),
    timezone: 'UTC',
    log_timezone: 'UTC',
    // A refused statement is an answer to its client, not news for an operator.
    log_min_messages: 'log',
    log_min_error_statement: 'log',
    log_checkpoints: 'off',
    jit: 'off',
    ...(fsync ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return [
    '-D',
    folders.cluster,
    '-p',
    '5432',
    ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
  ];
}

interface PidFile {
  readonly pid: number;
  readonly sockets: string | undefined;
}

/** Written by the server: process id, data folder, start, port, socket folder, … a line each. */
function readPidFile(cluster: string): PidFile | null {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return Number.isInteger(pid) && pid > 0 ? { pid, sockets: lines[4] || undefined } : null;
  } catch {
    return null;
  }
}

/** Is the process that the pid file names there, and a PostgreSQL of this cluster? */
function isRunning(cluster: string): boolean {
  const pid = readPidFile(cluster)?.pid;
  return pid !== undefined && isAlive(pid) && isPostgresOf(pid, cluster);
}

/**
 * A pid file left by a killed server names a process id that may be somebody else's today (in containers it nearly
 * always is); PostgreSQL would then refuse to start for ever.
 */
function discardForeignPidFile(cluster: string): void {
  const pid = readPidFile(cluster)?.pid;
  if (pid !== undefined && isAlive(pid) && !isPostgresOf(pid, cluster))
    rmSync(join(cluster, 'postmaster.pid'));
}

/** The server works in its data folder. Where that cannot be seen, its name has to do. */
function isPostgresOf(pid: number, cluster: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === cluster;
  } catch {
    return commandOf(pid).includes('postgres');
  }
}

function commandOf(pid: number): string {
  if (isDefunct(pid)) return '';
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/** It has ended and was not yet collected by its parent: in a container without an init, that can be for ever. */
function isDefunct(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, ''));
  } catch {
    return false;
  }
}

function logTail({ folders }: ServerPlace): string[] {
  try {
    return readFileSync(folders.serverLog, 'utf8').trimEnd().split('\n').slice(-20);
  } catch {
    return [];
  }
}

function doesNotStart(place: ServerPlace): StartError {
  const fatal = logTail(place).findLast((line) => /FATAL|PANIC|error while loading/.test(line));
  const why = fatal?.replace(/^.*(FATAL|PANIC):\s*/, '') ?? 'it gave no reason';
  return new StartError(`The embedded PostgreSQL does not start: ${why} (see ${place.folders.serverLog})`);
}
