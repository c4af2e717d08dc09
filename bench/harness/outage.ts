import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cpuJob } from './api.ts';
import type { Bench } from './bench.ts';
import { openLedger, type Beats, type Ledger } from './beats.ts';
import { familyOf } from './proc.ts';
import { start } from './processes.ts';
import { naru, type Service } from './service.ts';
import { startWire, type Wire } from './wire.ts';

/** A provider with a real agent in a process of its own, behind a network that can be cut. */
export interface Place {
  readonly name: string;
  readonly wire: Wire;
  readonly agentPid: number;
  /** Parent of its jobs, and a process of its own. */
  wardenPid(): number;
  /** The agent and everything that came of it, as long as the agent lives. */
  family(): number[];
  /** Everything of it, whatever state it is in. */
  end(): Promise<void>;
}

export interface PlaceOptions {
  readonly capacity: number;
  /** KRW per hour: the cheaper one is taken first. */
  readonly price: number;
  /** Put before the agent's own command. */
  readonly prefix?: readonly string[];
}

/** Places differ in vendor and are far apart, so that any may take over for any. */
export async function openPlace(
  bench: Bench,
  service: Service,
  name: string,
  { capacity, price, prefix = [] }: PlaceOptions,
): Promise<Place> {
  const key = await register(service, name, capacity, price);
  const wire = await startWire(service.url);
  const dataDir = join(bench.folder, `agent-${randomBytes(4).toString('hex')}`);
  const command = [process.execPath, naru, 'agent', '--name', name, '--data-dir', dataDir, '--gpus', '0'];
  const running = await start({
    command: [...prefix, ...command],
    env: { NARU_URL: wire.url, NARU_AGENT_KEY: key, NARU_LOG_LEVEL: 'warn' },
    log: join(bench.folder, `${name}.log`),
  });
  const agentPid = running.child.pid as number;
  await service.api.untilHealthy(name);
  const family = new Set<number>();
  const remember = () => {
    for (const pid of familyOf(agentPid)) family.add(pid);
    return [...family];
  };
  return {
    name,
    wire,
    agentPid,
    wardenPid: () => Number.parseInt(readFileSync(join(dataDir, 'warden.pid'), 'utf8'), 10),
    family: remember,
    async end() {
      for (const pid of remember()) signal(pid, 'SIGKILL');
      await running.stop();
      await wire.close();
    },
  };
}

async function register(service: Service, name: string, capacity: number, price: number): Promise<string> {
  const site = { city: name, country: 'KR', region: 'kr-central', latitude: 35.16, longitude: 126.85 };
  const made = await service.api.call('POST', '/v1/providers', {
    name,
    vendor: name,
    broker: { kind: 'agent' },
    site: name.startsWith('spare') ? site : { ...site, latitude: 37.57, longitude: 126.98 },
    realm: 'public',
    certifications: [],
  });
  await service.api.call('PUT', `/v1/providers/${name}/offers`, [
    {
      name: 'cpu',
      region: 'kr-central',
      gpu: null,
      cpus: 1,
      memoryGiB: 1,
      capacity,
      price: { amount: String(price), currency: 'KRW' },
    },
  ]);
  return made['agentKey'] as string;
}

/** Jobs that beat, running at the cheapest of the places that they may use. */
export interface Beating {
  readonly ledger: Ledger;
  readonly ids: readonly string[];
  /** Resolves as soon as each has begun its attempt `attempt`; rejects after `withinMs`. */
  untilAttempt(attempt: number, withinMs: number): Promise<Beats[]>;
  /** Cancels them, and waits until they have ended. */
  end(): Promise<void>;
}

export async function startBeating(
  bench: Bench,
  service: Service,
  count: number,
  places: readonly string[],
): Promise<Beating> {
  const ledger = openLedger(bench.folder, `beats-${randomBytes(4).toString('hex')}`);
  const body = { ...cpuJob(ledger.command), placement: { providers: { allow: places } } };
  const ids: string[] = [];
  for (let job = 0; job < count; job += 1)
    ids.push(((await service.api.call('POST', '/v1/jobs', body)) as { id: string }).id);
  return {
    ledger,
    ids,
    async untilAttempt(attempt, withinMs) {
      for (const until = performance.now() + withinMs; ; await wait(50)) {
        const begun = ledger.read().filter((beats) => beats.attempt === attempt);
        if (begun.length === count) return begun;
        if (performance.now() > until)
          throw new Error(`${begun.length} of ${count} jobs have begun attempt ${attempt} in ${withinMs} ms`);
      }
    },
    async end() {
      for (const id of ids) await service.api.call('POST', `/v1/jobs/${id}/cancel`).catch(() => undefined);
      for (const id of ids) {
        for (let state = ''; !['cancelled', 'failed', 'succeeded'].includes(state); await wait(100))
          state = String((await service.api.call('GET', `/v1/jobs/${id}`))['state']);
      }
    },
  };
}

/** To a process that may have gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
