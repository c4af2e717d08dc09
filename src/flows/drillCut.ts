import { SYSTEM } from '../core/access.ts';
import { judgeProviderDown } from '../core/failover.ts';
import type { Change } from '../core/change.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { cutOff, declareCuts } from '../store/apply/cuts.ts';
import { lockDrill, noteCutAllocations, type DrillRow } from '../store/apply/drills.ts';
import { loadDrillJobs } from '../store/load/drills.ts';
import { loadHeld } from '../store/load/sync.ts';

/** Cuts off canaries where they run, each for itself: their provider and everybody else's work there go on. */
export async function cutCanaries(
  deps: Deps,
  now: Date,
  { id, spec, startedAt }: DrillRow,
  jobIds: readonly string[],
): Promise<void> {
  const untilMs = (startedAt ?? now).getTime() + spec.limits.abortAfterSeconds * 1000;
  await deps.store.transaction(async (tx) => {
    if ((await lockDrill(tx, id))?.state !== 'running') return;
    const cut = (await loadDrillJobs(tx, id)).flatMap(({ jobId, current, cutAllocationId, state }) =>
      jobIds.includes(jobId) && state === 'running' && cutAllocationId === null && current !== null
        ? [{ jobId, allocationId: current.id, provider: current.provider }]
        : [],
    );
    if (cut.length === 0) return;
    const untilAt = new Date(untilMs);
    await cutOff(
      tx,
      now,
      deps.timing.leaseSeconds,
      cut.map(({ provider, allocationId }) => ({ drillId: id, provider, allocationId, untilAt })),
    );
    await noteCutAllocations(tx, id, cut);
    const data = { cuts: cut, until: untilAt.toISOString() };
    await appendAudit(tx, now, [{ actor: SYSTEM, action: 'drill.cut', target: id, requestId: null, data }]);
  });
  deps.watch.changed();
}

/**
 * What a provider's verdict is to all of its work, for the allocations that are cut off alone: the same judgement, the
 * same changes. From there on nothing knows that it is a drill.
 */
export async function declareSilent(
  deps: Deps,
  now: Date,
  { id }: DrillRow,
  allocationIds: readonly string[],
): Promise<void> {
  const requeued = await deps.store.transaction(async (tx) => {
    if ((await lockDrill(tx, id))?.state !== 'running') return 0;
    const cut = (await loadDrillJobs(tx, id)).filter(({ cutAllocationId }) =>
      allocationIds.includes(cutAllocationId ?? ''),
    );
    const changes: Change[] = [];
    for (const provider of new Set(cut.map((job) => job.provider)))
      for (const held of await loadHeld(tx, provider, []))
        if (allocationIds.includes(held.allocationId))
          changes.push(
            ...judgeProviderDown(held, now, deps.timing).map((change) => ({
              ...change,
              detail: `${provider} is cut off for it by the drill ${id}`,
            })),
          );
    const applied = await applyChanges(tx, now, deps.terms, changes);
    await declareCuts(tx, now, id, allocationIds);
    const named = allocationIds.slice(0, 100);
    const data = {
      allocations: named,
      count: allocationIds.length,
      requeued: applied.moved,
    };
    await appendAudit(tx, now, [
      { actor: SYSTEM, action: 'drill.declare', target: id, requestId: null, data },
    ]);
    return applied.moved;
  });
  if (requeued > 0) deps.metrics.countMoves('provider-down', requeued);
  deps.watch.changed();
  deps.bell.ring('place');
}
