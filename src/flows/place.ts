import type { Placement, PlacementPlan } from '../core/placement/types.ts';
import { Session } from '../core/placement/decide.ts';
import { stateFrom } from '../core/placement/record.ts';
import type { Market } from '../core/placement/market.ts';
import { positionOf } from '../core/placement/pass.ts';
import { rulesSeen, type WorldState } from '../core/world.ts';
import type { Deps } from '../deps.ts';
import { applyPlacements, type PlacementRow } from '../store/apply/placements.ts';
import { applyWaiting, type WaitingRow } from '../store/apply/waiting.ts';
import { loadPurses } from '../store/load/accounts.ts';
import type { QueuedRow } from '../store/load/queue.ts';
import { latestCheckpoints } from '../store/read/checkpoints.ts';
import { InputRecorder } from './inputs.ts';
import { currentMarket } from './market.ts';
import { openQueue, type QueueReader } from './queue.ts';

/** Jobs looked at per page: one decision, one transaction. */
const PAGE = 500;

export interface PlaceResult {
  readonly placed: number;
  readonly stale: number;
  readonly waiting: number;
  /** When a fence or a backoff ends, so that looking again then is worth it. */
  readonly wakeAt: Date | null;
}

/** What a pass works with. */
interface Work {
  readonly deps: Deps;
  readonly now: Date;
  readonly market: Market;
  readonly state: WorldState;
  readonly session: Session;
  readonly inputs: InputRecorder;
}

/**
 * One pass over the queue, page by page in its order: load → decide → apply. Stops early when nothing is free any
 * more, unless `explainAll` (then every waiting job's reason is brought up to date).
 */
export async function placePass(deps: Deps, explainAll: boolean): Promise<PlaceResult> {
  const now = deps.clock.now();
  const result = { placed: 0, stale: 0, waiting: 0, wakeAt: null as Date | null };
  const queue = await openQueue(deps, now);
  if (queue.isEmpty()) return result;
  const current = await currentMarket(deps, now);
  const purses = await loadPurses(deps.store.db, now, deps.terms);
  const session = new Session(current.market, stateFrom(current.state), purses);
  const inputs = new InputRecorder(deps, now, current, purses);
  const work: Work = { deps, now, ...current, session, inputs };
  for (;;) {
    const page = await nextPage(queue, session);
    if (page.length === 0) break;
    const plan = session.settle();
    const placed = await writePage(work, page, plan);
    result.placed += placed;
    result.stale += plan.placements.length - placed;
    result.waiting += plan.waiting.length;
    result.wakeAt = plan.wakeAt;
    if (page.length < PAGE || (!explainAll && !session.anythingFree())) break;
  }
  deps.metrics.countPlacements('placed', result.placed);
  deps.metrics.countPlacements('stale', result.stale);
  if (result.placed > 0) deps.watch.changed();
  return result;
}

/** Who is next depends on who was given something, so each has had its turn before the next is asked for. */
async function nextPage(queue: QueueReader, session: Session): Promise<QueuedRow[]> {
  const page: QueuedRow[] = [];
  while (page.length < PAGE) {
    const job = await queue.next();
    if (job === null) break;
    page.push(job);
    const placed = session.consider(job);
    if (placed !== null) queue.placed(job, placed.offerGpuCount);
  }
  return page;
}

/** @returns how many of the plan's placements came true */
async function writePage(work: Work, page: readonly QueuedRow[], plan: PlacementPlan): Promise<number> {
  const { deps, now, inputs } = work;
  const inputId = inputs.page(page);
  const byId = new Map(page.map((job) => [job.id, job]));
  const rows = await placementRows(work, plan.placements, byId, inputId);
  const waiting = waitingRows(work, plan, byId, inputId);
  if (rows.length === 0 && waiting.length === 0) return 0;
  const placed = await deps.store.transaction(async (tx) => {
    const made = await applyPlacements(tx, now, deps.terms, rows);
    await applyWaiting(tx, now, waiting);
    await inputs.write(tx);
    return made;
  });
  inputs.written();
  return placed.size;
}

/** A plan's placements as they are to be written. */
export async function placementRows(
  { deps, now, market, state }: Pick<Work, 'deps' | 'now' | 'market' | 'state'>,
  placements: readonly Placement[],
  byId: ReadonlyMap<string, QueuedRow>,
  inputId: string,
): Promise<PlacementRow[]> {
  const jobsOf = placements.flatMap((placement) => byId.get(placement.jobId) ?? []);
  // A job that never ran and names no other has nothing to restore.
  const asked = jobsOf.filter((job) => job.attempts > 0 || job.spec.checkpoint.fromJob !== null);
  const checkpoints = await latestCheckpoints(
    deps.store.db,
    asked.map((job) => ({ jobId: job.id, fromJob: job.spec.checkpoint.fromJob })),
  );
  return placements.flatMap((placement) => {
    const job = byId.get(placement.jobId);
    const lot = market.lots[positionOf(market, placement.provider, placement.offer)];
    if (job === undefined || lot === undefined) return [];
    const { organization, project } = job;
    return {
      ...placement,
      ...rulesSeen(state, organization, project),
      policiesVersion: state.policiesVersion,
      providerVersion: state.providerVersions.get(placement.provider) ?? 0,
      shape: lot.offer,
      organization,
      project,
      decisionId: deps.ids.next('dec', now),
      allocationId: deps.ids.next('alc', now),
      jobVersion: job.version,
      graceSeconds: job.spec.graceSeconds,
      restoredCheckpoint: checkpoints.get(job.id)?.id ?? null,
      decision: JSON.stringify(placement.decision()),
      spare: null,
      inputId,
    };
  });
}

/** Only what changed since it was last said. */
function waitingRows(
  { deps, now }: Work,
  plan: PlacementPlan,
  byId: ReadonlyMap<string, QueuedRow>,
  inputId: string,
): WaitingRow[] {
  return plan.waiting.flatMap(({ jobId, waiting, decision }) => {
    const job = byId.get(jobId);
    if (job === undefined) return [];
    const { reason, detail } = waiting();
    if (job.waiting?.reason === reason && job.waiting.detail === detail) return [];
    return {
      jobId,
      jobVersion: job.version,
      reason,
      detail,
      decisionId: deps.ids.next('dec', now),
      decision: JSON.stringify(decision()),
      inputId,
    };
  });
}
