import { Session } from '../core/placement/decide.ts';
import { stateFrom } from '../core/placement/record.ts';
import type { PlacementPlan } from '../core/placement/types.ts';
import { protectionOf } from '../core/protection.ts';
import type { Deps } from '../deps.ts';
import { applySpares } from '../store/apply/placements.ts';
import { applySpareWaiting } from '../store/apply/spare-waiting.ts';
import { loadPurses } from '../store/load/accounts.ts';
import { loadUnguarded, type UnguardedRow } from '../store/load/protection.ts';
import { InputRecorder } from './inputs.ts';
import { currentMarket, type CurrentMarket } from './market.ts';
import { placementRows } from './place.ts';

/** Jobs looked at in one pass, the most urgent first; the next pass finds the others. */
const LIMIT = 500;

/**
 * Places what stands by, for jobs that run and want it: also again after a move, or after the place that stood by was
 * lost. The same decision as for a run, apart from the run's vendor and site, and where a drill has proved that work of
 * the run's provider recovers. What is left free by those who have nothing yet is what it takes.
 *
 * @returns how many were placed
 */
export async function sparePass(deps: Deps): Promise<number> {
  const jobs = await loadUnguarded(deps.store.db, LIMIT);
  if (jobs.length === 0) return 0;
  const now = deps.clock.now();
  const current = await currentMarket(deps, now);
  const purses = await loadPurses(deps.store.db, now, deps.terms);
  const session = new Session(current.market, stateFrom(current.state), purses);
  for (const job of jobs) session.consider(job);
  return write(deps, now, new InputRecorder(deps, now, current, purses), current, jobs, session.settle());
}

async function write(
  deps: Deps,
  now: Date,
  inputs: InputRecorder,
  current: CurrentMarket,
  jobs: readonly UnguardedRow[],
  plan: PlacementPlan,
): Promise<number> {
  const inputId = inputs.page(jobs);
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const work = { deps, now, market: current.market, state: current.state };
  const rows = await spareRows(work, plan, byId, inputId);
  const waiting = waitingRows(deps, now, plan, byId, inputId);
  if (rows.length === 0 && waiting.length === 0) return 0;
  const placed = await deps.store.transaction(async (tx) => {
    const made = await applySpares(tx, now, deps.terms, rows);
    await applySpareWaiting(tx, now, waiting);
    await inputs.write(tx);
    return made;
  });
  if (placed.size > 0) deps.watch.changed();
  return placed.size;
}

async function spareRows(
  work: Parameters<typeof placementRows>[0],
  plan: PlacementPlan,
  byId: ReadonlyMap<string, UnguardedRow>,
  inputId: string,
) {
  const rows = await placementRows(work, plan.placements, byId, inputId);
  return rows.flatMap((row) => {
    const job = byId.get(row.jobId);
    const protection = job === undefined ? null : protectionOf(job.spec);
    if (job === undefined || protection === null) return [];
    return { ...row, runId: job.runId, spare: { role: protection.role, slot: job.slot } };
  });
}

/** Only what changed since it was last said. */
function waitingRows(
  deps: Deps,
  now: Date,
  plan: PlacementPlan,
  byId: ReadonlyMap<string, UnguardedRow>,
  inputId: string,
) {
  return plan.waiting.flatMap(({ jobId, waiting, decision }) => {
    const before = byId.get(jobId)?.spareWaiting;
    const { reason, detail } = waiting();
    if (before?.reason === reason && before.detail === detail) return [];
    const decisionId = deps.ids.next('dec', now);
    return { jobId, reason, detail, decisionId, decision: JSON.stringify(decision()), inputId };
  });
}
