import { SYSTEM } from '../core/access.ts';
import type { Change } from '../core/change.ts';
import { openPass } from '../core/placement/pass.ts';
import { preemptFor, type Holder, type Preemption } from '../core/placement/preempt.ts';
import { stateFrom } from '../core/placement/record.ts';
import { isGuarded } from '../core/protection.ts';
import { sendBack } from '../core/requeue.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { loadQueued } from '../store/load/queue.ts';
import { isStruckWorkWaiting, loadLeaving, loadPreemptible } from '../store/load/preemption.ts';
import { currentMarket } from './market.ts';

/** Struck jobs are first in their projects' queues. */
const FIRST = 100;

/**
 * Makes room for work that must not stop and that a disaster left without a place: ordinary jobs of projects that allow
 * it (`preemptible`) are stopped with their grace, saved, and queued again. They are told once: what was told to go counts
 * as free. The room itself is given by the next pass over the queue, in which struck work comes first.
 *
 * @returns how many were told to go
 */
export async function preemptPass(deps: Deps): Promise<number> {
  const { db } = deps.store;
  if (!(await isStruckWorkWaiting(db))) return 0;
  const holders = await loadPreemptible(db);
  if (holders.length === 0) return 0;
  const now = deps.clock.now();
  const queued = await loadQueued(db, new Map(), FIRST, deps.timing.leaseMarginMs);
  const struck = queued.filter(
    ({ queueRank, spec, standbyAt }) => queueRank < 0 && isGuarded(spec) && standbyAt === undefined,
  );
  const { market, state } = await currentMarket(deps, now);
  const pass = openPass(market, stateFrom(state));
  const inOrder = struck.toSorted((a, b) => a.queueRank - b.queueRank);
  const preemptions = preemptFor(pass, inOrder, holders, await loadLeaving(db));
  for (const preemption of preemptions) await carryOut(deps, now, preemption);
  return preemptions.reduce((sum, { victims }) => sum + victims.length, 0);
}

async function carryOut(deps: Deps, now: Date, { jobId, victims }: Preemption): Promise<void> {
  const detail = `makes room for ${jobId}, which must not stop`;
  const told = await deps.store.transaction(async (tx) => {
    const applied = await applyChanges(
      tx,
      now,
      deps.terms,
      victims.flatMap((victim) => changesFor(victim, detail)),
    );
    if (applied.releasing > 0)
      await appendAudit(
        tx,
        now,
        victims.map((one) => ({
          actor: SYSTEM,
          action: 'job.preempt',
          target: one.jobId,
          requestId: null,
          data: { allocation: one.allocationId, provider: one.provider, for: jobId },
        })),
      );
    return applied.releasing;
  });
  deps.metrics.countMoves('preempted', told);
  if (told > 0) deps.watch.changed();
}

function changesFor({ allocationId, jobId }: Holder, detail: string): Change[] {
  return sendBack({ allocationId, jobId, reason: 'preempted', detail });
}
