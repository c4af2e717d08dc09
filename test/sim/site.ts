import { SAVE_ALLOWANCE_SECONDS } from '../../src/core/orders.ts';
import type { Observation, Order, Outcome } from '../../src/core/order.ts';
import type { Random } from './random.ts';
import { makeProc, type Proc, type Scheduler, type Timer } from './scheduler.ts';
import type { Run, Stay, Truth } from './truth.ts';

/** What is on record of one allocation, on the machine's own disk. */
interface Entry {
  readonly order: Order | null;
  readonly id: string;
  phase: Observation['phase'];
  startedMs: number | null;
  endedMs: number | null;
  outcome: Outcome | null;
  exitCode: number | null;
  detail: string | null;
  run: Run | null;
  stay: Stay | null;
  /** Virtual time at which the warden ends it. */
  leaseUntilMs: number;
  lease: Timer | null;
  /** So many seconds of its run are paid; null: no end. */
  paidSeconds: number | null;
  paid: Timer | null;
  stopped: boolean;
}

/** SIGKILL takes a moment: the paid time ends that much before it is over. */
const END_MARGIN_MS = 500;

/**
 * A simulated machine with its records and its warden: it runs what it is told to, and ends what has no lease,
 * whatever became of the program that talks to the service. Says so: nothing here is a real process.
 */
export class Site {
  readonly provider: string;
  readonly machine: Proc;
  readonly entries = new Map<string, Entry>();
  /** Until then, starting takes seconds. */
  slowUntilMs = 0;
  /** Half-dead: until then orders are taken, and nothing starts. */
  stuckUntilMs = 0;
  readonly #scheduler: Scheduler;
  readonly #truth: Truth;
  readonly #random: Random;

  constructor(provider: string, scheduler: Scheduler, truth: Truth, random: Random) {
    this.provider = provider;
    this.machine = makeProc(`${provider}/m`);
    this.#scheduler = scheduler;
    this.#truth = truth;
    this.#random = random;
  }

  /** `launcher` is the program that brings it up; a run only begins if that program lives and the lease holds. */
  start(order: Order, leaseUntilMs: number, launcher: Proc): void {
    if (order.tookOver !== null) this.#takeOver(order.tookOver);
    const entry = this.#entry(order.allocationId, order, 'starting', leaseUntilMs);
    const slow = this.#scheduler.nowMs < this.slowUntilMs;
    this.#scheduler.in(slow ? this.#random.int(500, 8_000) : this.#random.int(0, 300), launcher, () =>
      this.#run(entry),
    );
  }

  /** The standby's place is the run's from now on. */
  #takeOver(id: string): void {
    const standby = this.entries.get(id);
    if (standby?.order?.standby === true && standby.phase !== 'ended')
      this.#end(standby, 'stopped', null, 'its job goes on here');
  }

  /** Puts an end on record that never was a start: refused, no capacity, or told to keep what is not here. */
  decline(order: Order | null, id: string, outcome: Outcome, detail: string): void {
    const entry = this.#entry(id, order, 'ended', 0);
    Object.assign(entry, { outcome, detail, endedMs: this.#scheduler.nowMs });
  }

  renew(id: string, leaseUntilMs: number): void {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.phase === 'ended') return;
    entry.leaseUntilMs = Math.max(entry.leaseUntilMs, leaseUntilMs);
  }

  /** Paid time only grows. */
  pay(id: string, paidSeconds: number | null): void {
    const entry = this.entries.get(id);
    if (entry === undefined || paidSeconds === null) return;
    entry.paidSeconds = Math.max(entry.paidSeconds ?? 0, paidSeconds);
    if (entry.startedMs !== null && entry.phase !== 'ended' && entry.paid === null) this.#guardPaid(entry);
  }

  /** SIGTERM now, SIGKILL after the grace by `killer`; most jobs go by themselves. */
  stop(id: string, graceMs: number, killer: Proc): void {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.phase === 'ended' || entry.stopped) return;
    entry.stopped = true;
    if (entry.run === null) return this.#end(entry, 'stopped', null, 'it did not run');
    entry.phase = 'stopping';
    if (this.#random.chance(0.7)) {
      this.#scheduler.in(this.#random.int(20, Math.max(40, graceMs)), this.machine, () =>
        this.#end(entry, 'stopped', 143, null),
      );
    }
    this.#scheduler.in(graceMs + 20, killer, () => this.#end(entry, 'stopped', 137, null));
  }

  forget(id: string): void {
    if (this.entries.get(id)?.phase === 'ended') this.entries.delete(id);
  }

  /** The power goes: every process with it. What was on disk stays, and does not say how they ended. */
  loseProcesses(): void {
    for (const entry of this.entries.values()) {
      if (entry.phase === 'ended') continue;
      this.#end(entry, 'lost', null, 'the machine went down');
    }
  }

  /** Launching was cut short by the launcher's death. */
  loseLaunches(): void {
    for (const entry of this.entries.values()) {
      if (entry.phase === 'starting') this.#end(entry, 'lost', null, 'its start was cut short');
    }
  }

  loseRecords(): void {
    this.loseProcesses();
    this.entries.clear();
  }

  observations(): Observation[] {
    const now = this.#scheduler.nowMs;
    return [...this.entries.values()].map((entry) => {
      const ranMs = entry.startedMs === null ? null : (entry.endedMs ?? now) - entry.startedMs;
      const health = entry.order?.serve?.healthPath ?? null;
      const up = entry.phase === 'running' && ranMs !== null && ranMs > 400 && entry.order?.serve != null;
      return {
        allocationId: entry.id,
        phase: entry.phase,
        ranMs,
        endedAgoMs: entry.endedMs === null ? null : now - entry.endedMs,
        outcome: entry.outcome,
        exitCode: entry.exitCode,
        detail: entry.detail,
        endpoint: up ? `http://${this.provider}:8000` : null,
        serving: health === null || entry.phase === 'ended' ? null : up,
      };
    });
  }

  #entry(id: string, order: Order | null, phase: Entry['phase'], leaseUntilMs: number): Entry {
    const entry: Entry = {
      order,
      id,
      phase,
      startedMs: null,
      endedMs: null,
      outcome: null,
      exitCode: null,
      detail: null,
      run: null,
      stay: null,
      leaseUntilMs,
      lease: null,
      paidSeconds: order?.paidSeconds ?? null,
      paid: null,
      stopped: false,
    };
    this.entries.set(id, entry);
    this.#truth.known.add(id);
    return entry;
  }

  #run(entry: Entry): void {
    if (entry.phase !== 'starting' || this.entries.get(entry.id) !== entry || entry.order === null) return;
    const now = this.#scheduler.nowMs;
    if (now < this.stuckUntilMs)
      return void this.#scheduler.in(this.stuckUntilMs - now, this.machine, () => this.#run(entry));
    if (entry.leaseUntilMs <= now)
      return this.#end(entry, 'lease-expired', null, 'its lease ended before it started');
    if (entry.paidSeconds !== null && entry.paidSeconds * 1000 <= END_MARGIN_MS)
      return this.#end(entry, 'unpaid', null, 'nothing of it is paid');
    entry.startedMs = now;
    entry.stay = this.#truth.stay(entry.id, this.provider);
    this.#guard(entry);
    this.#guardPaid(entry);
    if (entry.order.standby) {
      entry.phase = 'standby';
      return;
    }
    const copies = entry.order.env['SIM_COPIES'] !== undefined;
    entry.run = this.#truth.start(entry.id, entry.order.jobId, this.provider, copies);
    entry.phase = 'running';
    const ms = Number(entry.order.env['SIM_MS']);
    if (Number.isFinite(ms)) {
      this.#scheduler.in(ms, this.machine, () =>
        this.#end(entry, 'exited', Number(entry.order?.env['SIM_EXIT'] ?? 0), null),
      );
    }
  }

  /** The warden: looks when the lease ends, and again when it was renewed meanwhile. SIGKILL takes a moment. */
  #guard(entry: Entry): void {
    entry.lease = this.#scheduler.at(entry.leaseUntilMs, this.machine, () => {
      if (entry.phase === 'ended') return;
      if (entry.leaseUntilMs > this.#scheduler.nowMs) return this.#guard(entry);
      this.#scheduler.in(this.#random.int(0, 150), this.machine, () =>
        this.#end(entry, 'lease-expired', 137, null),
      );
    });
  }

  /** The warden, too: told to stop in time to save, gone before the money is, unless there is more by then. */
  #guardPaid(entry: Entry): void {
    const { startedMs, order, paidSeconds } = entry;
    if (startedMs === null || order === null || paidSeconds === null) return;
    const paidMs = paidSeconds * 1000;
    const graceMs = order.graceSeconds * 1000;
    const needed = order.standby
      ? END_MARGIN_MS
      : Math.min(graceMs + SAVE_ALLOWANCE_SECONDS * 1000, paidMs / 2);
    entry.paid = this.#scheduler.at(startedMs + paidMs - needed, this.machine, () => {
      if (entry.phase === 'ended') return;
      if (entry.paidSeconds !== paidSeconds) return this.#guardPaid(entry);
      entry.phase = 'stopping';
      const leftMs = startedMs + paidMs - END_MARGIN_MS - this.#scheduler.nowMs;
      this.#scheduler.in(Math.max(0, Math.min(graceMs, leftMs)), this.machine, () =>
        this.#end(entry, 'unpaid', entry.run === null ? null : 143, null),
      );
    });
  }

  #end(entry: Entry, outcome: Outcome, exitCode: number | null, detail: string | null): void {
    if (entry.phase === 'ended') return;
    entry.phase = 'ended';
    entry.endedMs = this.#scheduler.nowMs;
    entry.outcome = outcome;
    entry.exitCode = outcome === 'lost' ? null : exitCode;
    entry.detail = detail;
    for (const timer of [entry.lease, entry.paid]) if (timer !== null) timer.cancelled = true;
    if (entry.stay !== null) this.#truth.leave(entry.stay);
    if (entry.run !== null) this.#truth.end(entry.run, outcome === 'exited' ? exitCode : null, outcome);
  }
}
