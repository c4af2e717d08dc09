import type { Logger } from 'pino';
import { openDataFolder } from '../src/agent/dataFolder.ts';
import { openExecutor, type Executor } from '../src/agent/executor.ts';
import { findGpus, type GpuClaim } from '../src/agent/gpus.ts';
import { upMs } from '../src/agent/clock.ts';
import type { Uplink } from '../src/agent/uplink.ts';
import { BrokerFault, type Broker } from './broker.ts';

export interface ProcessBrokerOptions {
  readonly provider: string;
  /** Absolute; of this provider alone. */
  readonly dataDir: string;
  /** `gpus: {count, model, memoryGiB}`: what this machine has to give (absent: what nvidia-smi finds). */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where logs and checkpoints go. */
  readonly host: Uplink;
  readonly log: Logger;
  /** Something began or ended, so that a look now says more than the last one; else the engine's round would find it. */
  readonly onChange?: () => void;
  /** PATH of the jobs; absent: the system's usual one. */
  readonly path?: string;
  readonly saveMs?: number;
  readonly warden?: { readonly idleMs: number };
}

const SAVE_MS = 30_000;
/** The service may be away for longer than an agent: a restart with a migration. Jobs' leases bound it anyway. */
const WARDEN_IDLE_MS = 10_000;
/** A replica that is not asked for this long lets go, so that another one of this machine can take over. */
const UNUSED_MS = 5_000;
/** The engine's round does not wait for another process of this machine to let go. */
const BUSY_MS = 200;

/**
 * Commands on the service's own machine. The same executor and warden as the agent's, in this process instead of
 * one of its own; the warden and the jobs survive this process by as long as their leases last, and are found again.
 */
export function createProcessBroker(options: ProcessBrokerOptions): Extract<Broker, { way: 'push' }> {
  const log = options.log.child({ provider: options.provider });
  let opened: Promise<Executor> | null = null;
  let unused: NodeJS.Timeout | undefined;

  const letGo = async (): Promise<void> => {
    clearTimeout(unused);
    const executor = await opened?.catch(() => null);
    opened = null;
    executor?.close(false);
  };
  /** The executor, once its warden has answered; so every verb fails while nothing is known. */
  const use = async (): Promise<Executor> => {
    clearTimeout(unused);
    unused = setTimeout(() => void letGo(), UNUSED_MS);
    unused.unref();
    opened ??= open(options, log);
    const opening = opened;
    try {
      const executor = await opening.catch((error: unknown) => {
        if (opened === opening) opened = null;
        throw error;
      });
      await executor.alive();
      return executor;
    } catch (error) {
      throw new BrokerFault('unreachable', `${options.provider}: ${(error as Error).message}`);
    }
  };
  const deadline = (fromMs: number, leaseSeconds: number): number => fromMs + leaseSeconds * 1000;

  return {
    kind: 'process',
    way: 'push',
    submit: async (order, leaseSeconds) => {
      const calledMs = upMs();
      (await use()).start(order, deadline(calledMs, leaseSeconds));
    },
    stop: async ({ allocationId, graceSeconds }) => (await use()).stop(allocationId, graceSeconds * 1000),
    renew: async (renewals, leaseSeconds) => {
      const calledMs = upMs();
      const executor = await use();
      executor.pay(renewals);
      executor.renew(
        renewals.map(({ allocationId }) => allocationId),
        deadline(calledMs, leaseSeconds),
      );
    },
    prepare: async (standbys) => {
      const executor = await use();
      for (const { allocationId, restore } of standbys) executor.prepare(allocationId, restore);
    },
    list: async () => (await use()).observations(),
    forget: async (ids) => {
      const executor = await use();
      for (const id of ids) executor.forget(id);
    },
    close: letGo,
  };
}

async function open(options: ProcessBrokerOptions, log: Logger): Promise<Executor> {
  const { dataDir } = openDataFolder(options.dataDir);
  const executor = await openExecutor({
    dataDir,
    uplink: options.host,
    gpus: await findGpus(readClaim(options.settings)),
    host: '127.0.0.1',
    log,
    path: options.path,
    saveMs: options.saveMs ?? SAVE_MS,
    idleMs: options.warden?.idleMs ?? WARDEN_IDLE_MS,
    busyMs: BUSY_MS,
    onChange: () => options.onChange?.(),
  });
  const { mode, detail } = executor.limits();
  if (mode === 'none') log.warn(detail);
  return executor;
}

function readClaim(settings: Readonly<Record<string, unknown>>): GpuClaim | null {
  const { gpus } = settings;
  if (typeof gpus !== 'object' || gpus === null) return null;
  const { count, model, memoryGiB } = gpus as Record<string, unknown>;
  if (typeof count !== 'number' || typeof model !== 'string') return null;
  return { count, model, memoryGiB: typeof memoryGiB === 'number' ? memoryGiB : 0 };
}
