import type { Broker } from './broker.ts';

/** A vendor's agent dials in and takes its orders itself (flows/sync.ts): there is nothing to call. */
export function createAgentBroker(): Broker {
  return { kind: 'agent', way: 'pull' };
}
