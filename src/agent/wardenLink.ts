import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Inventory } from '../core/order.ts';
import { holderOf } from './claim.ts';
import { givenNice } from './priority.ts';
import { lineReader, PROTOCOL_VERSION, toLine, type Command, type Held, type Report } from './protocol.ts';

/** The agent's end of the line to its warden. */
export interface WardenLink {
  readonly pid: number;
  readonly limits: Inventory['limits'];
  readonly limitsDetail: string;
  /** What the warden had when we were connected. */
  readonly jobs: readonly Held[];
  send(command: Command): void;
  /** Resolves when the warden has answered; rejects after `timeoutMs`: then it is frozen, or gone. */
  ping(timeoutMs: number): Promise<void>;
  close(): void;
}

export interface LinkOptions {
  /** Absolute. */
  readonly dataDir: string;
  /** Where the warden finds mkfifo. */
  readonly path: string | undefined;
  /** Milliseconds without job and agent after which the warden goes. */
  readonly idleMs: number;
  /** How long a data folder that another agent has is waited for: it may just be leaving. */
  readonly busyMs: number;
  onReport(report: Report): void;
  /** The line broke: the warden is gone. Not called after close(). */
  onLost(): void;
}

/** Another agent has this data folder. */
export class DataFolderBusy extends Error {
  override readonly name = 'DataFolderBusy';
}

const CONNECT_MS = 20_000;

/** Finds the data folder's warden, or starts one. Throws DataFolderBusy; Error when none answers within 20 s. */
export async function linkWarden(options: LinkOptions): Promise<WardenLink> {
  const until = performance.now() + CONNECT_MS;
  let spawned = false;
  for (;;) {
    const socket = await connect(options.dataDir);
    const left = Math.max(1, until - performance.now());
    const link =
      socket === null
        ? null
        : await greet(socket, options, left).catch((error: unknown) => orWait(error, left, options.busyMs));
    if (link !== null) return link;
    if (performance.now() > until)
      throw new Error(`no warden answers in ${options.dataDir}; see warden.log there`);
    if (socket === null && !spawned && holderOf(join(options.dataDir, 'warden.pid')) === null) {
      spawnWarden(options);
      spawned = true;
    }
    await sleep(20);
  }
}

/** Busy now may be free in a moment: a predecessor that is leaving, jobs of another version whose leases run out. */
function orWait(error: unknown, leftMs: number, busyMs: number): null {
  if (error instanceof DataFolderBusy && leftMs <= CONNECT_MS - busyMs) throw error;
  if (leftMs <= 1) throw error;
  return null;
}

/** In a session of its own, and with nothing of our environment but PATH: ours may hold the key. */
function spawnWarden({ dataDir, idleMs, path }: LinkOptions): void {
  const log = openSync(join(dataDir, 'warden.log'), 'w', 0o600);
  const child = spawn(
    process.execPath,
    [
      '--max-old-space-size=128',
      '--max-semi-space-size=4',
      fileURLToPath(new URL('warden.ts', import.meta.url)),
      dataDir,
      String(idleMs),
      String(givenNice),
    ],
    {
      cwd: dataDir,
      detached: true,
      stdio: ['ignore', 'ignore', log],
      // With the cache a warden is 55 MB instead of 85, and half of that shared: what strips types is not loaded.
      env: { PATH: path ?? '/usr/local/bin:/usr/bin:/bin', NODE_COMPILE_CACHE: join(dataDir, 'cache') },
    },
  );
  closeSync(log);
  child.on('error', () => undefined);
  child.unref();
}

/** A socket's path may have 107 bytes; where the folder's is longer, it is reached through an open folder. */
async function connect(dataDir: string): Promise<Socket | null> {
  const path = join(dataDir, 'warden.sock');
  const long = Buffer.byteLength(path) > 100;
  const fd = long ? openSync(dataDir, 'r') : null;
  try {
    return await new Promise((resolve) => {
      const socket = createConnection(fd === null ? path : `/proc/self/fd/${fd}/warden.sock`);
      socket.once('connect', () => resolve(socket));
      socket.once('error', () => resolve(null));
    });
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function greet(socket: Socket, options: LinkOptions, timeoutMs: number): Promise<WardenLink> {
  return new Promise((resolve, reject) => {
    let closed = false;
    let linked = false;
    let n = 0;
    const pings = new Map<number, () => void>();
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error('the warden does not answer'));
    }, timeoutMs);
    const send = (command: Command): void => void socket.write(toLine(command));
    const ping = (ms: number): Promise<void> =>
      new Promise((answered, failed) => {
        const id = ++n;
        const limit = setTimeout(() => {
          pings.delete(id);
          failed(new Error('the warden does not answer'));
        }, ms);
        pings.set(id, () => {
          clearTimeout(limit);
          answered();
        });
        send({ t: 'ping', n: id });
      });
    const close = (): void => {
      closed = true;
      socket.end();
    };
    const hear = (report: Report): void => {
      if (report.t === 'busy') {
        closed = true;
        clearTimeout(timer);
        return reject(new DataFolderBusy(report.detail));
      }
      if (report.t === 'welcome') {
        clearTimeout(timer);
        linked = true;
        const { pid, limits, detail: limitsDetail, jobs } = report;
        return resolve({ pid, limits, limitsDetail, jobs, send, ping, close });
      }
      if (report.t === 'pong') {
        pings.get(report.n)?.();
        pings.delete(report.n);
        return;
      }
      options.onReport(report);
    };
    socket.setEncoding('utf8');
    socket.on('data', lineReader<Report>(hear) as (chunk: string | Buffer) => void);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      if (linked) options.onLost();
      else reject(new Error('the warden hung up'));
    });
    send({ t: 'hello', version: PROTOCOL_VERSION });
  });
}
