import type { Deps } from './deps.ts';
import { deliverPass } from './flows/deliver.ts';
import { budgetPass } from './flows/budgets.ts';
import { drillPass } from './flows/drillPass.ts';
import { enforceLimits, expireLeases } from './flows/expire.ts';
import { failbackPass } from './flows/failback.ts';
import { healthPass } from './flows/health.ts';
import { scopePass } from './flows/scopes.ts';
import { meterPass } from './flows/meter.ts';
import { placePass } from './flows/place.ts';
import { preemptPass } from './flows/preempt.ts';
import { promotePass } from './flows/promote.ts';
import { pushPass } from './flows/push.ts';
import { sparePass } from './flows/spares.ts';
import { tidy } from './flows/tidy.ts';
import { exclusively, unlessBusy } from './store/exclusive.ts';
import { takeTurn } from './store/apply/health.ts';
import { loadQueueDepth } from './store/load/queue.ts';
import { loadProviders } from './store/load/sync.ts';
import type { Topic } from './bell.ts';

/** How long a replica that stopped sweeping keeps the turn; adds to a failover only when it dies just then. */
const TURN_MS = 1_500;

/** Between two looks at what drills are going on. */
const DRILLS_MS = 500;

/** Between two looks at what is to be told. */
const DELIVER_MS = 1_000;

/** One periodic duty. */
interface Duty {
  readonly name: string;
  readonly everyMs: number;
  readonly run: (deps: Deps) => Promise<unknown>;
}

/**
 * What the sweep repairs, and how often. Placing is among them: a lost hint costs a second and nothing else.
 * Duties run one after the other, so none of them ever overlaps itself in a process.
 */
function duties(deps: Deps): Duty[] {
  const { sweepMs } = deps.timing;
  return [
    { name: 'health', everyMs: sweepMs, run: healthPass },
    { name: 'scopes', everyMs: 1_000, run: scopePass },
    { name: 'leases', everyMs: sweepMs, run: expireLeases },
    { name: 'limits', everyMs: 1_000, run: enforceLimits },
    { name: 'place', everyMs: 1_000, run: () => place(deps, false, unlessBusy) },
    { name: 'explain', everyMs: 5_000, run: () => place(deps, true, unlessBusy) },
    { name: 'failback', everyMs: 5_000, run: failbackPass },
    { name: 'meter', everyMs: 1_000, run: meterPass },
    { name: 'budgets', everyMs: 5_000, run: budgetPass },
    { name: 'queue', everyMs: 5_000, run: measureQueue },
    { name: 'tidy', everyMs: 60_000, run: tidy },
  ];
}

/** The engine of one replica: hints on the bell, the sweep, and the providers that have to be called. */
export class Engine {
  readonly #deps: Deps;
  /** Names this replica in turns. */
  readonly #holder: string;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];

  constructor(deps: Deps, holder: string) {
    this.#deps = deps;
    this.#holder = holder;
  }

  async start(): Promise<void> {
    await this.#deps.bell.listen((topic) => this.#hear(topic));
    this.#loops.push(this.#sweep(), this.#drills(), this.#deliver());
    if (this.#deps.config.processBroker) this.#loops.push(this.#push());
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#loops);
  }

  async #hear(topic: Topic): Promise<void> {
    if (this.#stop.signal.aborted) return;
    if (topic === 'place') await this.#try('place', () => place(this.#deps, false));
    else if (this.#deps.config.processBroker) await this.#try('push', () => this.#pushAll());
  }

  async #sweep(): Promise<void> {
    const { clock, timing } = this.#deps;
    const due = new Map<string, number>();
    for (;;) {
      await this.#try('sweep', async () => {
        const now = clock.now();
        if (!(await this.#deps.store.transaction((tx) => takeTurn(tx, now, 'sweep', this.#holder, TURN_MS))))
          return;
        for (const duty of duties(this.#deps)) {
          if ((due.get(duty.name) ?? 0) > now.getTime()) continue;
          due.set(duty.name, now.getTime() + duty.everyMs);
          await this.#try(duty.name, () => duty.run(this.#deps));
        }
      });
      if (await this.#rest(timing.sweepMs)) return;
    }
  }

  /** Apart from the sweep: reading what was saved, and a report over ten thousand jobs, must not hold up a verdict. */
  #drills(): Promise<void> {
    return this.#apart('drills', DRILLS_MS, () => drillPass(this.#deps));
  }

  /** Apart, because receivers may be slow. */
  #deliver(): Promise<void> {
    return this.#apart('deliver', DELIVER_MS, () => deliverPass(this.#deps, this.#stop.signal));
  }

  /** A loop of its own, in one replica at a time. */
  async #apart(name: string, everyMs: number, pass: () => Promise<unknown>): Promise<void> {
    const deps = this.#deps;
    for (;;) {
      await this.#try(name, async () => {
        const now = deps.clock.now();
        if (await deps.store.transaction((tx) => takeTurn(tx, now, name, this.#holder, TURN_MS)))
          await pass();
      });
      if (await this.#rest(everyMs)) return;
    }
  }

  async #push(): Promise<void> {
    for (;;) {
      await this.#try('push', () => this.#pushAll());
      if (await this.#rest(this.#deps.timing.heartbeatMs / 2)) return;
    }
  }

  /** Providers that are called; each by one replica at a time. */
  async #pushAll(): Promise<void> {
    const deps = this.#deps;
    for (const provider of await loadProviders(deps.store.db)) {
      const broker = deps.broker(provider);
      if (broker.way !== 'push') continue;
      const now = deps.clock.now();
      const turn = `push:${provider.name}`;
      if (!(await deps.store.transaction((tx) => takeTurn(tx, now, turn, this.#holder, TURN_MS)))) continue;
      await pushPass(deps, provider.name, broker);
    }
  }

  /** @returns true when the engine is to stop */
  async #rest(ms: number): Promise<boolean> {
    await this.#deps.clock.sleep(ms, this.#stop.signal).catch(() => undefined);
    return this.#stop.signal.aborted;
  }

  /** A duty that fails is logged and comes again; the engine itself never ends by one. */
  async #try(name: string, work: () => Promise<unknown>): Promise<void> {
    const started = this.#deps.clock.now().getTime();
    const seconds = () => (this.#deps.clock.now().getTime() - started) / 1000;
    try {
      await work();
      this.#deps.metrics.observeFlow(name, 'ok', seconds());
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#deps.metrics.observeFlow(name, 'failed', seconds());
      this.#deps.log.error({ err: error, duty: name }, 'a duty failed and will be tried again');
    }
  }
}

/** A hint waits its turn, as what it is about may have come after the other's look. The sweep never does: behind its turn wait the verdicts. */
async function place(deps: Deps, explainAll: boolean, alone: typeof unlessBusy = exclusively): Promise<void> {
  const placed = await alone(deps.store, 'place', async () => {
    const promoted = await promotePass(deps);
    const { placed: begun } = await placePass(deps, explainAll);
    const preempted = await preemptPass(deps);
    return promoted + begun + preempted + (await sparePass(deps));
  });
  if (placed !== null && placed > 0) deps.bell.ring('effects');
}

async function measureQueue(deps: Deps): Promise<void> {
  const { depth, oldestQueuedAt } = await loadQueueDepth(deps.store.db);
  const now = deps.clock.now();
  deps.metrics.setQueue(
    depth,
    oldestQueuedAt === null ? 0 : (now.getTime() - oldestQueuedAt.getTime()) / 1000,
  );
}
