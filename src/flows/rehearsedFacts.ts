import type { Deps } from '../deps.ts';
import type { DrillRow } from '../store/apply/drills.ts';
import { loadDrillFacts, loadRecords, type LoadedFacts } from '../store/load/drillFacts.ts';
import { loadDrillJobs } from '../store/load/drills.ts';
import { loadStarts } from '../store/load/losing.ts';

/**
 * What a simulated drill found: the drill's jobs as the rehearsal left them, read from the copy as they would be read from
 * the real world. Nothing of it was real but the audit records. Again after a crash: it is played again.
 */
export async function rehearsedFacts(deps: Deps, drill: DrillRow): Promise<LoadedFacts> {
  const { db } = deps.store;
  const jobs = (await loadDrillJobs(db, drill.id)).map(({ jobId }) => jobId);
  const played = await deps.rehearse({
    name: drill.id,
    down: drill.providers,
    jobs,
    startMs: await startMs(deps),
  });
  try {
    const { faultAt, now, store } = played;
    const facts = await loadDrillFacts(store.db, now, deps.timing, drill);
    const cuts = drill.providers.map((provider) => ({
      provider,
      allocationId: null,
      fromAt: faultAt,
      untilAt: now,
      declaredAt: null,
    }));
    return { ...facts, cuts, records: await loadRecords(db, drill.id) };
  } finally {
    await played.close();
  }
}

/** As fast as each was seen to start things lately. */
async function startMs({ store }: Deps): Promise<Map<string, number>> {
  const starts = await loadStarts(store.db);
  return new Map(
    [...starts].flatMap(([provider, { startSeconds }]) =>
      startSeconds === null ? [] : [[provider, Math.round(startSeconds * 1_000)] as const],
    ),
  );
}
