import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { noteSkipped } from './skip.ts';

export interface TestRedis {
  readonly url: string;
  /** Null where the server is not ours to stop and flush. */
  readonly control: RedisControl | null;
  close(): Promise<void>;
}

export interface RedisControl {
  /** SIGKILL. */
  stop(): Promise<void>;
  /** On the same port, empty. */
  start(): Promise<void>;
  flushAll(): Promise<void>;
}

/** Is there a Redis to test with? If not, `what` is noted as skipped. To be asked while tests are collected. */
export function hasRedis(what: string): boolean {
  const choice = inject('redis');
  if (choice.kind === 'none') noteSkipped(what, choice.remedy);
  return choice.kind !== 'none';
}

/** Is there one that may be flushed and stopped? If not, `what` is noted as skipped. */
export function hasOwnRedis(what: string): boolean {
  const choice = inject('redis');
  if (choice.kind !== 'server')
    noteSkipped(what, 'install redis-server or valkey-server (a given one is not stopped)');
  return choice.kind === 'server';
}

/** A Redis that this file has for itself, empty. Call only where `hasRedis` said yes. */
export async function testRedis(options: { started?: boolean } = {}): Promise<TestRedis> {
  const choice = inject('redis');
  if (choice.kind === 'none') throw new Error('there is no Redis; ask hasRedis first');
  if (choice.kind === 'url') return sharedRedis(choice.url);
  return ownRedis(choice.program, options.started ?? true);
}

/** A database of its own per worker, in a server that is others' too. */
async function sharedRedis(given: string): Promise<TestRedis> {
  const url = new URL(given);
  url.pathname = `/${1 + (Number(process.env['VITEST_POOL_ID'] ?? 1) % 15)}`;
  const flush = () => command(url.href, (redis) => redis.flushdb());
  await flush();
  return { url: url.href, control: null, close: flush };
}

async function ownRedis(program: string, started: boolean): Promise<TestRedis> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  const control: RedisControl = {
    async start() {
      child = spawn(
        program,
        ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
        {
          stdio: 'ignore',
          cwd: '/',
        },
      );
      await command(url, (redis) => redis.ping());
    },
    async stop() {
      if (child === null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
      child = null;
    },
    flushAll: () => command(url, (redis) => redis.flushall()),
  };
  if (started) await control.start();
  return { url, control, close: () => control.stop() };
}

async function command(url: string, work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 100, retryStrategy: () => 20 });
  redis.on('error', () => {});
  await work(redis).finally(() => redis.disconnect());
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
