import { stamp, type Stamp } from './clock.ts';
import type { Exit } from './folders.ts';
import type { LocalJob } from './localJob.ts';
import type { Machine } from './machine.ts';
import { endOf } from './segments.ts';

/** A log that will not go through is given up when nothing of it was accepted for this long. */
const LOG_PATIENCE_MS = 60_000;

/** It ended without the warden's word: it never ran, or nobody knows, or it is a standby (`stood`). */
export function finish(
  machine: Machine,
  job: LocalJob,
  outcome: Exit['outcome'],
  detail: string,
  stood: { readonly ranMs: number | null; readonly at: Stamp } = { ranMs: null, at: stamp() },
): void {
  const exit: Exit = { outcome, exitCode: null, detail: detail.slice(0, 500), ...stood };
  try {
    machine.folders.write(job.id, 'exit.json', exit);
  } catch {
    // No folder was made, or the disk is full: it is told from memory.
  }
  ended(machine, job, exit, null);
}

/**
 * It has ended, nothing of it runs any more. `written`: bytes of output in all, where the warden knew.
 * A job that was stopped, or whose money was used up, goes on from what it saved last, so its last checkpoint comes before the news of its end;
 * any other end is told at once and saved after.
 */
export function ended(machine: Machine, job: LocalJob, exit: Exit, written: number | null): void {
  if (job.exit !== null) return;
  job.exit = exit;
  if (job.serving !== null) job.serving = false;
  job.abort.abort();
  machine.tell({ t: 'drop', id: job.id });
  const goesOn = exit.outcome === 'stopped' || exit.outcome === 'unpaid';
  job.holdEnd = goesOn && exit.ranMs !== null && !job.order.standby && !job.forgotten;
  const { log, onChange } = machine.options;
  settle(machine, job, written).catch((error: unknown) =>
    log.error({ err: error, allocationId: job.id }, 'settling'),
  );
  if (!job.holdEnd) onChange();
}

async function settle(machine: Machine, job: LocalJob, written: number | null): Promise<void> {
  const ran = job.exit?.outcome !== 'refused' && job.exit?.outcome !== 'no-capacity';
  if (ran) await machine.saver.finish(job.id, machine.options.saveMs);
  const held = job.holdEnd;
  job.holdEnd = false;
  if (held) machine.options.onChange();
  const total = written ?? endOf(machine.folders.logDir(job.id));
  await machine.shipper.finish(job.id, total, LOG_PATIENCE_MS);
  job.settled = true;
  if (job.forgotten) remove(machine, job);
}

/** Every trace goes. */
export function remove(machine: Machine, job: LocalJob): void {
  machine.jobs.delete(job.id);
  machine.saver.cancel(job.id);
  machine.shipper.drop(job.id);
  machine.folders.remove(job.id).catch((error: unknown) => {
    machine.options.log.warn({ err: error, allocationId: job.id }, 'its folder could not be removed');
  });
}
