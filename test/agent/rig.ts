import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openDataFolder } from '../../src/agent/dataFolder.ts';
import { openExecutor, type Executor } from '../../src/agent/executor.ts';
import { upMs } from '../../src/agent/clock.ts';
import type { Gpu } from '../../src/agent/gpus.ts';
import type { Piece } from '../../src/agent/segments.ts';
import type { Uplink } from '../../src/agent/uplink.ts';
import type { CheckpointRef, Observation, Order } from '../../src/core/order.ts';
import { quiet } from '../harness/log.ts';

/** Where a rig's jobs send their logs and checkpoints: kept, so that a test can look at them. */
export interface Depot extends Uplink {
  readonly pieces: Map<string, Piece[]>;
  readonly saved: { allocationId: string; ref: CheckpointRef; path: string }[];
  /** Calls fail with this while it is set. */
  fault: Error | null;
  fenced: boolean;
  /** What was sent, gaps shown as `[N]`. */
  text(id: string): string;
}

export function openDepot(dir: string): Depot {
  const pieces = new Map<string, Piece[]>();
  const saved: Depot['saved'] = [];
  const depot: Depot = {
    pieces,
    saved,
    fault: null,
    fenced: false,
    appendLog: async (id, piece) => {
      if (depot.fault !== null) throw depot.fault;
      pieces.set(id, [...(pieces.get(id) ?? []), { ...piece, bytes: Buffer.from(piece.bytes) }]);
    },
    saveCheckpoint: async (allocationId, body) => {
      if (depot.fault !== null) throw depot.fault;
      if (depot.fenced) return 'fenced';
      const id = `chk-${saved.length + 1}`;
      const path = join(dir, `${id}.tar`);
      await copyFile(body.path, path);
      saved.push({ allocationId, ref: { id, sizeBytes: body.sizeBytes, sha256: body.sha256 }, path });
      return 'saved';
    },
    fetchCheckpoint: async (ref) => {
      if (depot.fault !== null) throw depot.fault;
      const found = saved.find((one) => one.ref.id === ref.id);
      if (found === undefined) throw new Error('no such checkpoint');
      return createReadStream(found.path);
    },
    text: (id) => render(pieces.get(id) ?? []),
  };
  return depot;
}

function render(pieces: readonly Piece[]): string {
  let at = 0;
  let text = '';
  for (const { startByte, bytes } of pieces) {
    if (startByte > at) text += `[${startByte - at}]`;
    text += bytes.toString('utf8');
    at = startByte + bytes.length;
  }
  return text;
}

export interface Rig {
  readonly dir: string;
  readonly dataDir: string;
  readonly depot: Depot;
  readonly executor: Executor;
  start(order: Partial<Order> & Pick<Order, 'command'>, leaseMs?: number): string;
  /** Keeps renewing everything, as a service would, until what it returns is called. */
  keepLeases(): () => void;
  see(id: string): Observation | undefined;
  /** Waits until the allocation is seen so. */
  until(id: string, phase: Observation['phase']): Promise<Observation>;
  ended(id: string): Promise<Observation>;
  /** Lets go of the warden and opens another executor on the same folder. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

let made = 0;

export async function openRig(
  options: { gpus?: readonly Gpu[]; saveMs?: number; dir?: string } = {},
): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), 'naru-agent-test-'));
  // The depot is somewhere else: a disk that is full is the agent's own.
  const { dataDir } = openDataFolder(join(options.dir ?? dir, 'data'));
  const depot = openDepot(dir);
  const open = (): Promise<Executor> =>
    openExecutor({
      dataDir,
      uplink: depot,
      gpus: options.gpus ?? [],
      host: '127.0.0.1',
      log: quiet,
      path: process.env['PATH'],
      saveMs: options.saveMs ?? 10_000,
      idleMs: 1_000,
      busyMs: 500,
      onChange: () => undefined,
    });
  let executor = await open();
  let renewing: NodeJS.Timeout | undefined;
  const rig = {
    dir,
    dataDir,
    depot,
    get executor() {
      return executor;
    },
    start: (order: Partial<Order> & Pick<Order, 'command'>, leaseMs = 60_000) => {
      const full = orderOf(order);
      executor.start(full, upMs() + leaseMs);
      return full.allocationId;
    },
    keepLeases: () => {
      renewing = setInterval(() => {
        executor.renew(
          executor.observations().map(({ allocationId }) => allocationId),
          upMs() + 6_000,
        );
      }, 200);
      return () => clearInterval(renewing);
    },
    see: (id: string) => executor.observations().find(({ allocationId }) => allocationId === id),
    until: (id: string, phase: Observation['phase']) =>
      until(() => {
        const seen = rig.see(id);
        return seen?.phase === phase ? seen : null;
      }, `${id} to be ${phase}`),
    ended: (id: string) => rig.until(id, 'ended'),
    reopen: async () => {
      executor.close(false);
      executor = await open();
    },
    close: async () => {
      clearInterval(renewing);
      const pid = Number(readFileSync(join(dataDir, 'warden.pid'), 'utf8').split(' ')[0]);
      executor.close(true);
      await until(() => !isAlive(pid) || null, 'the warden to go');
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return rig;
}

export function orderOf(order: Partial<Order> & Pick<Order, 'command'>): Order {
  made += 1;
  return {
    allocationId: `alc-test-${process.pid}-${made}`,
    jobId: `job-test-${made}`,
    jobName: 'test',
    project: 'test',
    attempt: 1,
    image: null,
    env: {},
    gpuCount: 0,
    cpus: 0,
    memoryGiB: 0,
    graceSeconds: 5,
    checkpointIntervalSeconds: 0,
    restore: null,
    standby: false,
    tookOver: null,
    serve: null,
    paidSeconds: null,
    ...order,
  };
}

export const shell = (script: string): string[] => ['sh', '-c', script];

/** Looks until there is something to see; fails after 60 s, saying what was waited for. */
export async function until<T>(
  look: () => T | null | undefined | Promise<T | null | undefined>,
  what: string,
): Promise<T> {
  const end = performance.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined) return found;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await wait(20);
  }
}

export function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
}

/** Pids of everything on this machine whose environment names the allocation. */
export function processesOf(allocationId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          isAlive(pid) &&
          readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`NARU_ALLOCATION_ID=${allocationId}\0`)
        );
      } catch {
        return false;
      }
    });
}

export const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');
