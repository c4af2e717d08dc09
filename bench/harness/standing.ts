import pino from 'pino';
import { createAgentBroker } from '../../brokers/agent.ts';
import { createCheckpointStorage } from '../../src/checkpoints.ts';
import { readConfig } from '../../src/config.ts';
import { termsOf } from '../../src/core/ledger/run.ts';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import type { Deps } from '../../src/deps.ts';
import { createIds } from '../../src/ids.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createPost } from '../../src/post.ts';
import { readOrdersVersions } from '../../src/store/load/sync.ts';
import { openStore } from '../../src/store/store.ts';
import { OrdersWatch } from '../../src/watch.ts';

/** Time that stands still but where the benchmark moves it: a lease's six seconds are not what is measured. */
export interface StandingClock {
  readonly nowMs: number;
  pass(ms: number): void;
}

/** What flows need, on a real store, without the engine that would call them. */
export function standingDeps(databaseUrl: string, folder: string): { deps: Deps; clock: StandingClock } {
  let nowMs = Date.now();
  const clock = { now: () => new Date(nowMs), sleep: async () => {} };
  const store = openStore(databaseUrl, { statementTimeoutMs: 600_000 });
  const log = pino({ level: 'silent' });
  const config = readConfig({ NARU_DATA_DIR: folder }, folder);
  const deps: Deps = {
    clock,
    ids: createIds(),
    store,
    bell: {
      ring: () => {},
      listen: async () => {},
      state: () => ({ backend: 'none', ok: false, detail: 'none' }),
      close: async () => {},
    },
    watch: new OrdersWatch((providers) => readOrdersVersions(store.db, providers), clock),
    log,
    config,
    timing: DEFAULT_TIMING,
    terms: termsOf(DEFAULT_TIMING, 'Asia/Seoul'),
    metrics: createMetrics({ process: false }),
    checkpoints: createCheckpointStorage(config, log),
    post: createPost({ loopback: config.webhookLoopback }),
    broker: () => createAgentBroker(),
    rehearse: () => Promise.reject(new Error('no rehearsals in a bench')),
  };
  return {
    deps,
    clock: {
      get nowMs() {
        return nowMs;
      },
      pass: (ms) => void (nowMs += ms),
    },
  };
}
