import type { Logger } from 'pino';
import { coalesce } from './bell/coalesce.ts';
import { openPostgres, openRedis } from './bell/bullmq.ts';
import { keepOpen, within } from './bell/line.ts';
import { TOPICS, type Topic } from './bell/topics.ts';
import { createRunner, type Runner } from './bell/runner.ts';

export { TOPICS, type Topic } from './bell/topics.ts';

/**
 * The queue's hint. A lost, doubled or late one changes latency, never outcome: everything that a hint would have
 * started is found by the sweep too.
 */
export interface Bell {
  /** Never waits, never throws; many rings shortly after each other become one. */
  ring(topic: Topic): void;
  /** Calls `handler` for each hint, one at a time per topic in this process. */
  listen(handler: (topic: Topic) => Promise<void>): Promise<void>;
  state(): { readonly backend: 'redis' | 'postgres' | 'none'; readonly ok: boolean; readonly detail: string };
  close(): Promise<void>;
}

export interface BellOptions {
  /** Null: the hints go through PostgreSQL. */
  readonly redisUrl: string | null;
  readonly databaseUrl: string;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

const GAP_MS = 20;
const WARN_EVERY_MS = 60_000;

/**
 * A bell over BullMQ. Needs nothing to be there: it connects when it can, and says so in `state`.
 *
 * A hint is a job whose id is its topic, so there is at most one waiting per topic in the whole installation, however
 * many ring and however long nobody listens. A worker takes it out first and runs the handler after that: were it
 * still there while the handler runs, a ring during the run would be taken for a double of it and swallowed.
 */
export function createBell(options: BellOptions): Bell {
  const backend = options.redisUrl === null ? 'postgres' : 'redis';
  const open = options.redisUrl === null ? openPostgres(options.databaseUrl) : openRedis(options.redisUrl);
  const health = createHealth(backend, options.log);
  let runner: Runner<Topic> | null = null;

  const wake = (topic: Topic) => runner?.wake(topic);
  const wakeAll = () => TOPICS.forEach(wake);
  const line = keepOpen(open, {
    async up(opened) {
      if (runner !== null) await opened.listen(wake);
      health.up();
      // What was rung meanwhile rang for nobody.
      wakeAll();
    },
    down: (reason) => health.down(reason),
  });
  const bells = new Map(TOPICS.map((topic) => [topic, coalesce(() => send(topic), GAP_MS)]));

  const send = async (topic: Topic) => {
    const opened = line.current();
    // Without a queue, at least who rings and listens in one process hears itself.
    if (opened === null) return wake(topic);
    await within(opened.send(topic)).catch((error: Error) => {
      line.broken(error.message);
      wake(topic);
    });
  };

  return {
    ring: (topic) => bells.get(topic)?.ring(),
    async listen(handler) {
      runner = createRunner(handler, (err) => options.log.warn({ err }, 'the handler of a hint failed'));
      await line
        .current()
        ?.listen(wake)
        .catch((error: Error) => line.broken(error.message));
      wakeAll();
    },
    state: health.state,
    async close() {
      for (const bell of bells.values()) bell.close();
      await line.close();
      await runner?.close();
    },
  };
}

/** Says once that it is gone (and once a minute for as long as that lasts), and once that it is back. */
function createHealth(backend: 'redis' | 'postgres', log: BellOptions['log']) {
  let current: ReturnType<Bell['state']> = { backend, ok: false, detail: 'connecting' };
  let warnedAt = -Infinity;
  return {
    state: () => current,
    up() {
      if (warnedAt !== -Infinity) log.info({ backend }, 'the queue is back');
      warnedAt = -Infinity;
      current = { backend, ok: true, detail: 'connected' };
    },
    down(reason: string) {
      current = {
        backend,
        ok: false,
        detail: `${reason}; work is found by the sweep meanwhile, a little later`,
      };
      if (performance.now() - warnedAt < WARN_EVERY_MS) return;
      warnedAt = performance.now();
      log.warn({ backend, reason }, 'the queue is not there; work is found by the sweep meanwhile');
    },
  };
}
