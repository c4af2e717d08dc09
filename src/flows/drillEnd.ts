import { SYSTEM } from '../core/access.ts';
import type { AuditEntry } from '../core/audit.ts';
import type { DrillEnd } from '../core/drill/drill.ts';
import { isTerminal } from '../core/job.ts';
import { stopChanges } from '../core/stop.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { endCuts } from '../store/apply/cuts.ts';
import { changeDrill, type DrillRow } from '../store/apply/drills.ts';
import { loadDrillJobs } from '../store/load/drills.ts';
import { lockJob } from '../store/load/job.ts';
import type { Tx } from '../store/store.ts';

export interface Ending {
  readonly as: DrillEnd;
  readonly reason: string | null;
}

/** From here on nothing is cut off; what the drill ends as is decided, and what it made is removed by the engine. */
export async function restore(
  tx: Tx,
  now: Date,
  drill: DrillRow,
  { as, reason }: Ending,
  before: readonly AuditEntry[] = [],
): Promise<DrillRow> {
  const cuts = await endCuts(tx, now, drill.id);
  const set = { state: 'restoring', endsAs: as, reason, restoredAt: now } as const;
  const row = await changeDrill(tx, drill.id, drill.state, set);
  const entry = { actor: SYSTEM, target: drill.id, requestId: null };
  await appendAudit(tx, now, [
    ...before,
    ...(as === 'aborted' ? [{ ...entry, action: 'drill.abort', data: { reason } }] : []),
    { ...entry, action: 'drill.restore', data: { endsAs: as, reason, cutsEnded: cuts } },
  ]);
  return row ?? drill;
}

/** Cancels the canaries that still live. @returns how many that were */
export async function stopCanaries(deps: Deps, drillId: string): Promise<number> {
  const now = deps.clock.now();
  const live = (await loadDrillJobs(deps.store.db, drillId)).filter(
    ({ canary, state }) => canary && !isTerminal(state) && state !== 'stopping',
  );
  for (const { jobId } of live) {
    await deps.store.transaction(async (tx) => {
      const job = await lockJob(tx, jobId);
      if (job === null || isTerminal(job.state) || job.state === 'stopping') return;
      const changes = stopChanges(job, 'cancelled', 'cancelled', `the drill ${drillId} is over`);
      await applyChanges(tx, now, deps.terms, changes);
    });
  }
  if (live.length > 0) {
    deps.watch.changed();
    deps.bell.ring('effects');
  }
  return live.length;
}
