import pg from 'pg';
import { ALLOCATION_TRANSITIONS, type AllocationState } from '../../src/core/allocation.ts';
import { JOB_TRANSITIONS, isTerminal, type JobState } from '../../src/core/job.ts';
import { Books } from './books.ts';
import {
  NOTHING,
  SNAPSHOT,
  snapshotOf,
  type AllocationFacts,
  type EventFacts,
  type JobFacts,
  type ProviderFacts,
  type Rows,
  type Snapshot,
} from './facts.ts';
import type { Timing } from '../../src/core/timing.ts';
import { brokenPlacement, wronglyPreempted } from './placed.ts';
import { CLOSED, wrongEnd } from './parts.ts';
import { brokenRoom } from './room.ts';
import type { Stay, Truth } from './truth.ts';

const LIVE: readonly string[] = ['submitting', 'active'];

/**
 * What must hold after every single step, whatever was broken before it. Reads on a connection of its own, so that
 * looking changes nothing.
 */
export class Invariants {
  readonly #client: pg.Client;
  readonly #truth: Truth;
  readonly #violated: (what: string) => void;
  readonly #timing: Timing;
  #before: Snapshot = NOTHING;
  #lastSeq = 0;
  readonly #books = new Books();
  /** Stays that are over and were looked at since. */
  readonly #looked = new WeakSet<Stay>();
  readonly #told = new Map<string, JobState>();
  readonly #toldAllocations = new Map<string, AllocationState>();
  checks = 0;
  /** Parts of providers that were closed, and attempts that left such a part in good order: a storm needs some. */
  readonly closed = new Set<string>();
  readonly led = new Set<string>();

  constructor(url: string, truth: Truth, timing: Timing, violated: (what: string) => void) {
    this.#client = new pg.Client({ connectionString: url });
    this.#truth = truth;
    this.#violated = violated;
    this.#timing = timing;
    truth.objection = (allocationId, jobId) => this.#objection(allocationId, jobId);
  }

  async open(): Promise<void> {
    await this.#client.connect();
  }

  close(): Promise<void> {
    return this.#client.end();
  }

  get world(): Snapshot {
    return this.#before;
  }

  async check(): Promise<void> {
    this.checks += 1;
    const { rows } = await this.#client.query<{ world: Rows }>({
      name: 'snapshot',
      text: SNAPSHOT,
      values: [this.#lastSeq, this.#books.last],
    });
    const world = rows[0]!.world;
    const now = snapshotOf(world);
    for (const event of world.events) this.#history(event);
    for (const job of now.jobs.values()) this.#job(job, this.#before.jobs.get(job.id));
    for (const id of this.#before.jobs.keys()) if (!now.jobs.has(id)) this.#violated(`${id} is gone`);
    for (const one of now.allocations.values())
      this.#allocation(one, this.#before.allocations.get(one.id), now);
    for (const provider of now.providers.values())
      this.#verdict(provider, this.#before.providers.get(provider.name), now);
    for (const one of now.scopes)
      if (CLOSED.includes(one.state)) this.closed.add(Object.values(one).join(' '));
    this.#onePerJob(now);
    this.#all(brokenRoom(this.#before, now));
    this.#nothingUnowned(now);
    this.#all(this.#books.check(now.money, now.allocations, now.jobs));
    this.#before = now;
    this.glance();
  }

  /** Each job's events tell a history that JOB_TRANSITIONS allows, and each allocation's likewise. */
  #history(event: EventFacts): void {
    this.#lastSeq = event.seq;
    const [subject, what = ''] = event.type.split('.');
    if (subject === 'job' && what in JOB_TRANSITIONS) {
      const to = what as JobState;
      const from = this.#told.get(event.job);
      if (from === undefined ? to !== 'queued' : !JOB_TRANSITIONS[from].includes(to)) {
        this.#violated(`${event.job}: its events say ${from ?? 'nothing'} → ${to}`);
      }
      this.#told.set(event.job, to);
      if (to === 'provisioning') this.#toldAllocations.set(event.allocation ?? '', 'submitting');
    }
    if (subject === 'allocation' && what in ALLOCATION_TRANSITIONS) {
      const id = event.allocation ?? '';
      const to = what as AllocationState;
      const from = this.#toldAllocations.get(id);
      const may = from === undefined ? to === 'submitting' : ALLOCATION_TRANSITIONS[from].includes(to);
      if (!may) {
        this.#violated(`${id}: its events say ${from ?? 'nothing'} → ${to}`);
      }
      this.#toldAllocations.set(id, to);
    }
  }

  #job(job: JobFacts, before: JobFacts | undefined): void {
    if (this.#told.get(job.id) !== job.state) {
      this.#violated(
        `${job.id} is ${job.state}, and its last event says ${this.#told.get(job.id) ?? 'nothing'}`,
      );
    }
    if (before !== undefined && before.row !== job.row) {
      if (isTerminal(before.state))
        this.#violated(`${job.id} was ${before.state} and changed: ${before.row} → ${job.row}`);
      if (before.state !== job.state && job.version <= before.version)
        this.#violated(`${job.id} changed and kept its version`);
    }
    if (job.state === 'succeeded' && before?.state !== 'succeeded' && !this.#truth.exitedWell(job.id)) {
      this.#violated(`${job.id} succeeded, and no run of it ever ended with 0`);
    }
  }

  #allocation(one: AllocationFacts, before: AllocationFacts | undefined, now: Snapshot): void {
    if (before === undefined) this.#all(brokenPlacement(one, now));
    else if (before.row !== one.row) {
      const wrong = wrongEnd(one, before, now);
      if (one.endReason === 'provider-degraded') this.led.add(one.id);
      if (wrong !== null) this.#violated(wrong);
      if (before.state === 'released')
        this.#violated(`${one.id} was released and changed: ${before.row} → ${one.row}`);
      if (BigInt(one.chargedMicros) < BigInt(before.chargedMicros))
        this.#violated(`${one.id} is charged less than before`);
    }
    if (
      one.endReason === 'provider-down' &&
      before?.endReason === 'provider-down' &&
      one.leaseUntil > before.leaseUntil
    ) {
      this.#violated(`${one.id} was fenced, and its lease was renewed`);
    }
    if (one.startedMs !== null && one.role !== 'standby' && !this.#truth.ran(one.id))
      this.#violated(`${one.id} is said to have started, and never ran`);
    if (before?.state === 'submitting' && one.outcome === 'lost' && !this.#truth.known.has(one.id)) {
      this.#violated(`${one.id} is taken for lost, and ${one.provider} had not even heard of it`);
    }
    const job = now.jobs.get(one.job);
    if (one.endReason === 'preempted' && before?.endReason === null)
      this.#all(wronglyPreempted(one, job, [this.#before, now]));
    if (one.outcome === 'exited' && one.exitCode === 0 && job?.current === one.id && !isTerminal(job.state)) {
      this.#violated(`${one.id} ended with 0, and ${one.job} is ${job.state}`);
    }
  }

  #all(violations: readonly string[]): void {
    for (const violation of violations) this.#violated(violation);
  }

  /** Nobody is given up who was heard, and nobody for a silence of our own. */
  #verdict(provider: ProviderFacts, before: ProviderFacts | undefined, now: Snapshot): void {
    if (provider.health !== 'down' || before?.health === 'down') return;
    // Its GPUs are gone, and it says so itself.
    if (
      now.scopes.some((one) => one.provider === provider.name && one.plane === 'data' && one.state === 'down')
    )
      return;
    const { silentMs } = provider;
    if (silentMs === null || silentMs < this.#timing.downAfterMs)
      this.#violated(`${provider.name} is down after a silence of ${silentMs} ms`);
    if (provider.kind === 'agent' && this.#everybodyWasSilent(provider, now))
      this.#violated(`${provider.name} is given up while every agent is silent`);
  }

  /** When the verdict was made: all agents that had not been given up before, two at least. */
  #everybodyWasSilent({ name, healthSinceMs }: ProviderFacts, now: Snapshot): boolean {
    const silences = [...now.providers.values()].flatMap((one) => {
      const health = one.name === name ? 'degraded' : one.health;
      const counts = one.kind === 'agent' && health !== 'down' && health !== 'unknown';
      return counts && one.heardAtMs !== null ? [healthSinceMs - one.heardAtMs] : [];
    });
    const least = Math.min(...silences);
    const { degradedAfterMs, doubtMs } = this.#timing;
    return silences.length >= 2 && least >= degradedAfterMs && least < doubtMs;
  }

  #onePerJob(now: Snapshot): void {
    const live = new Map<string, string>();
    for (const one of now.allocations.values()) {
      if (!LIVE.includes(one.state) || one.role !== 'run') continue;
      if (live.has(one.job))
        this.#violated(`${one.job} has two live allocations: ${live.get(one.job)} and ${one.id}`);
      live.set(one.job, one.id);
      const job = now.jobs.get(one.job);
      if (job?.current !== one.id)
        this.#violated(`${one.id} lives and is not current: ${one.job} is ${job?.state}`);
      if (job?.state !== 'provisioning' && job?.state !== 'running')
        this.#violated(`${one.id} lives, and ${one.job} is ${job?.state}`);
    }
    for (const job of now.jobs.values()) {
      if ((job.state === 'provisioning' || job.state === 'running') && !live.has(job.id)) {
        this.#violated(`${job.id} is ${job.state} and has no live allocation`);
      }
    }
  }

  /** What really runs is an allocation's that is not released: else nobody would ever stop it, or bill it. */
  #nothingUnowned(now: Snapshot): void {
    for (const run of this.#truth.live.values()) {
      const one = now.allocations.get(run.allocationId);
      const state = one?.state;
      if (state === undefined || state === 'released') {
        this.#violated(
          `${run.allocationId} of ${run.jobId} runs at ${run.provider} and is ${state ?? 'unknown'}`,
        );
      }
    }
  }

  /** Nothing stays anywhere for a second longer than money is held for. Between two looks only time passes. */
  glance(): void {
    for (const stay of this.#truth.stays) {
      if (this.#looked.has(stay)) continue;
      if (stay.endedMs !== null) this.#looked.add(stay);
      const paid = this.#before.allocations.get(stay.allocationId)?.paidSeconds ?? null;
      if (paid !== null && this.#truth.ranMs(stay) > paid * 1000)
        this.#violated(
          `${stay.allocationId} was at ${stay.provider} for longer than the ${paid} s that are paid`,
        );
    }
  }

  #objection(allocationId: string, jobId: string): string | null {
    const state = this.#before.allocations.get(allocationId)?.state;
    if (state === undefined || state === 'released') return `the allocation is ${state ?? 'unknown'}`;
    if (this.#before.jobs.get(jobId)?.state === 'succeeded') return 'the job has succeeded';
    return null;
  }
}
