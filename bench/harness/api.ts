import { setTimeout as wait } from 'node:timers/promises';

/** The service as a client sees it. Everything but 2xx rejects. */
export interface Api {
  call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Organization and project `bench`. */
  makeProject(): Promise<void>;
  /** Registers a provider with one CPU offer; resolves with its agent's key (kind agent). */
  makeProvider(name: string, kind: 'agent' | 'process', capacity: number): Promise<string>;
  untilHealthy(name: string): Promise<void>;
}

const SITE = { city: 'Pangyo', country: 'KR', region: 'kr-central', latitude: 37.4, longitude: 127.1 };
const HEALTHY_WITHIN_MS = 30_000;

export function api(url: string, key: string): Api {
  const call: Api['call'] = async (method, path, body) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
  return {
    call,
    async makeProject() {
      await call('POST', '/v1/organizations', { name: 'bench' });
      await call('POST', '/v1/projects', { name: 'bench', organization: 'bench' });
    },
    async makeProvider(name, kind, capacity) {
      const made = await call('POST', '/v1/providers', {
        name,
        vendor: 'bench',
        broker: { kind },
        site: SITE,
        realm: 'public',
        certifications: [],
      });
      await call('PUT', `/v1/providers/${name}/offers`, [
        {
          name: 'cpu',
          region: 'kr-central',
          gpu: null,
          cpus: 1,
          memoryGiB: 1,
          capacity,
          price: { amount: '100', currency: 'KRW' },
        },
      ]);
      return (made['agentKey'] as string | null) ?? '';
    },
    async untilHealthy(name) {
      const until = performance.now() + HEALTHY_WITHIN_MS;
      for (;;) {
        const { health } = (await call('GET', `/v1/providers/${name}`)) as { health?: { state?: string } };
        if (health?.state === 'healthy') return;
        if (performance.now() > until)
          throw new Error(`${name} is ${health?.state} after ${HEALTHY_WITHIN_MS} ms`);
        await wait(100);
      }
    },
  };
}

/** A job that needs nothing but a process. */
export const cpuJob = (command: readonly string[]) => ({
  name: 'bench',
  project: 'bench',
  kind: 'training',
  run: { command },
  resources: { gpu: { count: 0 } },
});
