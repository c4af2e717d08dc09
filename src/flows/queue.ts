import { FairQueue } from '../core/placement/queue.ts';
import type { Deps } from '../deps.ts';
import { loadQueued, loadQueuedOf, loadShares, type QueuedRow, type QueueMark } from '../store/load/queue.ts';

/** Read of every project, to know who is first; there may be hundreds of projects. */
const FIRST = 20;
/** Read of one whose turn has come so often that nothing of that is left. */
const MORE = 200;

/** The queue of all projects in turn, read from the store as it is used up. */
export interface QueueReader {
  isEmpty(): boolean;
  /** Whose turn it is; null: nobody waits any more. */
  next(): Promise<QueuedRow | null>;
  /** It was given a place, so its project's turn comes later. */
  placed(job: QueuedRow, offerGpuCount: number): void;
}

export async function openQueue(deps: Deps, now: Date): Promise<QueueReader> {
  const { db } = deps.store;
  const marginMs = deps.timing.leaseMarginMs;
  const first = await loadQueued(db, new Map(), FIRST, marginMs);
  const streams = Map.groupBy(first, ({ project }) => project);
  // One project alone is compared with nobody.
  const shares = streams.size > 1 ? await loadShares(db, [...streams.keys()]) : new Map<string, number>();
  const queue = new FairQueue<QueuedRow>(now, shares);
  const marks = new Map<string, QueueMark>();
  const unread = new Set<string>();
  const add = (project: string, jobs: readonly QueuedRow[], asked: number) => {
    queue.add(project, jobs);
    const last = jobs.at(-1);
    if (last !== undefined) marks.set(project, { rank: last.queueRank, id: last.id });
    if (jobs.length < asked) unread.delete(project);
    else unread.add(project);
  };
  for (const [project, jobs] of streams) add(project, jobs, FIRST);

  /** Whose turn it is can be said only while the first of everybody is known. */
  const readOn = async () => {
    const dry = [...unread].filter((project) => queue.isDry(project));
    if (dry.length === 0) return;
    const of = new Map([...marks].filter(([project]) => dry.includes(project)));
    const more = Map.groupBy(await loadQueuedOf(db, dry, of, MORE, marginMs), ({ project }) => project);
    for (const project of dry) add(project, more.get(project) ?? [], MORE);
  };
  return {
    isEmpty: () => first.length === 0,
    next: async () => {
      await readOn();
      return queue.next();
    },
    placed: (job, offerGpuCount) => queue.placed(job, offerGpuCount),
  };
}
