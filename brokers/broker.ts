import type { Fault } from '../src/core/fault.ts';
import type { Observation, Order, Preparation, StopOrder } from '../src/core/order.ts';

/** A broker's typed failure. */
export class BrokerFault extends Error {
  readonly fault: Fault;
  readonly retryAfterSeconds: number | null;
  constructor(fault: Fault, message: string, retryAfterSeconds: number | null = null) {
    super(message);
    this.name = 'BrokerFault';
    this.fault = fault;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** `paidSeconds`: the end of its run that is paid for by now, as in its order; null: as it was. */
export interface Renewal {
  readonly allocationId: string;
  readonly paidSeconds: number | null;
}

/**
 * The adapter to one provider. Every verb is idempotent by allocation id, may be called again after an unknown
 * outcome, and fails only with a BrokerFault.
 *
 * Two ways of working: a `push` broker is called (submit, stop, renew, list); a `pull` broker's provider dials in
 * and takes its orders itself (the agent's sync), so there is nothing to call.
 */
export type Broker =
  | { readonly kind: string; readonly way: 'pull' }
  | {
      readonly kind: string;
      readonly way: 'push';
      /** Brings the allocation up, with a lease that ends `leaseSeconds` after the call was made. Again: does nothing. */
      submit(order: Order, leaseSeconds: number): Promise<void>;
      /** Asks for the end. Unknown id: does nothing. */
      stop(stop: StopOrder): Promise<void>;
      /** Makes the leases of these good for `leaseSeconds` more, and what is paid of their time what it says. */
      renew(renewals: readonly Renewal[], leaseSeconds: number): Promise<void>;
      /** Has these checkpoints lie ready at standbys. Ready already, or an unknown id: does nothing. */
      prepare(standbys: readonly Preparation[]): Promise<void>;
      /** Everything there that carries our label, ended ones included until they are forgotten. */
      list(): Promise<readonly Observation[]>;
      /**
       * The end of these is on record here: every trace may go but one. A `submit` that was made before and arrives
       * after it (from a replica that stood still, over a slow network) must still do nothing until its lease is over.
       */
      forget(allocationIds: readonly string[]): Promise<void>;
      close(): Promise<void>;
    };
