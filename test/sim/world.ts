import { DEFAULT_TIMING, type Timing } from '../../src/core/timing.ts';
import { verifyAudit } from '../../src/flows/verifyAudit.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { SimAgent } from './agent.ts';
import { Door } from './door.ts';
import { Drillers } from './drillers.ts';
import { openBooks } from './closed-books.ts';
import type { JobFacts } from './facts.ts';
import { Invariants } from './invariants.ts';
import { makeMarket, registerMarket, type Vendor } from './market.ts';
import { Link, Network } from './network.ts';
import { untrueMoves } from './moved.ts';
import { unlikeDecisions } from './replayed.ts';
import { Officers } from './officers.ts';
import { Officials } from './officials.ts';
import { SimPushProvider } from './push-provider.ts';
import { seeded, type Random } from './random.ts';
import { Bells, Replica, type Outside } from './replica.ts';
import { kill, Scheduler, START_MS } from './scheduler.ts';
import { Shopper } from './shopper.ts';
import { Site } from './site.ts';
import { instrument, poolOf, VirtualLocks } from './store.ts';
import { DEEDS, GUARDED_FROM, MONEY_FROM, PEOPLE, weatherOf } from './deeds.ts';
import { Truth } from './truth.ts';
import { untrueWait } from './waits.ts';
import { Workload } from './workload.ts';

export interface SimOptions {
  readonly seed: number;
  /** Of the storm. */
  readonly steps: number;
  readonly print?: ((line: string) => void) | null;
}

export interface SimResult {
  readonly seed: number;
  /** Empty: all is well. */
  readonly violations: readonly string[];
  readonly steps: number;
  readonly virtualSeconds: number;
  readonly hash: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly trace: readonly string[];
}

/** The sweep four times as slow as in production: fewer steps in which nothing happens. No bound of safety is touched. */
const TIMING: Timing = {
  ...DEFAULT_TIMING,
  sweepMs: 1_000,
  // A storm is a minute, so what takes a minute in production takes seconds.
  launchMs: 3_000,
  sampleWindowMs: 20_000,
  scopeHoldMs: 4_000,
  gpuHoldMs: 6_000,
  eagerAfterMs: 1_500,
};
/** Holds are of seconds, so that money runs out while a storm lasts. */
const MONEY_TIMING: Timing = { ...TIMING, meterMs: 1_000, meterMaxMs: 4_000 };
const timingOf = (seed: number): Timing => (seed >= MONEY_FROM ? MONEY_TIMING : TIMING);

/** Midnights of Seoul at which a year, a month and a quarter end. */
const MIDNIGHTS = [Date.UTC(2026, 11, 31, 15), Date.UTC(2027, 0, 31, 15), Date.UTC(2027, 2, 31, 15)];

/** Some worlds begin so late that money of another period is spent in them. */
function startOf(seed: number): number {
  const random = seeded(`seed ${seed}`).fork('start');
  if (seed < MONEY_FROM || random.chance(0.3)) return START_MS;
  return random.pick(MIDNIGHTS) - random.int(3_000, 25_000);
}

const CONNECTIONS = 12;
/** The longest job, as often as capacity makes it wait, and every wait that the clockwork knows. */
const CALM_MS = 400_000;
/** Between two words about what a calm still waits for. */
const TELL_MS = 20_000;

/** A whole world of one seed, on an empty migrated database: storm, then calm. */
export class World {
  readonly scheduler: Scheduler;
  readonly truth: Truth;
  readonly invariants: Invariants;
  readonly network: Network;
  readonly bells: Bells;
  readonly agents: SimAgent[] = [];
  readonly pushed = new Map<string, SimPushProvider>();
  readonly workload: Workload;
  readonly officials: Officials;
  readonly officers: Officers;
  /** Do budgets stand above the jobs? */
  readonly money: boolean;
  readonly drillers: Drillers;
  readonly shopper: Shopper;
  readonly vendors: readonly Vendor[];
  readonly violations: string[] = [];
  readonly counts: Record<string, number> = {};
  replicas: Replica[] = [];
  /** Is there money for everybody by now? */
  relieved = false;
  readonly random: Random;
  readonly #outside: Outside;
  readonly #options: SimOptions;
  #replicasMade = 0;

  private constructor(store: Store, url: string, scheduler: Scheduler, options: SimOptions) {
    const random = seeded(`seed ${options.seed}`);
    const violated = (what: string) => {
      scheduler.note('VIOLATED', what);
      this.violations.push(what);
    };
    const up = () => this.replicas;
    this.#options = options;
    this.random = random.fork('faults');
    this.scheduler = scheduler;
    this.vendors = makeMarket(random.fork('market'));
    this.truth = new Truth(scheduler, violated);
    this.invariants = new Invariants(url, this.truth, timingOf(options.seed), violated);
    this.network = new Network(scheduler, random.fork('network'), up);
    this.bells = new Bells(scheduler, random.fork('bells'));
    const world = () => this.invariants.world;
    const jobs = 10 + Math.floor(options.steps / 80);
    const door = new Door(scheduler, random.fork('door'), up);
    this.officials = new Officials(scheduler, random.fork('officials'), door, this.vendors);
    this.drillers = new Drillers(scheduler, random.fork('drillers'), door, this.vendors);
    this.workload = new Workload(
      scheduler,
      random.fork('workload'),
      door,
      this.officials,
      world,
      this.vendors,
      jobs,
      violated,
    );
    this.money = options.seed >= MONEY_FROM;
    const guarded = options.seed >= GUARDED_FROM && (!this.money || options.seed % 5 === 3);
    this.workload.wished = { guarded, money: this.money };
    this.officers = new Officers(scheduler, random.fork('officers'), door, world);
    this.shopper = new Shopper(scheduler, random.fork('shopper'), door, this.workload, violated);
    for (const { name, kind } of this.vendors) {
      const site = new Site(name, scheduler, this.truth, random.fork(`site ${name}`));
      const own = random.fork(`provider ${name}`);
      if (kind === 'process')
        this.pushed.set(name, new SimPushProvider(site, new Link(), scheduler, this.network, own));
      else this.agents.push(new SimAgent(site, new Link(), scheduler, this.network, own));
    }
    for (const agent of this.agents) agent.gossip = () => this.#gossipFor(agent);
    this.#outside = {
      scheduler,
      store,
      locks: new VirtualLocks(),
      bells: this.bells,
      timing: timingOf(options.seed),
      violated,
      broker: (name, kind, caller) => this.pushed.get(name)?.brokerFor(caller) ?? { kind, way: 'pull' },
    };
    for (let i = random.pick([1, 2, 2, 3]); i > 0; i -= 1) this.addReplica();
  }

  static async run(url: string, options: SimOptions): Promise<SimResult> {
    const choices = seeded(`seed ${options.seed}`).fork('scheduler');
    const scheduler = new Scheduler(
      choices,
      choices.pick([0, 0.02, 0.1, 0.3]),
      options.print ?? null,
      startOf(options.seed),
    );
    const store = openStore(url, { max: CONNECTIONS });
    let listening: Scheduler | null = null;
    await instrument(poolOf(store), () => listening, CONNECTIONS);
    await registerMarket(
      store,
      makeMarket(seeded(`seed ${options.seed}`).fork('market')),
      new Date(scheduler.nowMs),
    );
    listening = scheduler;
    const world = new World(store, url, scheduler, options);
    await world.invariants.open();
    try {
      await world.#storm();
      if (world.violations.length === 0) await world.#calm();
      return world.#result();
    } finally {
      for (const { proc } of world.replicas) kill(proc);
      await world.scheduler.quiet();
      await world.invariants.close();
      await store.close();
    }
  }

  addReplica(): void {
    const name = `replica-${(this.#replicasMade += 1)}`;
    this.scheduler.note('operator', `starts ${name}`);
    this.replicas = this.replicas.filter(({ proc }) => proc.alive);
    this.replicas.push(new Replica(name, this.#outside, seeded(`seed ${this.#options.seed}`).fork(name)));
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  async #storm(): Promise<void> {
    this.#mischief();
    for (let i = 0; i < this.#options.steps && this.violations.length === 0; i += 1) await this.#step();
  }

  async #step(): Promise<void> {
    this.scheduler.dirty = false;
    await this.scheduler.step();
    if (this.scheduler.dirty) await this.invariants.check();
    else this.invariants.glance();
  }

  /** Something happens, and something else a little later, until the storm is over. */
  #mischief(): void {
    const weather = weatherOf(this.#options.seed);
    const next = () => {
      if (!this.network.unreliable) return;
      const what = this.random.weighted({ ...PEOPLE, ...weather });
      this.count(what);
      DEEDS[what](this, this.random);
      this.scheduler.in(this.random.int(20, 350), null, next);
    };
    for (let i = 0; i < 4; i += 1) {
      if (this.money) this.officers.fund();
      this.workload.submit();
    }
    this.drillers.prove();
    this.scheduler.in(10, null, next);
  }

  /** Everything is mended; then what can end must end, and what waits must say truly why. */
  async #calm(): Promise<void> {
    const { scheduler, workload, invariants } = this;
    scheduler.note('weather', 'CALM');
    this.network.unreliable = this.bells.unreliable = false;
    scheduler.slowness = 0;
    for (const { proc } of this.replicas) {
      proc.pausedUntilMs = 0;
      proc.crash = proc.stall = null;
    }
    while (this.replicas.filter(({ proc }) => proc.alive).length === 0) this.addReplica();
    for (const agent of this.agents) agent.heal();
    for (const provider of this.pushed.values()) provider.heal();
    workload.heal();
    this.drillers.prove();
    if (this.money) await this.#settle('who has no money waits');
    if (this.violations.length > 0) return;
    this.#relieve();
    workload.probe();
    await this.#settle('everything ends that can');
    if (this.violations.length > 0) return;
    for (const { id } of workload.intents) {
      if (id !== null && !invariants.world.jobs.has(id))
        this.violations.push(`${id} was acknowledged and is lost`);
    }
    workload.open = false;
    workload.cancelAll();
    await this.#until('the rest is cancelled', 60_000, () => this.#empty());
    if (this.violations.length > 0) return;
    this.violations.push(...this.#leftovers());
    const audit = verifyAudit({ store: this.#outside.store });
    const { ok, broken } = await audit;
    if (!ok) this.violations.push(`the audit chain is broken: ${JSON.stringify(broken)}`);
    this.violations.push(...(await unlikeDecisions(this.#outside.store)));
    this.violations.push(...(await openBooks(this.#outside.store)));
    const { replicaPauses = 0, replicaHesitates = 0 } = this.counts;
    const stalled = replicaPauses + replicaHesitates > 0;
    this.violations.push(...(await untrueMoves(this.#outside.store, this.scheduler.nowMs, TIMING, stalled)));
  }

  async #settle(what: string): Promise<void> {
    await this.#until(what, CALM_MS, () => this.#settled());
    if (this.violations.length > 0 || this.#settled()) return;
    this.violations.push(`after ${CALM_MS / 1000} s of calm: ${this.#unsettled().join('; ')}`);
  }

  /** Officers give all that is asked for, from now on. */
  #relieve(): void {
    if (!this.money) return;
    this.relieved = true;
    this.officers.relieve();
    this.scheduler.in(2_000, null, () => this.#relieve());
  }

  async #until(what: string, ms: number, done: () => boolean): Promise<void> {
    const until = this.scheduler.nowMs + ms;
    this.scheduler.note('weather', `until ${what}`);
    let tellMs = this.scheduler.nowMs + TELL_MS;
    while (this.scheduler.nowMs < until && this.violations.length === 0 && !done()) {
      await this.#step();
      if (this.scheduler.nowMs < tellMs) continue;
      this.scheduler.note('weather', `not yet: ${this.#unsettled().join('; ')}`);
      tellMs += TELL_MS;
    }
  }

  #settled(): boolean {
    return this.#unsettled().length === 0;
  }

  #unsettled(): string[] {
    const probed = this.money && !this.relieved ? [] : this.workload.unprobed();
    const { drills } = this.invariants.world;
    if (drills > 0) probed.push(`${drills} drills go on`);
    const jobs = [...this.invariants.world.jobs.values()].flatMap((job) => {
      if (job.state === 'queued') return this.#explain(job);
      const service = job.spec.run.env['SIM_MS'] === 'never';
      if (job.state === 'running' && service) return this.#unguarded(job);
      return ['provisioning', 'running', 'stopping'].includes(job.state)
        ? [`${job.name} is ${job.state}`]
        : [];
    });
    return [...probed, ...jobs];
  }

  /** What should stand by for it does, or it says why not. */
  #unguarded({ id, name, spares, spareWaiting }: JobFacts): string[] {
    const ready = [...this.invariants.world.allocations.values()].filter(
      (one) => one.job === id && one.role !== 'run' && one.state === 'active' && one.startedMs !== null,
    );
    if (ready.length === spares || spareWaiting !== null) return [];
    return [`${name} has ${ready.length} of ${spares} that stand by, and does not say why`];
  }

  #explain(job: JobFacts): string[] {
    const untrue = untrueWait(job, this.invariants.world, this.scheduler.nowMs, timingOf(this.#options.seed));
    return untrue === null ? [] : [`${job.name} is queued: ${untrue}`];
  }

  #empty(): boolean {
    return this.#leftovers().length === 0;
  }

  /** What should be gone when everything has ended. */
  #leftovers(): string[] {
    const { jobs, allocations, offers, pools, cuts } = this.invariants.world;
    const sites = [
      ...this.agents.map(({ site }) => site),
      ...[...this.pushed.values()].map(({ site }) => site),
    ];
    return [
      ...(cuts > 0 ? [`${cuts} cuts outlive their drills`] : []),
      ...[...jobs.values()]
        .filter(({ state }) => !TERMINAL.includes(state))
        .map(({ name, state }) => `${name} is still ${state}`),
      ...[...allocations.values()]
        .filter(({ state }) => state !== 'released')
        .map(({ id, state }) => `${id} is still ${state}`),
      ...[...offers.values()]
        .filter(({ used }) => used !== 0)
        .map(({ provider, name, used }) => `${provider}/${name}: ${used} used`),
      ...[...pools].flatMap(([key, { used }]) =>
        used.some((amount) => amount !== 0) ? [`pool ${key}: ${used.join('/')} used`] : [],
      ),
      ...[...this.truth.live.values()].map(
        ({ allocationId, provider }) => `${allocationId} still runs at ${provider}`,
      ),
      ...sites
        .filter(({ entries }) => entries.size > 0)
        .map(({ provider, entries }) => `${provider} keeps ${entries.size} records`),
    ];
  }

  #gossipFor(agent: SimAgent): string[] {
    const others = [...this.invariants.world.allocations.values()].filter(
      ({ provider }) => provider !== agent.provider,
    );
    return ['alc-never-was', ...others.slice(-5).map(({ id }) => id)];
  }

  #result(): SimResult {
    const states: Record<string, number> = {};
    for (const { state } of this.invariants.world.jobs.values()) states[state] = (states[state] ?? 0) + 1;
    const { scheduler, truth, network, invariants } = this;
    return {
      seed: this.#options.seed,
      violations: this.violations,
      steps: scheduler.steps,
      virtualSeconds: Math.round(scheduler.elapsedMs / 1000),
      hash: (scheduler.traceHash >>> 0).toString(16).padStart(8, '0'),
      counts: {
        ...states,
        runs: truth.runs.length,
        spares: [...invariants.world.allocations.values()].filter(({ role }) => role !== 'run').length,
        unpaid: [...invariants.world.allocations.values()].filter(({ endReason }) => endReason === 'budget')
          .length,
        accounts: invariants.world.money.accounts.filter(({ charged }) => charged !== '0').length,
        takenOver: [...invariants.world.allocations.values()].filter(({ tookOver }) => tookOver !== null)
          .length,
        syncs: network.syncs,
        checks: invariants.checks,
        closed: invariants.closed.size,
        led: invariants.led.size,
        ...this.counts,
      },
      trace: scheduler.trace,
    };
  }
}

const TERMINAL = ['succeeded', 'failed', 'cancelled'];
