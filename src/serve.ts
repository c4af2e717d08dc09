import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { buildApp } from '../routes/app.ts';
import { createBrokers } from './brokers.ts';
import { createBell } from './bell.ts';
import { createCheckpointStorage } from './checkpoints.ts';
import { createClock } from './clock.ts';
import type { Config } from './config.ts';
import { StartError } from './core/start-error.ts';
import { termsOf } from './core/ledger/run.ts';
import { DEFAULT_TIMING } from './core/timing.ts';
import type { Deps } from './deps.ts';
import { Engine } from './engine.ts';
import { establishAdminKey } from './admin-key.ts';
import { createIds } from './ids.ts';
import { createMetrics } from './metrics.ts';
import { claimInstallation } from './store/apply/installation.ts';
import { ensurePolicies } from './flows/ensurePolicies.ts';
import { listen as noteListening } from './flows/listen.ts';
import { rehearse } from './rehearsal/rehearse.ts';
import { startEmbedded } from './store/embedded.ts';
import { createPost } from './post.ts';
import { migrate } from './store/migrate.ts';
import { openStore, readDatabaseTime } from './store/store.ts';
import { readOrdersVersions } from './store/load/sync.ts';
import { OrdersWatch } from './watch.ts';

/** What one process of the service holds, in the order in which it is let go. */
type Closing = { readonly what: string; readonly close: () => unknown };

/** SIGTERM: how long what is in hand may take. */
const GIVE_UP_MS = 9_500;
/** What each of the things that are still to be closed keeps for itself. */
const LAST_SHARE_MS = 500;

/**
 * Runs the service until it is told to stop. Resolves when it has; rejects with StartError where it cannot start.
 */
export async function serve(config: Config): Promise<void> {
  const log = pino(
    { level: config.logLevel, redact: ['req.headers.authorization'] },
    pino.destination({ dest: 2, sync: false }),
  );
  const closings: Closing[] = [];
  const stopped = stopSignal();
  try {
    const deps = await openDeps(config, log, closings);
    await establishAdminKey(config, deps);
    await ensurePolicies(deps);
    const takesCalls = config.role !== 'engine';
    const app = buildApp(deps);
    closings.unshift({ what: 'http', close: () => app.close() });
    if (config.role !== 'api') {
      const engine = new Engine(deps, `${process.pid}-${randomBytes(6).toString('hex')}`);
      await engine.start();
      closings.unshift({ what: 'engine', close: () => engine.stop() });
    }
    if (takesCalls) {
      const listening = new AbortController();
      const loop = noteListening(deps, listening.signal);
      closings.unshift({ what: 'listening', close: () => (listening.abort(), loop) });
    }
    await app.listen({ host: config.host, port: config.port }).catch((error: NodeJS.ErrnoException) => {
      throw new StartError(
        `cannot listen on ${config.host}, port ${config.port}: ${error.code ?? error.message}`,
      );
    });
    announce(config, app.server.address());
    await stopped.asked;
    log.info('stopping');
  } finally {
    await closeAll(closings, log);
    stopped.forget();
  }
}

/** Opens everything that flows use; what was opened is pushed on `closings`, last first. */
async function openDeps(config: Config, log: Logger, closings: Closing[]): Promise<Deps> {
  const later = (what: string, close: Closing['close']) => void closings.unshift({ what, close });
  await mkdir(config.dataDir, { recursive: true });
  const databaseUrl = config.databaseUrl ?? (await embedded(config, log, later));
  const applied = await migrate(databaseUrl);
  if (applied > 0) log.info({ applied }, 'migrated the database');
  const store = openStore(databaseUrl, {
    max: 24,
    onConnectionLost: (error) => log.warn({ err: error }, 'a database connection was lost'),
  });
  later('store', () => store.close());
  const clock = await createClock(() => readDatabaseTime(store));
  later('clock', () => clock.stop());
  await claimInstallation(store, config, clock.now());
  const bell = createBell({ redisUrl: config.redisUrl, databaseUrl, log });
  later('bell', () => bell.close());
  const ids = createIds();
  const metrics = createMetrics();
  const checkpoints = createCheckpointStorage(config, log);
  const watch = new OrdersWatch((providers) => readOrdersVersions(store.db, providers), clock);
  const timing = DEFAULT_TIMING;
  const terms = termsOf(timing, config.timeZone);
  const post = createPost({ loopback: config.webhookLoopback });
  const base = { clock, ids, store, bell, watch, log, config, timing, terms, metrics, checkpoints, post };
  const brokers = createBrokers(base);
  later('brokers', () => brokers.close());
  const deps: Deps = {
    ...base,
    broker: (provider) => brokers.of(provider),
    rehearse: (asked) => rehearse(deps, asked),
  };
  return deps;
}

async function embedded(config: Config, log: Logger, later: (what: string, close: Closing['close']) => void) {
  const server = await startEmbedded({ dir: join(config.dataDir, 'postgres'), log });
  later('embedded PostgreSQL', () => server.stop());
  return server.url();
}

/** The one line on standard output. */
function announce(config: Config, address: AddressInfo | string | null): void {
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  process.stdout.write(`naru is listening on http://${host}:${port}\n`);
}

function stopSignal(): { asked: Promise<void>; forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const ask = () => resolve();
  process.on('SIGTERM', ask).on('SIGINT', ask);
  return { asked: promise, forget: () => process.off('SIGTERM', ask).off('SIGINT', ask) };
}

/** Lets everything go, each thing given up after its share of the time: a stop never hangs. */
async function closeAll(closings: readonly Closing[], log: Logger): Promise<void> {
  const until = Date.now() + GIVE_UP_MS;
  for (const [index, { what, close }] of closings.entries()) {
    const left = closings.length - index - 1;
    const closed = await settledWithin(close, until - Date.now() - left * LAST_SHARE_MS, (error) =>
      log.warn({ err: error }, `closing ${what} failed`),
    );
    if (!closed) log.warn(`gave up waiting for ${what}`);
  }
}

/** @returns false when it took longer than `ms`, and half a second at least */
async function settledWithin(
  work: Closing['close'],
  ms: number,
  onError: (error: unknown) => void,
): Promise<boolean> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.max(LAST_SHARE_MS, ms));
  const given = new Promise<false>((resolve) => late.signal.addEventListener('abort', () => resolve(false)));
  const done = (async () => {
    try {
      await work();
    } catch (error) {
      onError(error);
    }
    return true;
  })();
  return Promise.race([done, given]).finally(() => clearTimeout(timer));
}
