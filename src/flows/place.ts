import { decidePlacements } from '../core/placement/decide.ts';
import type { Placement, PlacementOffer, PlacementPlan } from '../core/placement/types.ts';
import type { Deps } from '../deps.ts';
import {
  applyPlacements,
  applyWaiting,
  type PlacementRow,
  type WaitingRow,
} from '../store/apply/placements.ts';
import { loadQueue, loadWorld, type QueuedRow, type QueueMark, type World } from '../store/load/placement.ts';
import { latestCheckpoints } from '../store/read/checkpoints.ts';

/** Jobs looked at per page: one decision, one transaction. */
const PAGE = 500;

export interface PlaceResult {
  readonly placed: number;
  readonly stale: number;
  readonly waiting: number;
  /** When a fence or a backoff ends, so that looking again then is worth it. */
  readonly wakeAt: Date | null;
}

/**
 * One pass over the queue, page by page in its order: load → decide → apply. Stops early when nothing is free any
 * more, unless `explainAll` (then every waiting job's reason is brought up to date).
 */
export async function placePass(deps: Deps, explainAll: boolean): Promise<PlaceResult> {
  const now = deps.clock.now();
  let world = await loadWorld(deps.store.db, now);
  const result = { placed: 0, stale: 0, waiting: 0, wakeAt: null as Date | null };
  let mark: QueueMark | null = null;
  for (;;) {
    const page: QueuedRow[] = await loadQueue(deps.store.db, mark, PAGE, deps.timing.leaseMarginMs);
    const last = page.at(-1);
    if (last === undefined) break;
    const plan = decidePlacements({
      now,
      currency: deps.config.currency,
      ...world,
      jobs: page,
      shares: new Map(),
    });
    const placed = await writePage(deps, now, page, plan);
    world = claimed(world, plan.placements);
    result.placed += placed.size;
    result.stale += plan.placements.length - placed.size;
    result.waiting += plan.waiting.length;
    if (plan.wakeAt !== null && (result.wakeAt === null || plan.wakeAt < result.wakeAt))
      result.wakeAt = plan.wakeAt;
    mark = { priority: last.priority, id: last.id };
    if (page.length < PAGE || (!explainAll && !anythingFree(world))) break;
  }
  deps.metrics.countPlacements('placed', result.placed);
  deps.metrics.countPlacements('stale', result.stale);
  if (result.placed > 0) deps.watch.changed();
  return result;
}

async function writePage(
  deps: Deps,
  now: Date,
  page: readonly QueuedRow[],
  plan: PlacementPlan,
): Promise<Set<string>> {
  const byId = new Map(page.map((job) => [job.id, job]));
  const rows = await placementRows(deps, now, plan.placements, byId);
  const waiting = waitingRows(deps, now, plan, byId);
  if (rows.length === 0 && waiting.length === 0) return new Set();
  const lease = { seconds: deps.timing.leaseSeconds, marginMs: deps.timing.leaseMarginMs };
  return deps.store.transaction(async (tx) => {
    const placed = await applyPlacements(tx, now, lease, rows);
    await applyWaiting(tx, now, waiting);
    return placed;
  });
}

async function placementRows(
  deps: Deps,
  now: Date,
  placements: readonly Placement[],
  byId: ReadonlyMap<string, QueuedRow>,
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
    if (job === undefined) return [];
    return {
      decisionId: deps.ids.next('dec', now),
      allocationId: deps.ids.next('alc', now),
      jobId: job.id,
      jobVersion: job.version,
      provider: placement.provider,
      offer: placement.offer,
      region: placement.region,
      spot: placement.spot,
      listPriceMicrosPerHour: placement.listPriceMicrosPerHour,
      listCurrency: placement.listCurrency,
      rateMicros: placement.rateMicros,
      priceMicrosPerHour: placement.priceMicrosPerHour,
      gpuCount: job.spec.resources.gpu.count,
      graceSeconds: job.spec.graceSeconds,
      restoredCheckpoint: checkpoints.get(job.id)?.id ?? null,
      decision: JSON.stringify(placement.decision()),
    };
  });
}

/** Only what changed since it was last said. */
function waitingRows(
  deps: Deps,
  now: Date,
  plan: PlacementPlan,
  byId: ReadonlyMap<string, QueuedRow>,
): WaitingRow[] {
  return plan.waiting.flatMap(({ jobId, waiting: why, decision }) => {
    const job = byId.get(jobId);
    if (job === undefined) return [];
    const waiting = why();
    if (job.waiting?.reason === waiting.reason && job.waiting.detail === waiting.detail) return [];
    return {
      jobId,
      jobVersion: job.version,
      reason: waiting.reason,
      detail: waiting.detail,
      decisionId: deps.ids.next('dec', now),
      decision: JSON.stringify(decision()),
    };
  });
}

/** The world after a page's placements, so that the next page does not plan with what is taken. */
function claimed(world: World, placements: readonly Placement[]): World {
  if (placements.length === 0) return world;
  const taken = new Map<string, number>();
  for (const { provider, offer } of placements) {
    const key = `${provider}\n${offer}`;
    taken.set(key, (taken.get(key) ?? 0) + 1);
  }
  const offers = world.offers.map((offer): PlacementOffer => {
    const more = taken.get(`${offer.provider}\n${offer.name}`);
    return more === undefined ? offer : { ...offer, used: offer.used + more };
  });
  return { ...world, offers };
}

function anythingFree(world: World): boolean {
  const open = new Set(
    world.providers
      .filter(({ mode, health }) => mode === 'active' && health === 'healthy')
      .map(({ name }) => name),
  );
  return world.offers.some((offer) => offer.used < offer.capacity && open.has(offer.provider));
}
