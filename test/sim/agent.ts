import type { GpuFaultReport, Observation, SyncRequest, SyncResponse } from '../../src/core/order.ts';
import type { Link, Network } from './network.ts';
import type { Random } from './random.ts';
import { kill, makeProc, type Proc, type Scheduler } from './scheduler.ts';
import type { Site } from './site.ts';

const GPU = { index: 0, model: 'H100-80GB', memoryGiB: 80 };

export type Crash = 'alone' | 'with-children' | 'records-lost';

/**
 * A simulated agent, and says so: it obeys the protocol of src/core/order.ts as a vendor's program would, over a
 * simulated machine, and can be broken in every way that a machine, a disk, a network or a vendor can be.
 */
export class SimAgent {
  readonly provider: string;
  readonly site: Site;
  readonly link: Link;
  /** Its monotonic clock runs that much too fast or too slow. */
  readonly #rate: number;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #random: Random;
  readonly #timeoutMs: number;
  proc: Proc;
  refuseUntilMs = 0;
  lieUntilMs = 0;
  /** Says until then that it has no room, whatever it has. */
  fullUntilMs = 0;
  /** In the log of its kernel, and not heard by the service yet. */
  readonly #faults: (Omit<GpuFaultReport, 'agoMs'> & { readonly atMs: number })[] = [];
  #faultsMade = 0;
  /** Ids that a liar may speak of: other vendors' and invented ones. */
  gossip: () => string[] = () => [];
  #instance: string;
  #instances = 0;
  #sequence = 0;
  /** Added to the machine's wall clock, which nobody keeps right. Milliseconds. */
  #wallOffsetMs = 0;

  constructor(site: Site, link: Link, scheduler: Scheduler, network: Network, random: Random) {
    this.provider = site.provider;
    this.site = site;
    this.link = link;
    this.#scheduler = scheduler;
    this.#network = network;
    this.#random = random;
    this.#rate = 1 + (random.next() - 0.5) * 0.02;
    this.#timeoutMs = random.int(2_000, 4_000);
    this.proc = makeProc(site.provider);
    this.#instance = this.#newInstance();
    this.start();
  }

  /** Starts the program on what its disk holds. */
  start(): void {
    if (this.proc.alive) kill(this.proc);
    this.proc = makeProc(this.provider);
    this.site.loseLaunches();
    this.#sequence = (this.#scheduler.nowMs + this.#wallOffsetMs) * 1000;
    void this.#live(this.proc);
  }

  crash(how: Crash, downMs: number): void {
    this.#scheduler.note(this.provider, `crashes ${how} for ${downMs} ms`);
    kill(this.proc);
    if (how === 'with-children') this.site.loseProcesses();
    if (how === 'records-lost') {
      this.site.loseRecords();
      this.#instance = this.#newInstance();
    }
    if (this.#random.chance(0.3)) this.#wallOffsetMs = this.#random.int(-30_000, 30_000);
    this.#scheduler.in(downMs, null, () => {
      if (!this.proc.alive) this.start();
    });
  }

  freeze(ms: number): void {
    this.#scheduler.note(this.provider, `is frozen for ${ms} ms`);
    this.proc.pausedUntilMs = this.#scheduler.nowMs + ms;
  }

  gpuFault(xid: number): void {
    this.#scheduler.note(this.provider, `XID ${xid}`);
    const id = `boot:${(this.#faultsMade += 1)}`;
    const { index, model } = GPU;
    const fault = { id, device: '0000:3b:00', index, model, xid, text: 'simulated' };
    this.#faults.push({ ...fault, atMs: this.#scheduler.nowMs });
  }

  heal(): void {
    this.link.heal();
    this.refuseUntilMs = this.lieUntilMs = this.fullUntilMs = this.proc.pausedUntilMs = 0;
    this.site.slowUntilMs = this.site.stuckUntilMs = 0;
    if (!this.proc.alive) this.start();
  }

  #newInstance(): string {
    this.#instances += 1;
    return `${this.provider}-${this.#instances}`;
  }

  async #live(proc: Proc): Promise<void> {
    let ordersVersion: number | null = null;
    for (;;) {
      this.#sequence += 1;
      const sentAtMs = this.#scheduler.nowMs;
      const request = this.#request(ordersVersion);
      const reply = await this.#network.sync(proc, this.link, this.provider, request, this.#timeoutMs);
      if (reply.kind === 'answer') {
        this.#faults.splice(0, request.gpuFaults?.length ?? 0);
        // An answer to a question whose lease is over says nothing that may still be done.
        if (this.#elapsedMs(sentAtMs) < reply.answer.leaseSeconds * 1000) {
          this.#obey(reply.answer, sentAtMs, proc);
          ordersVersion = reply.answer.ordersVersion;
        }
      } else if (reply.kind === 'problem') {
        const last = Number(reply.problem.errors?.[0]?.detail);
        if (Number.isFinite(last)) this.#sequence = Math.max(this.#sequence, last);
        else await this.#scheduler.sleep(proc, 500);
      }
      await this.#scheduler.sleep(proc, this.#random.int(10, 60));
    }
  }

  #elapsedMs(sinceMs: number): number {
    return (this.#scheduler.nowMs - sinceMs) * this.#rate;
  }

  #request(ordersVersion: number | null): SyncRequest {
    const faults = this.#faults.map(({ atMs, ...fault }) => {
      return { ...fault, agoMs: this.#scheduler.nowMs - atMs };
    });
    return {
      agentVersion: 'simulated',
      instanceId: this.#instance,
      sequence: this.#sequence,
      inventory: { hostname: this.provider, gpus: [GPU], cpus: 8, memoryGiB: 64, limits: 'none' },
      ordersVersion,
      observations: [...this.site.observations(), ...this.#lies()],
      ...(faults.length > 0 ? { gpuFaults: faults } : {}),
    };
  }

  /** Says that it runs, or finished, what it never got. */
  #lies(): Observation[] {
    if (this.#scheduler.nowMs >= this.lieUntilMs) return [];
    const own = new Set(this.site.entries.keys());
    return this.gossip()
      .filter((id) => !own.has(id))
      .map((allocationId) => {
        const ended = this.#random.chance(0.5);
        return {
          allocationId,
          phase: ended ? 'ended' : 'running',
          ranMs: 1_000,
          endedAgoMs: ended ? 10 : null,
          outcome: ended ? 'exited' : null,
          exitCode: ended ? 0 : null,
          detail: 'a lie',
          endpoint: null,
          serving: null,
        } as const;
      });
  }

  #obey(answer: SyncResponse, sentAtMs: number, proc: Proc): void {
    const { site } = this;
    const leaseUntilMs = sentAtMs + (answer.leaseSeconds * 1000) / this.#rate;
    const before = [...site.entries.keys()];
    for (const { allocationId, paidSeconds } of answer.paid) site.pay(allocationId, paidSeconds);
    for (const id of [...answer.start.map((order) => order.allocationId), ...answer.keep])
      site.renew(id, leaseUntilMs);
    for (const stop of answer.stop) {
      if (stop.renewed) site.renew(stop.allocationId, leaseUntilMs);
      site.stop(stop.allocationId, stop.graceSeconds * 1000, proc);
    }
    for (const order of answer.start) {
      if (site.entries.has(order.allocationId)) continue;
      if (this.#scheduler.nowMs < this.fullUntilMs)
        site.decline(order, order.allocationId, 'no-capacity', 'sold out');
      else if (this.#scheduler.nowMs < this.refuseUntilMs) {
        site.decline(
          order,
          order.allocationId,
          this.#random.chance(0.5) ? 'refused' : 'no-capacity',
          'not today',
        );
      } else site.start(order, leaseUntilMs, proc);
    }
    for (const id of answer.keep) {
      if (!site.entries.has(id)) site.decline(null, id, 'lost', 'there is no record of it here');
    }
    for (const id of answer.forget) site.forget(id);
    const named = new Set([
      ...answer.start.map((order) => order.allocationId),
      ...answer.keep,
      ...answer.stop.map((stop) => stop.allocationId),
      ...answer.forget,
      ...answer.unheard,
    ]);
    for (const id of before) {
      if (named.has(id)) continue;
      site.stop(id, 0, proc);
      site.forget(id);
    }
  }
}
