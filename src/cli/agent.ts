import { availableParallelism, hostname, totalmem } from 'node:os';
import { resolve } from 'node:path';
import type { GpuClaim } from '../agent/gpus.ts';
import { readAgentEnvironment } from '../config.ts';
import { AMOUNT_PATTERN } from '../core/money.ts';
import { readOptions, UsageError, type Command } from './command.ts';
import { commandLog } from './log.ts';
import { version } from './version.ts';

const OPTIONS = {
  url: { type: 'string' },
  key: { type: 'string' },
  name: { type: 'string' },
  'data-dir': { type: 'string' },
  gpus: { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  'kernel-log': { type: 'string', default: '/dev/kmsg' },
  register: { type: 'string' },
  vendor: { type: 'string' },
  price: { type: 'string' },
  currency: { type: 'string', default: 'KRW' },
  places: { type: 'string', default: '1' },
  site: { type: 'string', default: 'Seoul,KR,local,37.57,126.98' },
} as const;

type Given = ReturnType<typeof readOptions<typeof OPTIONS>>;

export const command: Command = {
  help: `naru agent: runs beside the GPUs of a vendor. It dials out to the service, takes its orders, runs jobs as
processes, and stops them when it has not heard from the service for as long as their lease lasts.

  --url URL          the service (NARU_URL)
  --key KEY          this provider's agent key; better by NARU_AGENT_KEY, as others on the machine see command lines
  --name NAME        for its log, and for its data folder (default: agent)
  --data-dir DIR     its jobs and what it knows of them; one per agent (.naru-agent/NAME)
  --gpus N:MODEL:GIB what the machine has, such as 8:H100:80, or 0 (default: what nvidia-smi says)
  --host HOST        where services that run here are reached from outside (127.0.0.1)
  --kernel-log PATH  where GPU faults are read: the kernel's ring, or a file that its log is written to (/dev/kmsg)

To register this machine as a provider first (the key is then an admin's, an operator's or the vendor's; the agent's
own is kept in its data folder, and a second start needs no other):

  --register NAME    as a provider of this name, with all of this machine as its offer
  --vendor NAME      whose (default: the provider's name)
  --price AMOUNT     per hour of one GPU, or of one place
  --currency CODE    of the price (KRW)
  --places N         jobs at once where there are no GPUs (1)
  --site SITE        city,country,region,latitude,longitude (Seoul,KR,local,37.57,126.98)

SIGTERM stops the jobs, saves their last checkpoints, and ends.`,
  async run(args) {
    const given = readOptions(args, OPTIONS);
    const environment = readAgentEnvironment(process.env);
    const name = given.register ?? given.name ?? 'agent';
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw new UsageError('a name is made of a-z, 0-9 and -');
    const url = needed(given.url ?? environment.url, '--url (or NARU_URL)');
    const dataDir = resolve(given['data-dir'] ?? `.naru-agent/${name}`);
    const gpus = readGpus(given.gpus);
    const key = await agentKey(given, { url, key: given.key ?? environment.key, name, dataDir, gpus });
    const { runAgent } = await import('../agent/agent.ts');
    const stop = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
    return runAgent({
      url,
      key,
      name,
      dataDir,
      gpus,
      advertise: given.host,
      kernelLog: given['kernel-log'],
      path: environment.path,
      version: version(),
      log: commandLog(environment.logLevel),
      signal: stop.signal,
      onServing: (line) => console.log(line),
    });
  },
};

interface Machine {
  readonly url: string;
  readonly key: string | null;
  readonly name: string;
  readonly dataDir: string;
  readonly gpus: GpuClaim | null;
}

/** The key that the agent is to use: the one given, or (with --register) the one that registering gave or had given. */
async function agentKey(given: Given, machine: Machine): Promise<string> {
  const { url, key, name, dataDir } = machine;
  if (given.register === undefined) return needed(key, '--key (or NARU_AGENT_KEY)');
  const registration = registrationOf(name, given);
  const { keptAgentKey, register } = await import('../agent/register.ts');
  if (key === null) return needed(await keptAgentKey(dataDir), '--key, to register with,');
  const { findGpus } = await import('../agent/gpus.ts');
  const inventory = {
    hostname: hostname(),
    gpus: await findGpus(machine.gpus),
    cpus: availableParallelism(),
    memoryGiB: Math.floor(totalmem() / 2 ** 30),
    limits: 'none' as const,
  };
  return register({ ...registration, url, key, name }, inventory, dataDir);
}

function needed<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new UsageError(`${what} is needed`);
  return value;
}

function readGpus(given: string | undefined): GpuClaim | null {
  if (given === undefined) return null;
  if (given === '0') return { count: 0, model: '', memoryGiB: 0 };
  const [, count, model, memory] = /^(\d{1,3}):([^:]+):(\d+(?:\.\d+)?)$/.exec(given) ?? [];
  if (model === undefined)
    throw new UsageError('--gpus must look like 8:H100:80 (how many, model, GiB of each), or 0');
  return { count: Number(count), model, memoryGiB: Number(memory) };
}

function registrationOf(name: string, given: Given) {
  const price = needed(given.price, '--price');
  if (!AMOUNT_PATTERN.test(price)) throw new UsageError('--price must be an amount such as 1200 or 0.5');
  if (!/^[1-9]\d{0,5}$/.test(given.places)) throw new UsageError('--places must be a whole number from 1');
  return {
    vendor: given.vendor ?? name,
    price,
    currency: given.currency,
    places: Number(given.places),
    site: readSite(given.site),
  };
}

function readSite(given: string) {
  const [city = '', country = '', region = '', latitude = '', longitude = ''] = given
    .split(',')
    .map((s) => s.trim());
  const numbers = [Number(latitude), Number(longitude)] as const;
  if (
    !/^[A-Z]{2}$/.test(country) ||
    city === '' ||
    region === '' ||
    numbers.some(Number.isNaN) ||
    longitude === ''
  ) {
    throw new UsageError('--site must look like Pangyo,KR,kr-central,37.39,127.11');
  }
  return { city, country, region, latitude: numbers[0], longitude: numbers[1] };
}
