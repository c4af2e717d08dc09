import { shareOf } from '../share.ts';
import type { JobSpec } from '../job.ts';
import { AGING_MS_PER_POINT, queueRankOf } from '../queue-rank.ts';
import { byName } from './columns.ts';
import type { QueuedJob } from './types.ts';

/**
 * Whose turn it is: priority first, then a fair share between projects, then age.
 *
 * Priority ages: every six minutes of waiting are worth a point, so that whatever waits is first some day. A job's
 * *rank* (core/queue-rank.ts) is the moment at which it would have had to be submitted with priority 0 to stand where it
 * stands; it never changes, so each project's jobs can be read in its order. A job's *band* is its priority by now, in
 * whole points. Among projects whose next jobs are in one band, the one that holds least goes first (share.ts), what it
 * was given in this pass counted; then the older rank; then the id.
 */
export function bandOf(job: Pick<QueuedJob, 'queueRank'>, now: Date): number {
  return Math.floor((now.getTime() - job.queueRank) / AGING_MS_PER_POINT);
}

/** The jobs of any number of projects, each project's in its own order, taken one at a time. */
export class FairQueue<Job extends QueuedJob> {
  readonly #now: Date;
  readonly #streams = new Map<string, { jobs: readonly Job[]; at: number }>();
  readonly #shares: Map<string, number>;

  /** `shares`: what each project holds already; absent: nothing. */
  constructor(now: Date, shares: ReadonlyMap<string, number>) {
    this.#now = now;
    this.#shares = new Map(shares);
  }

  /** More of a project's jobs, in the order of their ranks, all of them after those that were added before. */
  add(project: string, jobs: readonly Job[]): void {
    const stream = this.#streams.get(project);
    const rest = stream === undefined ? [] : stream.jobs.slice(stream.at);
    this.#streams.set(project, { jobs: [...rest, ...jobs], at: 0 });
  }

  /** Projects of which nothing is left here. */
  isDry(project: string): boolean {
    const stream = this.#streams.get(project);
    return stream === undefined || stream.at === stream.jobs.length;
  }

  /** The next in turn; null: none is left. A project is looked at by its first job only, as its jobs are in order. */
  next(): Job | null {
    let first: Job | null = null;
    for (const { jobs, at } of this.#streams.values()) {
      const job = jobs[at];
      if (job !== undefined && (first === null || this.#compare(job, first) < 0)) first = job;
    }
    const stream = first === null ? undefined : this.#streams.get(first.project);
    if (stream !== undefined) stream.at += 1;
    return first;
  }

  /** The job has got a place: its project holds that much more. */
  placed(job: Job, offerGpuCount: number): void {
    const more = shareOf(offerGpuCount, job.spec.resources.nodes);
    this.#shares.set(job.project, (this.#shares.get(job.project) ?? 0) + more);
  }

  #compare(a: Job, b: Job): number {
    return (
      bandOf(b, this.#now) - bandOf(a, this.#now) ||
      (this.#shares.get(a.project) ?? 0) - (this.#shares.get(b.project) ?? 0) ||
      byRank(a, b)
    );
  }
}

/** A job as it enters the queue: nobody has tried to place it. */
export function newlyQueued(id: string, spec: JobSpec, organization: string, queuedAt: Date): QueuedJob {
  return {
    id,
    spec,
    organization,
    project: spec.project,
    queueRank: queueRankOf(queuedAt, spec.priority),
    queuedAt,
    attempts: 0,
    avoid: {},
    moveTo: null,
    notBefore: null,
    fencedUntil: null,
    quote: null,
  };
}

/** The order of one project's jobs. */
export function byRank(a: QueuedJob, b: QueuedJob): number {
  return a.queueRank - b.queueRank || byName(a.id, b.id);
}
