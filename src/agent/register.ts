import { randomUUID } from 'node:crypto';
import { availableParallelism, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatMicros, parseMicros } from '../core/money.ts';
import { StartError } from '../core/start-error.ts';
import { ask, postJson, Refusal, type Door } from './door.ts';
import { writeJson } from './folders.ts';
import type { Gpu } from './gpus.ts';

/** What `naru agent --register` says about the machine. */
export interface Registration {
  readonly vendor: string;
  /** Per hour of one GPU; of one place where there are none. */
  readonly price: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Jobs at once where there are no GPUs. */
  readonly places: number;
  readonly site: {
    readonly city: string;
    readonly country: string;
    readonly region: string;
    readonly latitude: number;
    readonly longitude: number;
  };
}

/** Kept in the data folder, mode 600. */
interface Kept {
  readonly provider: string;
  /** Chosen before the first attempt: repeated, it brings the same answer, and the key that is shown only once. */
  readonly idempotencyKey: string;
  /** Null: the attempt was made, and its answer did not arrive. */
  readonly agentKey: string | null;
}

const IDLE_MS = 15_000;

/** The key that an earlier registration left in the data folder, or null. */
export function keptKey(dataDir: string, provider: string): string | null {
  const kept = readKept(dataDir);
  return kept?.provider === provider ? kept.agentKey : null;
}

/**
 * Makes this machine a provider with everything that it has as its offer, and keeps the agent's key in the data
 * folder. `door` has a key that may do so. Throws StartError with what the service said.
 */
export async function register(
  door: Door,
  dataDir: string,
  name: string,
  registration: Registration,
  gpus: readonly Gpu[],
): Promise<string> {
  const before = readKept(dataDir);
  const idempotencyKey = before?.provider === name ? before.idempotencyKey : randomUUID();
  writeJson(fileIn(dataDir), { provider: name, idempotencyKey, agentKey: null } satisfies Kept);
  try {
    const { vendor, site } = registration;
    const body = { name, vendor, broker: { kind: 'agent' }, site };
    const signal = AbortSignal.timeout(IDLE_MS * 2);
    const headers = { 'idempotency-key': idempotencyKey };
    const made = await postJson<{ agentKey: string }>(door, '/v1/providers', body, signal, IDLE_MS, headers);
    await putOffers(door, name, registration, gpus, signal);
    writeJson(fileIn(dataDir), { provider: name, idempotencyKey, agentKey: made.agentKey } satisfies Kept);
    return made.agentKey;
  } catch (error) {
    const why =
      error instanceof Refusal && error.status === 409
        ? ' (its agent key was shown when it was made: give it by --key)'
        : '';
    throw new StartError(`could not register ${name}: ${(error as Error).message}${why}`);
  }
}

async function putOffers(
  door: Door,
  name: string,
  registration: Registration,
  gpus: readonly Gpu[],
  signal: AbortSignal,
): Promise<void> {
  const payload = Buffer.from(JSON.stringify(offersOf(registration, gpus)));
  const headers = { 'content-type': 'application/json', 'content-length': String(payload.length) };
  const path = `/v1/providers/${name}/offers`;
  const answer = await ask(door, path, { method: 'PUT', headers, body: payload, signal, idleMs: IDLE_MS });
  answer.body.resume();
}

/** Sold in single GPUs (or places): what a job may take of a whole machine is then never counted twice. */
export function offersOf(registration: Registration, gpus: readonly Gpu[]): unknown[] {
  const { price, currency, places, site } = registration;
  const [first] = gpus;
  const capacity = first === undefined ? places : gpus.length;
  const share = (whole: number): number => Math.floor((whole / capacity) * 100) / 100;
  const offer = {
    region: site.region,
    cpus: share(availableParallelism()),
    memoryGiB: share(totalmem() / 2 ** 30),
    capacity,
    price: { amount: formatMicros(parseMicros(price)), currency },
  };
  if (first === undefined) return [{ name: 'place', ...offer }];
  return [{ name: 'gpu', gpu: { model: first.model, count: 1, memoryGiB: first.memoryGiB }, ...offer }];
}

function readKept(dataDir: string): Kept | null {
  try {
    return JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as Kept;
  } catch {
    return null;
  }
}

const fileIn = (dataDir: string): string => join(dataDir, 'registration.json');
