import { nextStep, type DrillView } from '../core/drill/step.ts';
import { parseMicros } from '../core/money.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { lockDrill, type DrillRow } from '../store/apply/drills.ts';
import {
  countOverdue,
  loadDegradation,
  loadDrillCosts,
  loadDrillJobs,
  loadDueDrills,
  loadEndangered,
} from '../store/load/drills.ts';
import { checkCanaries } from './drillCheck.ts';
import { cutCanaries, declareSilent } from './drillCut.ts';
import { restore, stopCanaries } from './drillEnd.ts';
import { finishDrill } from './drillFinish.ts';
import { startDrill } from './drillStart.ts';

/**
 * Takes every drill that something is to be done about one step further, by what the database shows: so a service that
 * was killed between two steps, and any other replica, goes on where it stood. A drill that cannot go on for a fault
 * of ours does not hold up the others; its time limit ends it.
 */
export async function drillPass(deps: Deps): Promise<void> {
  const now = deps.clock.now();
  for (const drill of await loadDueDrills(deps.store.db, now)) {
    await advance(deps, now, drill).catch((error: unknown) =>
      deps.log.error({ err: error, drill: drill.id }, 'a drill could not go on, and will be tried again'),
    );
  }
  deps.metrics.setDrillsOverdue(await countOverdue(deps.store.db, now));
}

async function advance(deps: Deps, now: Date, drill: DrillRow): Promise<void> {
  if (drill.state === 'planned') return begin(deps, now, drill);
  if (drill.state === 'restoring') {
    await stopCanaries(deps, drill.id);
    return finishDrill(deps, now, drill);
  }
  const step = nextStep(await view(deps, now, drill), now, deps.timing);
  switch (step.kind) {
    case 'wait':
      return;
    case 'cut':
      return cutCanaries(deps, now, drill, step.jobIds);
    case 'declare':
      return declareSilent(deps, now, drill, step.allocationIds);
    case 'check':
      return checkCanaries(deps, now, drill, step.jobIds);
    case 'end':
      return end(deps, now, drill.id, step);
  }
}

/** What cannot be held as it was planned is given up, with the reason. */
async function begin(deps: Deps, now: Date, drill: DrillRow): Promise<void> {
  try {
    await startDrill(deps, now, drill);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    await end(deps, now, drill.id, { as: 'aborted', reason: error.message });
  }
}

async function end(deps: Deps, now: Date, id: string, ending: Parameters<typeof restore>[3]): Promise<void> {
  await deps.store.transaction(async (tx) => {
    const drill = await lockDrill(tx, id);
    if (drill?.state !== 'running' && drill?.state !== 'planned') return;
    await restore(tx, now, drill, ending);
  });
  deps.watch.changed();
  deps.log.info({ drill: id, ...ending }, 'a drill ends');
}

async function view(deps: Deps, now: Date, drill: DrillRow): Promise<DrillView> {
  const { db } = deps.store;
  const costs = await loadDrillCosts(db, now, drill.id);
  const { maxCost } = drill.spec.limits;
  const degradation = drill.spec.scenario.kind === 'degradation';
  return {
    spec: drill.spec,
    startedAt: drill.startedAt ?? now,
    costMicros: [...costs.values()].reduce((sum, micros) => sum + micros, 0n),
    maxCostMicros: maxCost === null ? null : parseMicros(maxCost.amount),
    jobs: await loadDrillJobs(db, drill.id),
    degradation: degradation ? await loadDegradation(db, drill.id) : null,
    endangered: degradation ? [] : await loadEndangered(db, now, drill.id),
  };
}
