import { readFileSync } from 'node:fs';
import pino, { type Logger } from 'pino';
import { StartError } from '../core/start-error.ts';
import { openDataFolder } from './dataFolder.ts';
import { findGpus, type GpuClaim } from './gpus.ts';
import { keptKey, register, type Registration } from './register.ts';
import { serveAgent } from './serveAgent.ts';

/** What `naru agent` was told. */
export interface AgentOptions {
  readonly url: string;
  /** The provider's agent key; with `register`, one that may make a provider. Null: the one kept in the data folder. */
  readonly key: string | null;
  readonly name: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Null: what nvidia-smi finds. */
  readonly gpus: GpuClaim | null;
  /** Host name or address under which services on this machine are reached. */
  readonly host: string;
  /** Make this machine a provider first, unless that was done before from this data folder. */
  readonly register: Registration | null;
  readonly logLevel: string;
}

/**
 * The command line's `agent`: registers if asked to, serves until SIGTERM or SIGINT, then stops its jobs, saves their
 * last checkpoints and resolves, within ten seconds. Throws StartError.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { url, name, host } = options;
  const log = pino(
    { level: options.logLevel, base: { agent: name } },
    pino.destination({ dest: 2, sync: true }),
  );
  const { dataDir } = openDataFolder(options.dataDir);
  const key = await keyOf(options, dataDir);
  const signal = untilTold(log);
  await serveAgent({
    url,
    key,
    name,
    dataDir,
    gpus: options.gpus,
    advertise: host,
    path: process.env['PATH'],
    version: versionOf(),
    log,
    signal,
    onServing: (line) => void process.stdout.write(`${line}\n`),
  });
}

async function keyOf(options: AgentOptions, dataDir: string): Promise<string> {
  const { name, key, register: registration } = options;
  const kept = keptKey(dataDir, name);
  if (registration === null) {
    if (key !== null) return key;
    if (kept !== null) return kept;
    throw new StartError('a key is needed: --key or NARU_AGENT_KEY');
  }
  if (kept !== null) return kept;
  if (key === null)
    throw new StartError('to register, the key of an admin, an operator or the vendor is needed: --key');
  return register(
    { base: new URL(options.url), key },
    dataDir,
    name,
    registration,
    await findGpus(options.gpus),
  );
}

/** Aborted by the first SIGTERM or SIGINT; a second one does not wait for anything. */
function untilTold(log: Logger): AbortSignal {
  const told = new AbortController();
  const tell = (name: NodeJS.Signals): void => {
    if (told.signal.aborted) process.exit(130);
    log.info(`${name}: going`);
    told.abort();
  };
  process.on('SIGTERM', tell);
  process.on('SIGINT', tell);
  return told.signal;
}

function versionOf(): string {
  const path = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
