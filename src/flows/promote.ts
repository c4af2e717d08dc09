import type { Change } from '../core/change.ts';
import { promotionDecision } from '../core/protection.ts';
import type { Deps } from '../deps.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { applyPromotions, type PromotionRow } from '../store/apply/promotions.ts';
import { loadLostRuns, loadPromotable, loadUnneeded, type PromotableRow } from '../store/load/protection.ts';
import { latestCheckpoints } from '../store/read/checkpoints.ts';

/**
 * Lets jobs that lost their run go on where something stands by for them: a replica is the run from now on, a standby is
 * started as soon as the last place cannot run the job any more. And lets go of what stands by for nobody.
 *
 * @returns how many runs began or went on
 */
export async function promotePass(deps: Deps): Promise<number> {
  await releaseUnneeded(deps);
  const over = await goOn(deps);
  const begun = await beginWhereReady(deps);
  if (over + begun > 0) deps.watch.changed();
  return over + begun;
}

async function releaseUnneeded(deps: Deps): Promise<void> {
  const ids = await loadUnneeded(deps.store.db);
  if (ids.length === 0) return;
  const now = deps.clock.now();
  await deps.store.transaction((tx) =>
    applyChanges(
      tx,
      now,
      deps.terms,
      ids.map((allocationId) => ({
        kind: 'releasing',
        allocationId,
        endReason: 'not-needed',
        detail: 'its job has ended',
      })),
    ),
  );
  deps.watch.changed();
  deps.bell.ring('effects');
}

async function goOn(deps: Deps): Promise<number> {
  const lost = await loadLostRuns(deps.store.db);
  if (lost.length === 0) return 0;
  const now = deps.clock.now();
  const changes = lost.map((one): Change => ({
    ...one,
    kind: 'job',
    to: 'queued',
    reason: 'allocation-lost',
    detail: null,
    requeue: { notBefore: null, avoid: null, moveTo: null, failedStart: false, toReplica: true },
  }));
  const applied = await deps.store.transaction((tx) => applyChanges(tx, now, deps.terms, changes));
  return applied.takenOver;
}

async function beginWhereReady(deps: Deps): Promise<number> {
  const now = deps.clock.now();
  const { leaseMarginMs } = deps.timing;
  const ready = await loadPromotable(deps.store.db, new Date(now.getTime() - leaseMarginMs));
  if (ready.length === 0) return 0;
  const rows = await promotionRows(deps, now, ready);
  const begun = await deps.store.transaction((tx) => applyPromotions(tx, now, deps.terms, rows));
  deps.metrics.countPlacements('placed', begun.size);
  return begun.size;
}

async function promotionRows(
  deps: Deps,
  now: Date,
  ready: readonly PromotableRow[],
): Promise<PromotionRow[]> {
  const checkpoints = await latestCheckpoints(
    deps.store.db,
    ready.map(({ jobId, spec }) => ({ jobId, fromJob: spec.checkpoint.fromJob })),
  );
  return ready.map(({ jobId, jobVersion, spec, standby }) => ({
    jobId,
    jobVersion,
    standbyId: standby.id,
    allocationId: deps.ids.next('alc', now),
    restoredCheckpoint: checkpoints.get(jobId)?.id ?? null,
    decisionId: deps.ids.next('dec', now),
    decision: JSON.stringify(promotionDecision(spec, standby, now, deps.config.currency)),
  }));
}
