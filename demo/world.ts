import { randomBytes } from 'node:crypto';
import { createApi, type Api } from './api.ts';
import { startNaru, type Home, type Program } from './processes.ts';
import { offersOf, ORGANIZATION, PROJECT, type Vendor } from './story.ts';

/** The processes of one run, and the way to ask the service. */
export interface World {
  readonly home: Home;
  readonly service: Program;
  readonly api: Api;
  readonly agents: Map<string, Program>;
  readonly agentKeys: Map<string, string>;
}

const READY_WITHIN_MS = 40_000;

/** The service with its embedded PostgreSQL, on a free port, in the run's own folder. */
export async function startService(home: Home): Promise<World> {
  const adminKey = `naru_demo_${randomBytes(24).toString('base64url')}`;
  const service = startNaru(home, 'service', ['serve'], {
    HOST: '127.0.0.1',
    PORT: '0',
    NARU_DATA_DIR: home.path('data'),
    NARU_ADMIN_KEY: adminKey,
    NARU_LOG_LEVEL: 'warn',
  });
  const url = await service.line(/listening on (http:\S+)/, READY_WITHIN_MS);
  const api = createApi(url, adminKey);
  await api.post('/v1/organizations', { name: ORGANIZATION });
  await api.post('/v1/projects', { name: PROJECT, organization: ORGANIZATION });
  return { home, service, api, agents: new Map(), agentKeys: new Map() };
}

/** Registers a vendor's place with what it sells, and starts its agent. */
export async function joinVendor(world: World, vendor: Vendor): Promise<void> {
  const { name, city, region, latitude, longitude } = vendor;
  const { body } = await world.api.post<{ agentKey: string }>('/v1/providers', {
    name,
    vendor: `${name}-demo`,
    broker: { kind: 'agent' },
    site: { city, country: 'KR', region, latitude, longitude },
    realm: 'public',
    certifications: [],
  });
  world.agentKeys.set(name, body.agentKey);
  await world.api.put(`/v1/providers/${name}/offers`, offersOf(vendor));
  await startAgent(world, vendor);
}

/** Starts a vendor's agent on its folder; for the second time, as somebody does who mended a machine. */
export async function startAgent({ home, api, agents, agentKeys }: World, vendor: Vendor): Promise<void> {
  const { name, gpus, gpuModel } = vendor;
  const args = [
    'agent',
    '--name',
    name,
    '--data-dir',
    agentFolder(home, name),
    '--gpus',
    `${gpus}:${gpuModel}:80`,
  ];
  const agent = startNaru(home, name, args, {
    NARU_URL: api.url,
    NARU_AGENT_KEY: agentKeys.get(name) ?? '',
    NARU_LOG_LEVEL: 'warn',
  });
  agents.set(name, agent);
  await agent.line(/naru agent is serving/, READY_WITHIN_MS);
}

export function agentFolder(home: Home, name: string): string {
  return home.path('agents', name);
}

/** In the order in which a person would: agents stop their jobs while the service still listens. */
export async function stopWorld({ service, agents }: World): Promise<void> {
  await Promise.all([...agents.values()].map((agent) => agent.stop()));
  await service.stop();
}
