import { availableParallelism, hostname, totalmem } from 'node:os';
import type { Logger } from 'pino';
import type { Inventory } from '../core/order.ts';
import { StartError } from '../core/start-error.ts';
import { openDataFolder } from './dataFolder.ts';
import type { Door } from './door.ts';
import { openExecutor } from './executor.ts';
import { watchGpus } from './gpuWatch.ts';
import { findAddresses, findGpus, type GpuClaim } from './gpus.ts';
import { httpUplink } from './httpUplink.ts';
import { raisePriority } from './priority.ts';
import { createSyncLoop, DuplicateAgent, type SyncLoop } from './syncLoop.ts';
import { DataFolderBusy } from './wardenLink.ts';

export interface AgentOptions {
  readonly url: string;
  readonly key: string;
  /** For people: the key decides which provider this is. */
  readonly name: string;
  readonly dataDir: string;
  /** Null: what nvidia-smi finds. */
  readonly gpus: GpuClaim | null;
  /** Host name or address under which services on this machine are reached. */
  readonly advertise: string;
  /** The machine's PATH, for jobs. */
  readonly path: string | undefined;
  readonly version: string;
  /** Where the kernel's log is read for GPU faults: `/dev/kmsg`, or a file. */
  readonly kernelLog: string;
  readonly log: Logger;
  /** Aborted: stop the jobs, save them, say so, and be gone within ten seconds. */
  readonly signal: AbortSignal;
  /** Standard output's one line. */
  onServing(line: string): void;
  /** How long a last checkpoint may take when a job is stopped. */
  readonly saveMs?: number;
}

const SAVE_MS = 30_000;
const WARDEN_IDLE_MS = 5_000;
/** A predecessor that is leaving, or jobs of another version whose leases run out. */
const BUSY_MS = 12_000;
/** Of the ten seconds that a SIGTERM leaves: this much for jobs and checkpoints, the rest to say so. */
const STOP_MS = 8_000;
const LAST_WORDS_MS = 1_000;

/**
 * The program beside the GPUs. Resolves with the exit code 0 when it was told to go and has gone. Throws StartError, one
 * line, where another agent serves the same provider or uses the same data folder.
 */
export async function runAgent(options: AgentOptions): Promise<number> {
  const { log } = options;
  raisePriority();
  const { dataDir, instanceId } = openDataFolder(options.dataDir);
  const door: Door = { base: new URL(options.url), key: options.key };
  const gpus = await findGpus(options.gpus);
  let loop: SyncLoop | null = null;
  const opening = openExecutor({
    dataDir,
    uplink: httpUplink(door),
    gpus,
    host: options.advertise,
    log,
    path: options.path,
    saveMs: options.saveMs ?? SAVE_MS,
    idleMs: WARDEN_IDLE_MS,
    busyMs: BUSY_MS,
    onChange: () => loop?.poke(),
  });
  const executor = await opening.catch((error: unknown) => {
    throw error instanceof DataFolderBusy ? new StartError(`${dataDir}: ${error.message}`) : error;
  });
  const { mode, detail } = executor.limits();
  if (mode === 'none') log.warn(detail);
  else log.info(`CPU and memory limits are kept by ${detail}`);
  log.info({ gpus: gpus.length, dataDir }, 'ready');
  const machine = {
    hostname: hostname(),
    gpus,
    cpus: availableParallelism(),
    memoryGiB: round(totalmem() / 2 ** 30),
  };
  const watch = watchGpus({
    path: options.kernelLog,
    dataDir,
    gpus,
    addresses: await findAddresses(),
    log,
    onFault: () => loop?.poke(),
  });
  loop = createSyncLoop({
    watch,
    door,
    executor,
    instanceId,
    agentVersion: options.version,
    inventory: (): Inventory => ({ ...machine, limits: executor.limits().mode }),
    log,
    onServing: () => options.onServing(`naru agent is serving ${options.name} at ${door.base.origin}`),
  });
  await converse(options, executor, loop).finally(() => watch.close());
  return 0;
}

async function converse(
  options: AgentOptions,
  executor: Awaited<ReturnType<typeof openExecutor>>,
  loop: SyncLoop,
): Promise<void> {
  const { log, signal } = options;
  const told = new Promise<'told'>((resolve) => {
    if (signal.aborted) resolve('told');
    else signal.addEventListener('abort', () => resolve('told'), { once: true });
  });
  try {
    const talking = loop.run();
    const how = await Promise.race([talking, told]);
    if (how === 'told') {
      log.info('stopping: jobs are stopped and saved');
      // The conversation goes on meanwhile: it renews the leases that stopping and saving need, and says what ended.
      await executor.stopAll(STOP_MS);
      loop.close();
      await talking;
      await loop
        .conclude(LAST_WORDS_MS)
        .catch((error: unknown) => log.warn({ err: error }, 'the service did not hear the end'));
    }
    executor.close(true);
  } catch (error) {
    executor.close(false);
    throw error instanceof DuplicateAgent
      ? new StartError(`not serving ${options.name}: ${error.message}`)
      : error;
  } finally {
    loop.close();
  }
}

const round = (value: number): number => Math.round(value * 10) / 10;
