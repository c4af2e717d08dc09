import type { Order } from '../core/order.ts';
import { stamp, upMs } from './clock.ts';
import { finish } from './ending.ts';
import { environmentOf } from './environment.ts';
import { isUsableId, paidSecondsOf } from './folders.ts';
import { chooseGpus } from './gpus.ts';
import { newLocalJob, type LocalJob } from './localJob.ts';
import { heldGpus, heldPorts, type Machine } from './machine.ts';
import { NotRestorable, restore } from './restore.ts';
import { freePort } from './services.ts';
import { inherit, makeReady, releaseStandby } from './standby.ts';

/** Takes an order: on record first, then everything else. One that cannot be carried out ends at once, with the reason. */
export function accept(machine: Machine, order: Order, deadlineMs: number): void {
  const { folders, jobs, options } = machine;
  const id = order.allocationId;
  if (!isUsableId(id))
    return options.log.error({ allocationId: id.slice(0, 40) }, 'refused an order with an unusable id');
  const ready = releaseStandby(machine, order);
  const gpus = chooseGpus(options.gpus, heldGpus(machine), order.gpuCount);
  const local = { order, gpus: gpus ?? [], port: null, accepted: stamp() };
  const job = newLocalJob(local, paidSecondsOf(folders, order));
  job.deadlineMs = deadlineMs;
  jobs.set(id, job);
  if (machine.leaving) return finish(machine, job, 'no-capacity', 'the agent is being stopped');
  const { length } = options.gpus;
  if (order.gpuCount > length)
    return finish(machine, job, 'refused', `asks for ${order.gpuCount} GPUs of ${length}`);
  if (gpus === null)
    return finish(machine, job, 'no-capacity', `asks for ${order.gpuCount} GPUs; so many are not free`);
  if (order.command.length === 0) return finish(machine, job, 'refused', 'there is no command to run');
  try {
    folders.create(id);
    if (ready !== null) inherit(machine, job, ready);
    record(machine, job);
  } catch (error) {
    return finish(machine, job, 'no-capacity', `its folder cannot be made: ${(error as Error).message}`);
  }
  void raise(machine, job);
}

function record(machine: Machine, job: LocalJob): void {
  const { order, gpus, port, accepted } = job;
  machine.folders.write(job.id, 'local.json', { order, gpus, port, accepted });
}

/** Restores, finds a port, hands over to the warden. Called again (each renewal does) it goes on where it stopped. */
export async function raise(machine: Machine, job: LocalJob): Promise<void> {
  if (job.raising || job.launched || job.exit !== null || job.stopping) return;
  if (job.order.standby) return makeReady(machine, job);
  job.raising = true;
  const { folders, options } = machine;
  const { restore: ref, serve } = job.order;
  try {
    const there = ref === null || folders.read(job.id, 'saved.json') !== null;
    if (!there) await restore(folders, options.uplink, job.id, ref, job.abort.signal);
    if (serve !== null) job.port = await freePort(serve.port, heldPorts(machine));
    if (serve !== null) record(machine, job);
    handOver(machine, job);
  } catch (error) {
    if (job.abort.signal.aborted || job.exit !== null) return;
    finish(
      machine,
      job,
      error instanceof NotRestorable ? 'refused' : 'no-capacity',
      (error as Error).message,
    );
  } finally {
    job.raising = false;
  }
}

/** Without a warden or a lease it waits: the next renewal tries again. */
function handOver(machine: Machine, job: LocalJob): void {
  const deadlineMs = job.deadlineMs ?? 0;
  if (job.exit !== null || job.stopping || deadlineMs <= upMs()) return;
  const { order, id, gpus, port } = job;
  const env = environmentOf(order, {
    workDir: machine.folders.workDir(id),
    checkpointDir: machine.folders.checkpointDir(id),
    gpus,
    port,
    path: machine.options.path,
  });
  const paidMs = job.paidSeconds === null ? null : job.paidSeconds * 1000;
  const limits = { cpus: order.cpus, memoryBytes: order.memoryGiB * 2 ** 30 };
  job.launched = machine.tell({
    t: 'start',
    launch: { id, command: order.command, env, limits, paidMs, graceMs: order.graceSeconds * 1000 },
    deadlineMs,
  });
}
