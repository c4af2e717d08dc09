import { BrokerFault, type Broker } from '../../brokers/broker.ts';
import type { Link, Network } from './network.ts';
import type { Random } from './random.ts';
import type { Proc, Scheduler } from './scheduler.ts';
import type { Site } from './site.ts';

const TIMEOUT_MS = 2_000;

/** A simulated provider that is called, and says so: the same machine as an agent's, behind the Broker interface. */
export class SimPushProvider {
  readonly site: Site;
  readonly link: Link;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #random: Random;
  /** Names of what was here: an order that comes late must not bring it up again. */
  readonly #forgotten = new Set<string>();
  refuseUntilMs = 0;
  /** Half-dead: until then it takes no order from us (a key that has expired), and what runs goes on. */
  lockedUntilMs = 0;
  downUntilMs = 0;

  constructor(site: Site, link: Link, scheduler: Scheduler, network: Network, random: Random) {
    this.site = site;
    this.link = link;
    this.#scheduler = scheduler;
    this.#network = network;
    this.#random = random;
  }

  /** The hands of one replica. */
  brokerFor(caller: Proc): Extract<Broker, { way: 'push' }> {
    const { site } = this;
    const ask = <T>(what: string, work: () => T) => this.#call(caller, what, work);
    // The broker knows when it was called, and the provider is told when the lease ends, not how long it is.
    const until = (leaseSeconds: number) => this.#scheduler.nowMs + leaseSeconds * 1000;
    return {
      kind: 'simulated',
      way: 'push',
      submit: (order, leaseSeconds) => {
        const leaseUntilMs = until(leaseSeconds);
        return ask(`submit ${order.allocationId}`, () => {
          if (
            site.entries.has(order.allocationId) ||
            this.#forgotten.has(order.allocationId) ||
            leaseUntilMs <= this.#scheduler.nowMs
          )
            return;
          if (this.#scheduler.nowMs < this.lockedUntilMs)
            throw new BrokerFault('unauthorized', 'the key has expired');
          if (this.#scheduler.nowMs < this.refuseUntilMs) {
            throw new BrokerFault(this.#random.chance(0.5) ? 'rejected' : 'no_capacity', 'not today');
          }
          site.start(order, leaseUntilMs, site.machine);
        });
      },
      stop: (stop) =>
        ask(`stop ${stop.allocationId}`, () =>
          site.stop(stop.allocationId, stop.graceSeconds * 1000, site.machine),
        ),
      renew: (renewals, leaseSeconds) => {
        const leaseUntilMs = until(leaseSeconds);
        return ask('renew', () =>
          renewals.forEach(({ allocationId, paidSeconds }) => {
            site.pay(allocationId, paidSeconds);
            site.renew(allocationId, leaseUntilMs);
          }),
        );
      },
      prepare: async () => {},
      list: () => ask('list', () => site.observations()),
      forget: (ids) => ask('forget', () => ids.forEach((id) => this.#forget(id))),
      close: () => Promise.resolve(),
    };
  }

  #forget(id: string): void {
    this.site.forget(id);
    this.#forgotten.add(id);
  }

  heal(): void {
    this.link.heal();
    this.refuseUntilMs = this.downUntilMs = this.lockedUntilMs = 0;
    this.site.slowUntilMs = this.site.stuckUntilMs = 0;
  }

  /** The power goes and comes back. */
  crash(downMs: number): void {
    this.#scheduler.note(this.site.provider, `is without power for ${downMs} ms`);
    this.site.loseProcesses();
    this.downUntilMs = this.#scheduler.nowMs + downMs;
  }

  /** A call: it may be lost on the way there, or be done and the answer lost on the way back. */
  #call<T>(caller: Proc, what: string, work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const scheduler = this.#scheduler;
      scheduler.in(TIMEOUT_MS, caller, () =>
        reject(new BrokerFault('unknown_outcome', `${what}: no answer`)),
      );
      scheduler.in(this.#network.delayMs(this.link), null, () => {
        if (scheduler.nowMs < this.downUntilMs || scheduler.nowMs < this.link.requestsLostUntilMs) {
          return scheduler.in(50, caller, () =>
            reject(new BrokerFault('unreachable', `${what}: nobody there`)),
          );
        }
        scheduler.note(this.site.provider, what);
        let settle: () => void;
        try {
          const value = work();
          settle = () => resolve(value);
        } catch (error) {
          const refused = error as BrokerFault;
          settle = () => reject(refused);
        }
        if (scheduler.nowMs < this.link.answersLostUntilMs) return;
        scheduler.in(this.#network.delayMs(this.link), caller, settle);
      });
    });
  }
}
