import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckpointRef, Inventory, Observation, Order } from '../core/order.ts';
import { upMs } from './clock.ts';
import { ended, finish, remove } from './ending.ts';
import { openFolders } from './folders.ts';
import { createKeeper } from './keeper.ts';
import { observe, observeLost, type LocalJob } from './localJob.ts';
import { unended, type ExecutorOptions, type Machine } from './machine.ts';
import { endUnpaidStandbys, pay, type PaidWord } from './paid.ts';
import type { Report } from './protocol.ts';
import { accept, raise } from './raise.ts';
import { running } from './running.ts';
import { createSaver } from './saver.ts';
import { createShipper } from './shipper.ts';
import { refresh } from './standby.ts';
import { takeUp } from './takeUp.ts';

/** Everything that one machine does with its allocations, whoever gives the orders. Deadlines are upMs(). */
export interface Executor {
  limits(): { readonly mode: Inventory['limits']; readonly detail: string };
  /** Rejects when the warden does not answer: then nothing is known, and no lease may be renewed. */
  alive(): Promise<void>;
  start(order: Order, deadlineMs: number): void;
  renew(ids: readonly string[], deadlineMs: number): void;
  /** What is paid of their time by now; it grows only. */
  pay(words: readonly PaidWord[]): void;
  stop(id: string, graceMs: number): void;
  /** Has this checkpoint lie ready at a standby. */
  prepare(id: string, ref: CheckpointRef): void;
  /** Ends it if need be, and removes every trace once its log and checkpoint are through. */
  forget(id: string): void;
  /** Believed to be here: if there is no record, that is said (`lost`). */
  expect(id: string): void;
  /** Everything that was not forgotten. */
  observations(): Observation[];
  /** Stops everything and saves it; resolves when that is done, at the latest after `withinMs`. */
  stopAll(withinMs: number): Promise<void>;
  /** Lets go of the warden. Its jobs go on until their leases end, or end with it at once (`endWarden`). */
  close(endWarden: boolean): void;
}

const GUARD_MS = 250;
/** Beyond a lease's end: the warden's own kill comes first. */
const GUARD_SLACK_MS = 400;

/** Takes up what is in the data folder and goes on with it. Throws DataFolderBusy. */
export async function openExecutor(options: ExecutorOptions): Promise<Executor> {
  const folders = openFolders(options.dataDir);
  const lost = new Set<string>();
  const keeper = createKeeper({
    ...options,
    onReport: (report) => hear(machine, report),
    onLinked: (held) => {
      takeUp(machine, held);
      options.onChange();
    },
  });
  const machine: Machine = {
    options,
    folders,
    jobs: new Map(),
    saver: createSaver(folders, options.uplink, options.log),
    shipper: createShipper(folders, options.uplink),
    tell: keeper.tell,
    closed: false,
    leaving: false,
  };
  await keeper.open();
  const guard = every(GUARD_MS, () => guardLeases(machine, keeper.suspect));
  const visible = (): LocalJob[] => [...machine.jobs.values()].filter(({ forgotten }) => !forgotten);

  return {
    limits: keeper.limits,
    alive: keeper.ping,
    start: (order, deadlineMs) => {
      if (machine.jobs.has(order.allocationId)) {
        pay(machine, [order]);
        renew(machine, [order.allocationId], deadlineMs);
      } else accept(machine, order, deadlineMs);
    },
    renew: (ids, deadlineMs) => renew(machine, ids, deadlineMs),
    pay: (words) => pay(machine, words),
    stop: (id, graceMs) => stop(machine, id, graceMs),
    prepare: (id, ref) => {
      const job = machine.jobs.get(id);
      if (job !== undefined) void refresh(machine, job, ref);
    },
    forget: (id) => {
      lost.delete(id);
      const job = machine.jobs.get(id);
      if (job === undefined) return;
      job.forgotten = true;
      stop(machine, id, 0);
      if (job.settled) remove(machine, job);
    },
    expect: (id) => {
      if (machine.jobs.has(id) || lost.has(id)) return;
      lost.add(id);
      options.onChange();
    },
    observations: () => [...visible().map(observe), ...[...lost].map(observeLost)],
    stopAll: (withinMs) => stopAll(machine, withinMs),
    close: (endWarden) => {
      machine.closed = true;
      guard.stop();
      for (const job of machine.jobs.values()) {
        job.abort.abort();
        machine.saver.cancel(job.id);
        machine.shipper.drop(job.id);
      }
      if (endWarden) keeper.tell({ t: 'shutdown' });
      keeper.close();
    },
  };
}

function hear(machine: Machine, report: Report): void {
  const job = 'id' in report ? machine.jobs.get(report.id) : undefined;
  if (job === undefined) return;
  if (report.t === 'output') machine.shipper.note(job.id);
  else if (report.t === 'started') running(machine, job, report.started);
  else if (report.t === 'ended') ended(machine, job, report.exit, report.written);
}

function renew(machine: Machine, ids: readonly string[], deadlineMs: number): void {
  const deadlines: [string, number][] = [];
  for (const id of ids) {
    const job = machine.jobs.get(id);
    if (job === undefined || job.exit !== null) continue;
    job.deadlineMs = Math.max(job.deadlineMs ?? 0, deadlineMs);
    if (job.launched) deadlines.push([id, job.deadlineMs]);
    else void raise(machine, job);
  }
  if (deadlines.length > 0) machine.tell({ t: 'lease', deadlines });
}

function stop(machine: Machine, id: string, graceMs: number): void {
  const job = machine.jobs.get(id);
  if (job === undefined || job.exit !== null) return;
  const first = !job.stopping;
  job.stopping = true;
  if (!job.launched) return finish(machine, job, 'stopped', 'stopped before it was started');
  // Repeated with every call on purpose: the warden keeps the earliest end, and another warden may not have heard it.
  machine.tell({ t: 'stop', id, graceMs });
  if (first) machine.options.onChange();
}

/** The warden keeps the leases. This is for the jobs that it does not have yet, and for a warden that is frozen. */
async function guardLeases(machine: Machine, suspect: () => Promise<void>): Promise<void> {
  endUnpaidStandbys(machine);
  const now = upMs();
  const over = unended(machine).filter(
    ({ deadlineMs }) => deadlineMs !== null && now > deadlineMs + GUARD_SLACK_MS,
  );
  for (const job of over.filter(({ launched }) => !launched)) {
    finish(machine, job, 'lease-expired', 'its lease ran out before it was started');
  }
  if (over.some(({ launched }) => launched)) await suspect();
}

async function stopAll(machine: Machine, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  machine.leaving = true;
  for (const job of unended(machine))
    stop(machine, job.id, Math.min(job.order.graceSeconds * 1000, withinMs / 2));
  while (performance.now() < until && [...machine.jobs.values()].some(({ settled }) => !settled))
    await sleep(20);
}

/** Calls `work` every `ms`, never twice at once. */
function every(ms: number, work: () => Promise<void>): { stop(): void } {
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void work().finally(() => (busy = false));
  }, ms);
  return { stop: () => clearInterval(timer) };
}
