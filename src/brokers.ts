import { join } from 'node:path';
import { createAgentBroker } from '../brokers/agent.ts';
import type { Broker } from '../brokers/broker.ts';
import { createProcessBroker } from '../brokers/process.ts';
import { jobHost } from './flows/jobHost.ts';
import type { Deps } from './deps.ts';

/** One broker per provider, made at its first use. */
export interface Brokers {
  of(provider: Parameters<Deps['broker']>[0]): Broker;
  close(): Promise<void>;
}

/** An explicit list of kinds: a new one is a line here and a file in brokers/. */
export function createBrokers(base: Omit<Deps, 'broker' | 'rehearse'>): Brokers {
  const made = new Map<string, { settings: string; broker: Broker }>();
  const make = ({ name, brokerKind, brokerSettings }: Parameters<Deps['broker']>[0]): Broker => {
    switch (brokerKind) {
      case 'agent':
        return createAgentBroker();
      case 'process':
        return createProcessBroker({
          provider: name,
          dataDir: join(base.config.dataDir, 'process', name),
          settings: brokerSettings,
          host: jobHost(base, name),
          log: base.log,
          onChange: () => base.bell.ring('effects'),
        });
    }
  };
  return {
    of(provider) {
      const settings = JSON.stringify(provider.brokerSettings);
      const kept = made.get(provider.name);
      if (kept?.settings === settings) return kept.broker;
      const broker = make(provider);
      made.set(provider.name, { settings, broker });
      if (kept?.broker.way === 'push') void kept.broker.close().catch(() => undefined);
      return broker;
    },
    async close() {
      await Promise.allSettled(
        [...made.values()].flatMap(({ broker }) => (broker.way === 'push' ? [broker.close()] : [])),
      );
    },
  };
}
