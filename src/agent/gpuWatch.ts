import { join } from 'node:path';
import type { Logger } from 'pino';
import { meaningOf, parseXid, type XidLine } from '../core/gpu-faults.ts';
import { GPU_FAULTS_AT_ONCE, type GpuFaultReport } from '../core/order.ts';
import { upMs } from './clock.ts';
import type { Gpu } from './gpus.ts';
import { openKernelLog, type KernelLog, type LogLine } from './kernelLog.ts';

export interface GpuWatch {
  /** Faults that the service has not heard of yet, the oldest first; of one sync. */
  pending(): GpuFaultReport[];
  /** A sync that said these was answered. */
  heard(ids: readonly string[]): void;
  close(): void;
}

export interface GpuWatchOptions {
  /** `/dev/kmsg`, or a file that the kernel's log is written to. */
  readonly path: string;
  readonly dataDir: string;
  readonly gpus: readonly Gpu[];
  /** PCI address (`0000:3b:00`) → index, as far as is known. */
  readonly addresses: ReadonlyMap<string, number>;
  readonly log: Logger;
  /** There is something to say. */
  onFault(): void;
}

const EVERY_MS = 1_000;
/** The same fault of the same device says nothing new for so long: a broken link repeats itself a thousand times. */
const REPEAT_MS = 60_000;
/** What is older says nothing about how the machine is now. */
const OLD_MS = 600_000;
const KEPT = 100;

/** Nobody watches: there is no log that could be read. */
export const NO_WATCH: GpuWatch = { pending: () => [], heard: () => undefined, close: () => undefined };

/**
 * Reads the kernel's log for faults of GPUs and keeps them until the service has heard of them. What was read and not
 * said yet is read again by a successor, under the same names, so that a crash loses nothing and doubles nothing.
 */
export function watchGpus(options: GpuWatchOptions): GpuWatch {
  const { log } = options;
  const kernel = tryOpen(options);
  if (kernel === null) return NO_WATCH;
  const waiting = new Map<string, GpuFaultReport & { readonly sinceMs: number }>();
  const said = new Map<string, number>();

  const take = (line: LogLine): void => {
    const fault = parseXid(line.text);
    if (fault === null || line.agoMs > OLD_MS) return;
    const key = `${fault.device} ${fault.xid}`;
    const at = upMs() - line.agoMs;
    if (at - (said.get(key) ?? -Infinity) < REPEAT_MS || waiting.size >= KEPT) return;
    said.set(key, at);
    waiting.set(line.id, { ...reportOf(options, line, fault), sinceMs: at });
    log.warn({ device: fault.device, xid: fault.xid }, `GPU fault: ${meaningOf(fault.xid).meaning}`);
  };
  const look = (): void => {
    try {
      const before = waiting.size;
      const lines = kernel.read();
      lines.forEach(take);
      if (waiting.size > before) options.onFault();
      if (waiting.size === 0 && lines.length > 0) kernel.commit();
    } catch (error) {
      log.warn({ err: error }, 'the log of the kernel could not be read');
    }
  };
  const timer = setInterval(look, EVERY_MS);
  timer.unref();
  look();

  return {
    pending: () =>
      [...waiting.values()]
        .slice(0, GPU_FAULTS_AT_ONCE)
        .map(({ sinceMs, ...report }) => ({ ...report, agoMs: Math.max(0, Math.round(upMs() - sinceMs)) })),
    heard: (ids) => {
      for (const id of ids) waiting.delete(id);
      if (waiting.size === 0 && ids.length > 0) kernel.commit();
    },
    close: () => {
      clearInterval(timer);
      kernel.close();
    },
  };
}

function tryOpen({ path, dataDir, log }: GpuWatchOptions): KernelLog | null {
  try {
    const kernel = openKernelLog(path, join(dataDir, 'kernel-log.json'));
    log.info(`GPU faults are read from ${path}`);
    return kernel;
  } catch (error) {
    log.info(`GPU faults are not reported: ${path} cannot be read (${(error as Error).message})`);
    return null;
  }
}

function reportOf(
  { gpus, addresses }: GpuWatchOptions,
  { id, agoMs }: LogLine,
  { device, xid, text }: XidLine,
): GpuFaultReport {
  const index = addresses.get(device) ?? null;
  const models = new Set(gpus.map(({ model }) => model));
  const known = gpus.find((gpu) => gpu.index === index)?.model ?? null;
  // Where all are of one model, it is of that one.
  const [only = null] = models.size === 1 ? models : [];
  return { id, agoMs, device, index, model: known ?? only, xid, text };
}
