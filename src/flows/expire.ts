import { judgeLeaseOver } from '../core/failover.ts';
import { stopChanges } from '../core/stop.ts';
import { isTerminal } from '../core/job.ts';
import type { Deps } from '../deps.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { loadOverdue, lockJob } from '../store/load/job.ts';
import { loadLeaseOver } from '../store/load/sync.ts';

const LIMIT = 5_000;

/**
 * Releases what was told to go and whose lease is over: by then the vendor's side has ended it by itself. This is
 * what lets a job go on elsewhere though nobody ever confirmed the stop.
 */
export async function expireLeases(deps: Deps): Promise<number> {
  const now = deps.clock.now();
  const over = new Date(now.getTime() - deps.timing.leaseMarginMs);
  const held = await loadLeaseOver(deps.store.db, over, LIMIT);
  if (held.length === 0) return 0;
  const changes = held.flatMap((one) => judgeLeaseOver(one, now, deps.timing));
  const applied = await deps.store.transaction((tx) => applyChanges(tx, now, deps.terms, changes));
  if (applied.released > 0) deps.bell.ring('place');
  return applied.released;
}

const OVER = {
  deadline: 'limits.deadline has passed',
  'max-runtime': 'it has run for limits.maxRuntimeSeconds',
  'max-cost': 'limits.maxCost is used up',
} as const;

/** Stops what has run longer than it may, and fails what is past its deadline. */
export async function enforceLimits(deps: Deps): Promise<number> {
  const now = deps.clock.now();
  const overdue = await loadOverdue(deps.store.db, now);
  for (const { id, why } of overdue) {
    await deps.store.transaction(async (tx) => {
      const job = await lockJob(tx, id);
      if (job === null || isTerminal(job.state) || job.state === 'stopping') return;
      await applyChanges(tx, now, deps.terms, stopChanges(job, 'failed', why, OVER[why]));
    });
  }
  if (overdue.length > 0) {
    deps.watch.changed();
    deps.bell.ring('effects');
  }
  return overdue.length;
}
