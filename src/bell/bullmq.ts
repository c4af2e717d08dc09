import { Queue, Worker, createPostgresBackend, runMigrations, withBackend, type PgPool } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { within, type Line, type OpenLine } from './line.ts';
import { TOPICS, type Topic } from './topics.ts';

const QUEUE = 'naru-hints';
const SCHEMA = 'bullmq';
/** What is rung is done in an instant, so a hint that is held for longer was held by a process that died. */
const HELD_MS = 5_000;

/** No trace is kept of what was handled: the events that BullMQ writes for others are read by nobody here. */
const QUEUE_OPTIONS = {
  streams: { events: { maxLen: 100 } },
  defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  skipVersionCheck: true,
} as const;
const WORKER_OPTIONS = {
  concurrency: 1,
  lockDuration: HELD_MS,
  stalledInterval: HELD_MS,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
  skipVersionCheck: true,
} as const;

/** A line through Redis, which may be away, come back empty, or never come. */
export function openRedis(url: string): OpenLine<Topic> {
  return async (onBroken) => {
    const clients: Redis[] = [];
    // One that repaired itself would do so behind our back; it is replaced instead (see keepOpen).
    const connect = async (options: { commandTimeout?: number }) => {
      const client = new Redis(url, {
        lazyConnect: true,
        retryStrategy: () => null,
        maxRetriesPerRequest: null,
        connectTimeout: 3_000,
        connectionName: 'naru',
        ...options,
      });
      clients.push(client);
      // Why a connection cannot be made is told by an event; the rejection says only that it is closed.
      let cause: Error | null = null;
      client.on('error', (error) => {
        cause = error;
        onBroken(error.message);
      });
      client.on('end', () => onBroken('the connection was closed'));
      await client.connect().catch((error: unknown) => Promise.reject(cause ?? (error as Error)));
      return client;
    };
    try {
      const producer = await connect({ commandTimeout: 3_000 });
      const queue = new Queue(QUEUE, { connection: producer, ...QUEUE_OPTIONS });
      return await lineOver(queue, {
        probe: () => producer.ping(),
        worker: async () =>
          new Worker(QUEUE, async () => {}, { connection: await connect({}), ...WORKER_OPTIONS }),
        end: async () => clients.forEach((client) => client.disconnect()),
        onBroken,
      });
    } catch (error) {
      clients.forEach((client) => client.disconnect());
      throw error;
    }
  };
}

/** A line through the PostgreSQL that everything else is in. */
export function openPostgres(url: string): OpenLine<Topic> {
  const postgres = withBackend(createPostgresBackend);
  return async (onBroken) => {
    const pool = createPool(url, onBroken);
    try {
      const client = await pool.connect();
      await runMigrations(client, SCHEMA).finally(() => client.release());
      const connection = pool as unknown as PgPool;
      const queue = new postgres.Queue(QUEUE, { connection, ...QUEUE_OPTIONS });
      return await lineOver(queue, {
        probe: () => pool.query('select 1'),
        worker: async () => new postgres.Worker(QUEUE, async () => {}, { connection, ...WORKER_OPTIONS }),
        end: () => pool.end(),
        onBroken,
      });
    } catch (error) {
      void pool.end().catch(() => {});
      throw error;
    }
  };
}

/** Its own small pool: one connection listens, the others are for a moment each. */
function createPool(url: string, onBroken: (reason: string) => void): pg.Pool {
  const withOptions = new URL(url.replace('@/', '@localhost/'));
  // A hint that is lost with the machine is a hint lost; waiting for the disk for it would be waste.
  const options = `-c search_path=${SCHEMA} -c synchronous_commit=off`;
  withOptions.searchParams.set(
    'options',
    `${withOptions.searchParams.get('options') ?? ''} ${options}`.trim(),
  );
  const pool = new pg.Pool({
    connectionString: withOptions.href,
    max: 4,
    application_name: 'naru bell',
    connectionTimeoutMillis: 5_000,
    statement_timeout: 10_000,
    query_timeout: 10_000,
    keepAlive: true,
  });
  pool.on('error', (error) => onBroken(error.message));
  pool.on('connect', (client) => void client.on('error', (error) => onBroken(error.message)));
  return pool;
}

interface Wiring {
  probe(): Promise<unknown>;
  worker(): Promise<HintWorker>;
  end(): Promise<void>;
  onBroken(reason: string): void;
}

/** What is used of BullMQ's classes, whose type parameters differ with the backend. */
interface HintQueue {
  add(name: string, data: object, options: { jobId: string }): Promise<unknown>;
  waitUntilReady(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}
interface HintWorker {
  on(event: 'completed', listener: (job: { name: string }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<void>;
  close(force: boolean): Promise<void>;
}

async function lineOver(queue: HintQueue, wiring: Wiring): Promise<Line<Topic>> {
  queue.on('error', (error) => wiring.onBroken(error.message));
  let listening: Promise<HintWorker> | null = null;
  await within(queue.waitUntilReady());
  return {
    send: async (topic) => void (await queue.add(topic, {}, { jobId: topic })),
    listen: async (onHint) => void (await (listening ??= listenTo(wiring, onHint))),
    probe: async () => void (await wiring.probe()),
    async close() {
      const worker = await listening?.catch(() => null);
      await within(Promise.allSettled([worker?.close(true), queue.close()])).catch(() => {});
      await wiring.end();
    },
  };
}

async function listenTo(wiring: Wiring, onHint: (topic: Topic) => void): Promise<HintWorker> {
  const worker = await wiring.worker();
  worker.on('error', (error) => {
    // A hint that could not be taken out (the queue was flushed meanwhile) is a hint all the same.
    TOPICS.forEach(onHint);
    wiring.onBroken(error.message);
  });
  worker.on('completed', (job) => TOPICS.filter((topic) => topic === job.name).forEach(onHint));
  await within(worker.waitUntilReady());
  return worker;
}
