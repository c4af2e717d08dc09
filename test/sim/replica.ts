import { inspect } from 'node:util';
import type { Logger } from 'pino';
import type { Broker } from '../../brokers/broker.ts';
import type { Bell, Topic } from '../../src/bell.ts';
import type { CheckpointStorage } from '../../src/checkpoints.ts';
import type { Clock } from '../../src/clock.ts';
import type { Config } from '../../src/config.ts';
import type { SyncRequest, SyncResponse } from '../../src/core/order.ts';
import { termsOf } from '../../src/core/ledger/run.ts';
import type { Timing } from '../../src/core/timing.ts';
import type { Deps } from '../../src/deps.ts';
import { Engine } from '../../src/engine.ts';
import { listen } from '../../src/flows/listen.ts';
import { syncAgent } from '../../src/flows/sync.ts';
import type { IdKind, Ids } from '../../src/ids.ts';
import { createMetrics } from '../../src/metrics.ts';
import { readOrdersVersions } from '../../src/store/load/sync.ts';
import type { Store } from '../../src/store/store.ts';
import { OrdersWatch } from '../../src/watch.ts';
import type { Random } from './random.ts';
import { makeProc, type Proc, type Scheduler } from './scheduler.ts';
import { simStore, type VirtualLocks } from './store.ts';

/** What replicas share: all that is outside of them. */
export interface Outside {
  readonly scheduler: Scheduler;
  readonly store: Store;
  readonly locks: VirtualLocks;
  readonly bells: Bells;
  readonly timing: Timing;
  readonly violated: (what: string) => void;
  readonly broker: (name: string, kind: string, caller: Proc) => Broker;
}

/** One process of the service: the real flows and the real engine, over what is simulated. */
export class Replica {
  readonly proc: Proc;
  readonly deps: Deps;
  readonly #outside: Outside;

  constructor(name: string, outside: Outside, random: Random) {
    const { scheduler, timing, store, locks } = outside;
    this.#outside = outside;
    this.proc = makeProc(name);
    // The clocks of replicas follow the database's: they agree but for a few milliseconds.
    const clock = simClock(scheduler, this.proc, random.int(-15, 15));
    const ownStore = simStore(store, this.proc, scheduler, locks);
    const read = (providers: readonly string[]) => readOrdersVersions(ownStore.db, providers);
    this.deps = {
      clock,
      ids: simIds(random.fork('ids')),
      store: ownStore,
      bell: outside.bells.of(this.proc),
      watch: new OrdersWatch(read, clock, 400),
      log: this.#log(),
      config: { currency: 'KRW', timeZone: 'Asia/Seoul', vatPercent: 10, processBroker: true } as Config,
      timing,
      terms: termsOf(timing, 'Asia/Seoul'),
      metrics: createMetrics({ process: false }),
      checkpoints: noCheckpoints,
      post: () => Promise.resolve({ status: 204, retryAfter: null }),
      rehearse: () => Promise.reject(new Error('no rehearsals in the simulation')),
      broker: (provider) => outside.broker(provider.name, provider.brokerKind, this.proc),
    };
    void new Engine(this.deps, name).start();
    void listen(this.deps, new AbortController().signal);
  }

  sync(provider: string, request: SyncRequest, signal: AbortSignal): Promise<SyncResponse> {
    return syncAgent(this.deps, provider, request, signal);
  }

  /** A failure that no flow may have: neither a Problem nor a fault of the outside. */
  unexpected(what: string, error: unknown): void {
    const cause = inspect(error, { depth: 3 });
    this.#outside.violated(`${this.proc.name}: ${what} failed: ${cause}`);
  }

  #log(): Logger {
    const { scheduler } = this.#outside;
    const say = (data: { provider?: string }, message?: string) =>
      scheduler.note(this.proc.name, `says: ${data.provider ?? ''} ${message ?? ''}`);
    const error = (data: { err?: unknown }, message: string) => this.unexpected(message, data.err);
    return { trace() {}, debug() {}, info: say, warn: say, error, fatal: error } as unknown as Logger;
  }
}

function simClock(scheduler: Scheduler, proc: Proc, offsetMs: number): Clock {
  return {
    now: () => new Date(Math.floor(scheduler.nowMs) + offsetMs),
    sleep: (ms, signal) => scheduler.sleep(proc, ms, signal),
  };
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** The shape of the real ones, with seeded randomness. */
function simIds(random: Random): Ids {
  const letters = (n: number) => Array.from({ length: n }, () => ALPHABET[random.int(0, 31)]).join('');
  return {
    next(kind: IdKind, now: Date) {
      let time = '';
      for (let left = now.getTime(), i = 0; i < 10; i += 1, left = Math.floor(left / 32))
        time = ALPHABET[left % 32] + time;
      return `${kind}-${time}${letters(16)}`;
    },
    secret: () => letters(43),
  };
}

/** Rings that get lost, doubled and late: a hint is all that they are. */
export class Bells {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #ears: Ear[] = [];
  unreliable = true;

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  of(proc: Proc): Bell {
    return {
      ring: (topic) => this.#ring(proc, topic),
      listen: (handler) => {
        this.#ears.push({ proc, handler, busy: new Set(), again: new Set() });
        return Promise.resolve();
      },
      state: () => ({ backend: 'none', ok: true, detail: 'simulated' }),
      close: () => Promise.resolve(),
    };
  }

  #ring(from: Proc, topic: Topic): void {
    if (!from.alive) return;
    const times = this.unreliable ? this.#random.pick([0, 1, 1, 1, 2]) : 1;
    for (let i = 0; i < times; i += 1) {
      const late = this.unreliable && this.#random.chance(0.1);
      this.#scheduler.in(this.#random.int(1, late ? 3_000 : 20), null, () => {
        const ears = this.#ears.filter((ear) => ear.proc.alive);
        if (ears.length > 0) this.#hear(this.#random.pick(ears), topic);
      });
    }
  }

  /** One at a time per topic in a process. */
  #hear(ear: Ear, topic: Topic): void {
    if (ear.busy.has(topic)) return void ear.again.add(topic);
    ear.busy.add(topic);
    void ear.handler(topic).finally(() => {
      ear.busy.delete(topic);
      if (ear.again.delete(topic)) this.#hear(ear, topic);
    });
  }
}

const nothing = () => Promise.reject(new Error('no checkpoints in the simulation'));
const noCheckpoints: CheckpointStorage = {
  kind: 'disk',
  locationFor: (job, id) => `${job}/${id}`,
  putUrl: nothing,
  getUrl: nothing,
  write: nothing,
  stat: () => Promise.resolve(null),
  read: nothing,
  remove: () => Promise.resolve(),
};

interface Ear {
  readonly proc: Proc;
  readonly handler: (topic: Topic) => Promise<void>;
  readonly busy: Set<Topic>;
  readonly again: Set<Topic>;
}
