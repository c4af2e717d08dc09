import { setTimeout as sleep } from 'node:timers/promises';
import type { Started } from './folders.ts';
import type { LocalJob } from './localJob.ts';
import type { Machine } from './machine.ts';
import { isAnswering } from './services.ts';

const UNTIL_HEALTHY_MS = 200;
const HEALTHY_MS = 2_000;

/** It runs: from now on it is saved, and watched if it serves. Again: nothing. */
export function running(machine: Machine, job: LocalJob, started: Started): void {
  const first = job.started === null;
  job.started = started;
  if (!first || job.exit !== null) return;
  machine.saver.schedule(job.id, job.order.checkpointIntervalSeconds);
  const { serve } = job.order;
  if (serve !== null && job.port !== null) void watchService(machine, job, job.port, serve.healthPath);
  machine.options.onChange();
}

async function watchService(
  machine: Machine,
  job: LocalJob,
  port: number,
  path: string | null,
): Promise<void> {
  const { signal } = job.abort;
  if (path !== null) job.serving = false;
  while (!signal.aborted && !machine.closed) {
    const answers = await isAnswering(port, path);
    if (signal.aborted) return;
    // Kept once known: a service that is not well for a moment has not moved.
    const endpoint = answers ? `http://${machine.options.host}:${port}` : job.endpoint;
    const serving = path === null ? null : answers;
    const news = endpoint !== job.endpoint || serving !== job.serving;
    Object.assign(job, { endpoint, serving });
    if (news) machine.options.onChange();
    await sleep(answers ? HEALTHY_MS : UNTIL_HEALTHY_MS, undefined, { signal }).catch(() => undefined);
  }
}
