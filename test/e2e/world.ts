import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, chmodSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * A world of real processes for end-to-end tests: services and agents started as their users start them, a client,
 * and a ledger in which every job writes its own start and end, so that "once" is checked by what really ran.
 */
const ROOT = join(import.meta.dirname, '../..');
const NARU = join(ROOT, 'bin/naru');
const ADMIN = 'naru_e2e_admin_key_0123456789abcdef0123456789';

export interface Service {
  readonly url: string;
  readonly child: ChildProcess;
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

export interface Agent {
  readonly name: string;
  readonly child: ChildProcess;
  readonly dataDir: string;
  /** SIGKILL of the agent with everything that it started. */
  killTree(): Promise<void>;
  /** SIGSTOP or SIGCONT of the agent alone. */
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<number | null>;
}

export interface Json {
  readonly [key: string]: unknown;
}

export class World {
  readonly folder: string;
  readonly ledgerFile: string;
  readonly #env: Record<string, string>;
  readonly #children = new Set<ChildProcess>();
  readonly #agentKeys = new Map<string, string>();
  /** Where requests go; any of the services. */
  url = '';

  constructor(env: Record<string, string> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'naru-e2e-'));
    chmodSync(this.folder, 0o755);
    this.ledgerFile = join(this.folder, 'ledger');
    this.#env = env;
  }

  /** Starts a service and waits until it listens. `port` 0: a free one. */
  async service(
    options: { port?: number; data?: string; env?: Record<string, string> } = {},
  ): Promise<Service> {
    const child = this.#spawn(['serve'], {
      PORT: String(options.port ?? 0),
      NARU_DATA_DIR: join(this.folder, options.data ?? 'data'),
      NARU_ADMIN_KEY: ADMIN,
      NARU_LOG_LEVEL: 'warn',
      ...this.#env,
      ...options.env,
    });
    const url = await lineOf(child, /listening on (http:\S+)/);
    this.url = url;
    return {
      url,
      child,
      kill: () => end(child, 'SIGKILL'),
      stop: () => end(child, 'SIGTERM').then(() => child.exitCode),
    };
  }

  /** Registers a provider with one offer of `capacity` CPU-only places, and starts its agent. */
  async agent(
    name: string,
    options: { capacity: number; price: string; vendor?: string; site?: Json },
  ): Promise<Agent> {
    const key = await this.provider(name, options);
    return this.startAgent(name, key);
  }

  /** @returns the agent's key */
  async provider(
    name: string,
    options: { capacity: number; price: string; vendor?: string; site?: Json },
  ): Promise<string> {
    const made = await this.post('/v1/providers', {
      name,
      vendor: options.vendor ?? name,
      broker: { kind: 'agent' },
      site: options.site ?? {
        city: 'Seoul',
        country: 'KR',
        region: 'kr-central',
        latitude: 37.57,
        longitude: 126.98,
      },
      realm: 'public',
      certifications: [],
    });
    await this.request('PUT', `/v1/providers/${name}/offers`, [
      {
        name: 'cpu',
        region: 'kr-central',
        gpu: null,
        cpus: 64,
        memoryGiB: 256,
        capacity: options.capacity,
        price: { amount: options.price, currency: 'KRW' },
      },
    ]);
    const key = String(made['agentKey']);
    this.#agentKeys.set(name, key);
    return key;
  }

  authorization(): Record<string, string> {
    return { authorization: `Bearer ${ADMIN}` };
  }

  keyOf(name: string): string {
    return this.#agentKeys.get(name) ?? '';
  }

  async startAgent(name: string, key: string): Promise<Agent> {
    const dataDir = join(this.folder, `agent-${name}`);
    const child = this.#spawn(['agent', '--url', this.url, '--name', name, '--data-dir', dataDir], {
      NARU_AGENT_KEY: key,
      NARU_LOG_LEVEL: 'warn',
      LEDGER: this.ledgerFile,
    });
    await lineOf(child, /naru agent is serving/);
    return {
      name,
      child,
      dataDir,
      killTree: async () => {
        for (const pid of tree(child.pid ?? 0)) kill(pid, 'SIGKILL');
        await gone(child);
      },
      signal: (signal) => void child.kill(signal),
      stop: () => end(child, 'SIGTERM').then(() => child.exitCode),
    };
  }

  /** A job that notes its start, sleeps, and notes its end. */
  ledgerJob(name: string, seconds: number, more: Json = {}): Json {
    const note = (what: string) =>
      `echo "${what} $NARU_JOB_ID $NARU_ALLOCATION_ID $NARU_ATTEMPT" >> ${this.ledgerFile}`;
    return {
      name,
      project: 'e2e',
      kind: 'training',
      run: { command: ['sh', '-c', `${note('start')}; sleep ${seconds}; ${note('end')}`] },
      resources: { gpu: { count: 0 } },
      ...more,
    };
  }

  /** What really ran: lines of `start|end job allocation attempt`. */
  ledger(): { what: string; job: string; allocation: string; attempt: number }[] {
    let text = '';
    try {
      text = readFileSync(this.ledgerFile, 'utf8');
    } catch {
      return [];
    }
    return text
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([what = '', job = '', allocation = '', attempt = '0']) => ({
        what,
        job,
        allocation,
        attempt: Number(attempt),
      }));
  }

  async project(): Promise<void> {
    await this.post('/v1/organizations', { name: 'nia' });
    await this.post('/v1/projects', { name: 'e2e', organization: 'nia' });
  }

  async submit(body: Json, key?: string): Promise<string> {
    const job = await this.request(
      'POST',
      '/v1/jobs',
      body,
      key === undefined ? {} : { 'idempotency-key': key },
    );
    return String(job['id']);
  }

  get(path: string): Promise<Json> {
    return this.request('GET', path);
  }

  post(path: string, body: unknown): Promise<Json> {
    return this.request('POST', path, body);
  }

  /** Rejects on anything but 2xx, with the problem's text. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Json> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Json);
  }

  /** Asks until the job is in one of `states`. Answers of a service that is away are asked again. */
  async until(jobId: string, states: readonly string[], withinMs = 60_000): Promise<Json> {
    let last: unknown;
    for (const deadline = Date.now() + withinMs; Date.now() < deadline; await wait(100)) {
      const job = await this.get(`/v1/jobs/${jobId}`).catch((error: unknown) => void (last = error));
      if (job !== undefined && states.includes(String(job['state']))) return job;
      last = job ?? last;
    }
    throw new Error(
      `${jobId} is not ${states.join(' or ')}: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
    );
  }

  /** Waits until the job's history has an event of this type. */
  async event(jobId: string, type: string, withinMs = 60_000): Promise<void> {
    for (const deadline = Date.now() + withinMs; Date.now() < deadline; await wait(100)) {
      const { items } = await this.get(`/v1/jobs/${jobId}/events?limit=500`);
      if ((items as { type: string }[]).some((event) => event.type === type)) return;
    }
    throw new Error(`${jobId} had no ${type}`);
  }

  async text(path: string): Promise<string> {
    const response = await fetch(`${this.url}${path}`, { headers: { authorization: `Bearer ${ADMIN}` } });
    return response.text();
  }

  /** Ends everything that was started, with everything that it started, and removes the folder. */
  async close(): Promise<void> {
    for (const child of this.#children) for (const pid of tree(child.pid ?? 0)) kill(pid, 'SIGKILL');
    for (const pid of inFolder(this.folder)) kill(pid, 'SIGKILL');
    await wait(100);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #spawn(args: readonly string[], env: Record<string, string>): ChildProcess {
    const { PATH = '', HOME = '/tmp' } = process.env;
    const child = spawn(NARU, args, {
      cwd: this.folder,
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', process.env['E2E_LOG'] === undefined ? 'ignore' : 'inherit'],
    });
    this.#children.add(child);
    return child;
  }
}

/** A port that was free a moment ago: for services that are restarted and must be found again. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const match = pattern.exec(text);
      if (match !== null) resolve(match[1] ?? match[0]);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`it ended (${code}) before it said ${pattern}: ${text}`)));
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await gone(child);
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has gone already.
  }
}

/** A process and all its descendants, from /proc. */
export function tree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of pids()) {
    const stat = read(`/proc/${pid}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (let i = 0; i < found.length; i += 1) found.push(...(children.get(found[i] ?? 0) ?? []));
  return found;
}

/** Processes that work in a folder or were told of it: what would be left behind. */
export function inFolder(folder: string): number[] {
  return pids().filter(
    (pid) => read(`/proc/${pid}/environ`).includes(folder) || read(`/proc/${pid}/cmdline`).includes(folder),
  );
}

const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid);

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
