import { startFakeAgent, type FakeAgent } from './fake-agent.ts';
import type { Service } from './service.ts';

/** Simulated providers, registered, in contact and healthy. */
export async function startFleet(
  service: Service,
  options: { readonly agents: number; readonly capacity: number; readonly ends: boolean },
): Promise<{ readonly agents: readonly FakeAgent[]; stop(): Promise<void> }> {
  const names = Array.from({ length: options.agents }, (_, index) => `sim-${index}`);
  const agents: FakeAgent[] = [];
  for (const name of names) {
    const key = await service.api.makeProvider(name, 'agent', options.capacity);
    agents.push(startFakeAgent(service.url, key, { ends: options.ends }));
  }
  for (const name of names) await service.api.untilHealthy(name);
  return {
    agents,
    async stop() {
      await Promise.all(agents.map((agent) => agent.stop()));
    },
  };
}
