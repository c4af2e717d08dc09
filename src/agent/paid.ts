import { ageMs, before } from './clock.ts';
import { finish } from './ending.ts';
import { END_MARGIN_MS } from './lease.ts';
import type { LocalJob } from './localJob.ts';
import { unended, type Machine } from './machine.ts';
import { UNPAID } from './verdict.ts';

/**
 * Money is held for so many seconds of a run, and nothing of it may run longer, whoever is heard meanwhile. The warden
 * keeps that for what it runs (lease.ts), with its sentinel behind it; a standby runs nothing, so it is kept here.
 */

/** What is said of one allocation; null or absent (a service of before): nothing. */
export interface PaidWord {
  readonly allocationId: string;
  readonly paidSeconds?: number | null;
}

/** Paid time only grows: a word that comes late takes nothing back. */
export function pay(machine: Machine, words: readonly PaidWord[]): void {
  const grown: LocalJob[] = [];
  for (const { allocationId, paidSeconds } of words) {
    const job = machine.jobs.get(allocationId);
    if (job === undefined || job.exit !== null || paidSeconds == null) continue;
    if (job.paidSeconds !== null && paidSeconds <= job.paidSeconds) continue;
    job.paidSeconds = paidSeconds;
    keep(machine, job, paidSeconds);
    if (job.launched) grown.push(job);
  }
  if (grown.length > 0) tellPaid(machine, grown);
}

/** Again after a start of the agent: its predecessor may have died between writing it down and saying it. */
export function tellPaid(machine: Machine, jobs: readonly LocalJob[]): void {
  const paid = jobs.flatMap(({ id, paidSeconds }) =>
    paidSeconds === null ? [] : [[id, paidSeconds * 1000] as const],
  );
  if (paid.length > 0) machine.tell({ t: 'paid', paid });
}

function keep({ folders, options }: Machine, job: LocalJob, seconds: number): void {
  try {
    folders.write(job.id, 'paid.json', { seconds });
  } catch (error) {
    // Said again with the next answer. Where nobody says it, it ends too early and never too late.
    options.log.warn(
      { err: error, allocationId: job.id },
      'what is paid of its time could not be written down',
    );
  }
}

/** A standby has nothing to save, so it stands until the end; one whose end passed unwatched ended then. */
export function endUnpaidStandbys(machine: Machine): void {
  for (const job of unended(machine)) {
    const { order, warm, paidSeconds } = job;
    if (!order.standby || warm === null || paidSeconds === null) continue;
    const ageNowMs = ageMs(warm.at);
    const paidMs = Math.max(0, paidSeconds * 1000);
    if (ageNowMs < paidMs - END_MARGIN_MS) continue;
    const ranMs = Math.min(ageNowMs, paidMs);
    finish(machine, job, 'unpaid', UNPAID, { ranMs, at: before(ageNowMs - ranMs) });
  }
}
