import { ended, finish } from './ending.ts';
import { paidSecondsOf } from './folders.ts';
import { newLocalJob, type LocalJob } from './localJob.ts';
import type { Machine } from './machine.ts';
import { tellPaid } from './paid.ts';
import type { Held } from './protocol.ts';
import { running } from './running.ts';

/**
 * Brings what is known in line with the disk and with what the warden has: after a start of the agent, and after a
 * warden was lost. What was taken and never handed over is raised again when its lease is renewed.
 */
export function takeUp(machine: Machine, held: readonly Held[]): void {
  const { folders, jobs } = machine;
  const wardens = new Map(held.map((one) => [one.id, one]));
  for (const id of new Set([...folders.ids(), ...jobs.keys()])) {
    const local = folders.read(id, 'local.json');
    const job =
      jobs.get(id) ?? (local === null ? null : newLocalJob(local, paidSecondsOf(folders, local.order)));
    if (job === null) {
      // A folder that was never finished. Its job, if there is one, ends with its lease, and it goes next time.
      if (!wardens.has(id)) void folders.remove(id);
      continue;
    }
    jobs.set(id, job);
    takeUpOne(machine, job, wardens.get(id));
  }
}

function takeUpOne(machine: Machine, job: LocalJob, held: Held | undefined): void {
  if (job.exit !== null) return;
  const { folders, shipper } = machine;
  const exit = held?.exit ?? folders.read(job.id, 'exit.json');
  if (exit !== null) return ended(machine, job, exit, held?.written ?? null);
  if (held !== undefined) {
    job.launched = true;
    tellPaid(machine, [job]);
    if (held.started !== null) running(machine, job, held.started);
    shipper.note(job.id);
  } else if (folders.read(job.id, 'intent.json') !== null) {
    finish(machine, job, 'lost', 'the warden has no record of it');
  } else {
    // Nobody ever tried to spawn it: the word to do so was lost with the warden that it went to.
    job.launched = false;
  }
}
