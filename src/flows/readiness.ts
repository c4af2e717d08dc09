import { coversProject, type Scope } from '../core/access.ts';
import { stateFrom } from '../core/placement/record.ts';
import { readinessOf as readinessPages, type PlacedJob, type Readiness } from '../core/readiness.ts';
import type { Deps } from '../deps.ts';
import { loadPlaced, loadPlacedIds, loadStarts } from '../store/load/losing.ts';
import { loadShares } from '../store/load/queue.ts';
import { snapshot } from '../store/snapshot.ts';
import type { Store } from '../store/store.ts';
import { currentMarket, type CurrentMarket } from './market.ts';

type Able = Pick<Deps, 'store' | 'clock' | 'config' | 'timing'>;

/** Jobs read at once: parsing their specs is what costs. */
const CHUNK = 500;
/** How long an answer about all jobs is good, and at least as long as it took: so nobody keeps us at nothing else. */
const BELIEVED_MS = 2_000;

/** If these providers fell silent now, all at once. */
export interface Loss {
  readonly down: readonly string[];
  /** Only these of their jobs are lost; absent: all. */
  readonly jobs?: readonly string[];
}

/** Where each running job would go if its provider alone fell silent. Sorted by id, newest first. */
export interface Standing {
  readonly asOf: Date;
  readonly items: readonly Readiness[];
}

/** Who would go where, and who nowhere: the lost jobs that run, in the order of the queue. Changes nothing. */
export async function readinessOf(deps: Able, { down, jobs }: Loss): Promise<Readiness[]> {
  const now = deps.clock.now();
  const current = await currentMarket(deps, now);
  const wanted = jobs === undefined ? null : new Set(jobs);
  const lost = await readLost(deps, down, (id) => wanted === null || wanted.has(id));
  return decide(deps, current, new Set(down), lost);
}

/**
 * The standing answer: each provider's loss by itself. One computation at a time in a process, shared by everybody who
 * asks meanwhile or soon after.
 */
export function standingReadiness(deps: Able): Promise<Standing> {
  const at = deps.clock.now().getTime();
  const known = kept.get(deps.store);
  if (known !== undefined && (known.until === null || (at >= known.at && at < known.until)))
    return known.found;
  const made: Kept = { at, until: null, found: stand(deps) };
  kept.set(deps.store, made);
  const settle = () => {
    const now = deps.clock.now().getTime();
    made.until = now + Math.max(BELIEVED_MS, now - at);
  };
  made.found.then(settle, () => kept.delete(deps.store));
  return made.found;
}

interface Kept {
  readonly at: number;
  /** Null: it is being worked out. */
  until: number | null;
  readonly found: Promise<Standing>;
}
const kept = new WeakMap<Store, Kept>();

async function stand(deps: Able): Promise<Standing> {
  const asOf = deps.clock.now();
  const current = await currentMarket(deps, asOf);
  const items: Readiness[] = [];
  for (const provider of (await loadPlacedIds(deps.store.db, null)).keys()) {
    const lost = await readLost(deps, [provider], () => true);
    items.push(...(await decide(deps, current, new Set([provider]), lost)));
  }
  return { asOf, items: items.sort((a, b) => (a.jobId < b.jobId ? 1 : -1)) };
}

/** What is lost, and what its deciding needs: one moment's. */
type Lost = Awaited<ReturnType<typeof readLost>>;

function readLost(deps: Able, down: readonly string[], includes: (jobId: string) => boolean) {
  return snapshot(deps.store, async (tx) => {
    const ids = [...(await loadPlacedIds(tx, down)).values()].flat().filter(includes);
    const jobs: PlacedJob[] = [];
    for (let at = 0; at < ids.length; at += CHUNK)
      jobs.push(...(await loadPlaced(tx, ids.slice(at, at + CHUNK))));
    const projects = [...new Set(jobs.map(({ queued }) => queued.project))];
    return { jobs, shares: await loadShares(tx, projects), starts: await loadStarts(tx) };
  });
}

/** Deciding is the processor's work alone: between its steps everybody else has a turn. */
async function decide(
  { timing }: Able,
  { market, state }: CurrentMarket,
  down: ReadonlySet<string>,
  lost: Lost,
): Promise<Readiness[]> {
  const found: Readiness[] = [];
  for (const step of readinessPages({ market, state: stateFrom(state), down, timing, ...lost })) {
    found.push(...step);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

export interface ReadinessFilter {
  readonly project?: string | undefined;
  /** Where it runs. */
  readonly provider?: string | undefined;
}

/** Those that the scope covers and the filter asks for. */
export function within(
  items: readonly Readiness[],
  scope: Scope,
  { project, provider }: ReadinessFilter,
): Readiness[] {
  return items.filter(
    (one) =>
      coversProject(scope, { name: one.project, organization: one.organization }) &&
      (project === undefined || one.project === project) &&
      (provider === undefined || one.from.provider === provider),
  );
}
