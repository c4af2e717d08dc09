import { renameSync, rmSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointRef, Order } from '../core/order.ts';
import { stamp } from './clock.ts';
import { finish } from './ending.ts';
import type { LocalJob } from './localJob.ts';
import type { Machine } from './machine.ts';
import { fetchInto, noteSaved, NotRestorable } from './restore.ts';

/**
 * A standby holds its GPUs and has the newest checkpoint unpacked; its command is never started. When its job goes on
 * here, that is another order, which takes over what lies ready (`tookOver`); if it is not there any more, the order is
 * carried out like any other.
 */

/** First time: from the order. It is ready when it has what there was, or there was nothing. */
export async function makeReady(machine: Machine, job: LocalJob): Promise<void> {
  job.warm ??= machine.folders.read(job.id, 'warm.json');
  if (job.warm !== null) return;
  if (job.order.restore === null) return ready(machine, job, null);
  await refresh(machine, job, job.order.restore);
}

/** Replaces what lies ready. One that cannot be had leaves what is there: the next one comes by itself. */
export async function refresh(machine: Machine, job: LocalJob, ref: CheckpointRef): Promise<void> {
  const { folders, options } = machine;
  if (!job.order.standby || job.raising || job.stopping || job.exit !== null) return;
  if (job.warm?.checkpoint === ref.id) return;
  job.raising = true;
  const aside = join(folders.of(job.id), 'checkpoint.next');
  try {
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside, { mode: 0o700 });
    await fetchInto(folders, options.uplink, job.id, ref, aside, job.abort.signal);
    if (job.warm !== null) holds(machine, job, null);
    await rm(folders.checkpointDir(job.id), { recursive: true, force: true });
    await rename(aside, folders.checkpointDir(job.id));
    await noteSaved(folders, job.id);
    ready(machine, job, ref.id);
  } catch (error) {
    if (job.abort.signal.aborted || job.exit !== null) return;
    options.log.warn({ err: error, allocationId: job.id }, 'a standby could not get the newest checkpoint');
    if (job.warm === null && error instanceof NotRestorable) finish(machine, job, 'refused', error.message);
  } finally {
    job.raising = false;
  }
}

function ready(machine: Machine, job: LocalJob, checkpoint: string | null): void {
  const first = job.warm === null;
  holds(machine, job, checkpoint);
  if (first) machine.options.onChange();
}

/**
 * What lies ready, on disk first: it is so after a restart of the agent, too. Null while one is exchanged for another:
 * a run that takes over in that moment, or after a crash in it, would find an empty place.
 */
function holds(machine: Machine, job: LocalJob, checkpoint: string | null): void {
  job.warm = { checkpoint, at: job.warm?.at ?? stamp() };
  machine.folders.write(job.id, 'warm.json', job.warm);
}

/** Ends the standby that an order takes over, so that its GPUs are free. Null: there is none. */
export function releaseStandby(machine: Machine, order: Order): LocalJob | null {
  const standby = order.tookOver === null ? undefined : machine.jobs.get(order.tookOver);
  if (standby === undefined || !standby.order.standby || standby.exit !== null) return null;
  finish(machine, standby, 'stopped', 'its job goes on here');
  return standby;
}

/** What lies ready goes to the run, where it is what that starts from. */
export function inherit({ folders }: Machine, job: LocalJob, standby: LocalJob): void {
  const { warm } = standby;
  const ref = job.order.restore;
  if (warm === null || ref === null || warm.checkpoint !== ref.id) return;
  const saved = folders.read(standby.id, 'saved.json');
  if (saved === null) return;
  rmSync(folders.checkpointDir(job.id), { recursive: true, force: true });
  renameSync(folders.checkpointDir(standby.id), folders.checkpointDir(job.id));
  folders.write(job.id, 'saved.json', saved);
}
