import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from '../core/start-error.ts';
import type { Inventory } from '../core/order.ts';

/** What `naru agent --register` says of this machine; the operator may correct all of it later over the API. */
export interface Registration {
  /** Of the service. */
  readonly url: string;
  /** A key that may register providers: an admin's, an operator's or the vendor's. */
  readonly key: string;
  readonly name: string;
  readonly vendor: string;
  readonly site: {
    readonly city: string;
    readonly country: string;
    readonly region: string;
    readonly latitude: number;
    readonly longitude: number;
  };
  /** Decimal, an hour of the whole machine. */
  readonly price: string;
  readonly currency: string;
  /** Jobs that may run at once where there is no GPU to count. */
  readonly places: number;
}

/** Where the agent's own key is kept, readable by nobody else. */
export const KEY_FILE = 'agent-key';

/** The key that an earlier registration left in the agent's data folder, or null. */
export async function keptAgentKey(dataDir: string): Promise<string | null> {
  const text = await readFile(join(dataDir, KEY_FILE), 'utf8').catch(() => '');
  return text.trim() === '' ? null : text.trim();
}

/**
 * Registers this machine as a provider with what it has as its offer, and keeps the agent's key in `dataDir`.
 * Registered before (the key is there): only the offer is renewed. Resolves with the agent's key.
 * Throws StartError, one line, where the service refuses.
 *
 * The Idempotency-Key is the name: a registration whose answer was lost is repeated and gets the same key again.
 */
export async function register(
  registration: Registration,
  inventory: Inventory,
  dataDir: string,
): Promise<string> {
  const { name, vendor, site } = registration;
  let agentKey = await keptAgentKey(dataDir);
  if (agentKey === null) {
    const body = { name, vendor, broker: { kind: 'agent' }, site, realm: 'on-premises', certifications: [] };
    const made = await call(registration, 'POST', '/v1/providers', body, `register-${name}`);
    if (typeof made['agentKey'] !== 'string') throw new StartError('the service gave no key for the agent');
    agentKey = made['agentKey'];
    await keep(dataDir, agentKey);
  }
  await call(registration, 'PUT', `/v1/providers/${name}/offers`, [offerOf(registration, inventory)]);
  return agentKey;
}

/** One offer: a GPU each where there are any, else a share of the processors. */
function offerOf({ site, price, currency, places }: Registration, { gpus, cpus, memoryGiB }: Inventory) {
  const [first] = gpus;
  const capacity = first === undefined ? places : gpus.length;
  return {
    name: first === undefined ? 'cpu' : 'one-gpu',
    region: site.region,
    gpu: first === undefined ? null : { model: first.model, count: 1, memoryGiB: first.memoryGiB },
    cpus: Math.max(1, Math.floor(cpus / capacity)),
    memoryGiB: Math.max(1, Math.floor(memoryGiB / capacity)),
    capacity,
    price: { amount: price, currency },
  };
}

async function call(
  { url, key }: Registration,
  method: string,
  path: string,
  body: unknown,
  idempotencyKey?: string,
): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const request = { method, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) };
  const response = await fetch(new URL(path, url), {
    ...request,
    headers: idempotencyKey === undefined ? headers : { ...headers, 'idempotency-key': idempotencyKey },
  }).catch((error: unknown) => {
    throw new StartError(
      `cannot reach ${new URL(url).origin}: ${error instanceof Error ? error.message : 'no answer'}`,
    );
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return answer;
  throw new StartError(
    `the service refused ${method} ${path}: ${response.status} ${typeof answer['detail'] === 'string' ? answer['detail'] : ''}`,
  );
}

async function keep(dataDir: string, key: string): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const draft = join(dataDir, `${KEY_FILE}.draft`);
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${key}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, join(dataDir, KEY_FILE));
}
