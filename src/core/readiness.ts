import type { SpareRole } from './allocation.ts';
import { shareOf } from './share.ts';
import { WAITING_REASONS, type ContinuityMode, type JobKind, type JobState, type Waiting } from './job.ts';
import { Session } from './placement/decide.ts';
import type { Market } from './placement/market.ts';
import type { State } from './placement/pass.ts';
import { byRank, FairQueue } from './placement/queue.ts';
import type { Placement, QueuedJob } from './placement/types.ts';
import { expectationOf, type Expectation, type Start } from './recovery.ts';
import type { Timing } from './timing.ts';

/** Why a job would go on nowhere: what placement would say, or that it is to end with its provider. */
export const NOWHERE_REASONS = ['continuity-none', ...WAITING_REASONS] as const;
export type NowhereReason = (typeof NOWHERE_REASONS)[number];

/** A job that has a place, as its provider's loss would find it. */
export interface PlacedJob {
  /** As it stands in the queue as soon as it is back there; `avoid` is what it avoids already. */
  readonly queued: QueuedJob;
  readonly name: string;
  readonly kind: JobKind;
  readonly state: Extract<JobState, 'provisioning' | 'running'>;
  readonly mode: ContinuityMode;
  /** When it first ran; null: it has not yet. */
  readonly startedAt: Date | null;
  /** When what it would go on from was saved; null: nothing was ever saved. */
  readonly savedAt: Date | null;
  readonly place: JobPlace;
  /** What could take over at once: ready, and at a provider that work is given to. */
  readonly spares: readonly { readonly role: SpareRole; readonly place: JobPlace }[];
  /** GPUs of one whole offer that it has, and how many of them. */
  readonly gpuCount: number;
  readonly nodes: number;
}

export interface JobPlace {
  readonly provider: string;
  readonly region: string;
  readonly offer: string;
  readonly spot: boolean;
  /** Of all nodes, accounting currency. */
  readonly priceMicrosPerHour: bigint;
}

/** What the loss of its place would mean to a job. */
export interface Readiness extends Expectation {
  readonly jobId: string;
  readonly organization: string;
  readonly project: string;
  readonly name: string;
  readonly kind: JobKind;
  readonly from: JobPlace;
  /** Null: nowhere, and `nowhere` says why. */
  readonly to: JobPlace | null;
  readonly nowhere: { readonly reason: NowhereReason; readonly detail: string } | null;
}

export interface ReadinessAsked {
  readonly market: Market;
  readonly state: State;
  /** Providers that are assumed to have fallen silent. */
  readonly down: ReadonlySet<string>;
  /** Everything of theirs that has a place and is lost with them. */
  readonly jobs: readonly PlacedJob[];
  /** By project: what it holds now, these jobs included. */
  readonly shares: ReadonlyMap<string, number>;
  /** By provider: how long starting takes there; absent: nobody has seen it. */
  readonly starts: ReadonlyMap<string, Start>;
  readonly timing: Timing;
}

/** Jobs settled at once, as in a pass (flows/place.ts): within a page jobs may exchange their places. */
const PAGE = 500;
/** An explanation may walk over a whole catalog, so fewer of them are one step. */
const EXPLAINED = 25;

/**
 * Who would go where if these providers fell silent now, all of their jobs together: two cannot count on the last
 * place. It is the placement of the queue itself, over the market as it is with those providers down, so that it is
 * what the pass after a real loss decides where nothing else has changed until then. What the lost ones hold stays
 * taken; what is free elsewhere is what is free now. Jobs that wait already are not looked at: whatever has room for
 * them they would have been given.
 *
 * In steps, so that whoever asks can do something else between them. Jobs that are only being started compete, and
 * are not answered for.
 */
export function* readinessOf(asked: ReadinessAsked): Generator<readonly Readiness[]> {
  const { jobs, state } = asked;
  const now = state.now;
  const ending = jobs.filter(endsWithIt);
  yield ending.filter(isRunning).map((job) => ends(job, asked));
  yield jobs.filter(isRunning).flatMap((job) => takesOver(job, asked));
  const left = jobs.filter((job) => !endsWithIt(job) && spareOf(job, asked) === null);
  const going = new Map(left.map((job) => [job.queued.id, job]));
  const queue = queueOf([...going.values()], sharesWithout(asked), now, asked.timing);
  const session = new Session(asked.market, lose(state, asked.down));
  for (let page = nextPage(queue, session); page > 0; page = nextPage(queue, session)) {
    const plan = session.settle();
    yield plan.placements.flatMap((placement) => {
      const job = going.get(placement.jobId);
      return job !== undefined && isRunning(job) ? [goes(job, placement, asked)] : [];
    });
    for (let at = 0; at < plan.waiting.length; at += EXPLAINED)
      yield plan.waiting.slice(at, at + EXPLAINED).flatMap(({ jobId, waiting }) => {
        const job = going.get(jobId);
        return job !== undefined && isRunning(job) ? [stays(job, waiting(), asked)] : [];
      });
    if (page < PAGE) break;
  }
}

function nextPage(queue: FairQueue<QueuedJob>, session: Session): number {
  let count = 0;
  for (; count < PAGE; count += 1) {
    const job = queue.next();
    if (job === null) break;
    const placed = session.consider(job);
    if (placed !== null) queue.placed(job, placed.offerGpuCount);
  }
  return count;
}

/** The queue as the loss would leave it: each job avoids the provider that lost it. */
function queueOf(
  jobs: readonly PlacedJob[],
  shares: ReadonlyMap<string, number>,
  now: Date,
  { avoidMs }: Timing,
): FairQueue<QueuedJob> {
  const queue = new FairQueue<QueuedJob>(now, shares);
  const until = new Date(now.getTime() + avoidMs).toISOString();
  const queued = jobs.map(({ queued: job, place }) => ({
    ...job,
    queuedAt: now,
    avoid: { ...job.avoid, [place.provider]: until },
    moveTo: null,
    notBefore: null,
    fencedUntil: null,
  }));
  for (const [project, theirs] of Map.groupBy(queued, ({ project: name }) => name))
    queue.add(project, theirs.toSorted(byRank));
  return queue;
}

/** By the time that they are placed, what they have now is over. */
function sharesWithout({ jobs, shares }: ReadinessAsked): ReadonlyMap<string, number> {
  const left = new Map(shares);
  for (const { queued, gpuCount, nodes } of jobs)
    left.set(queued.project, Math.max(0, (left.get(queued.project) ?? 0) - shareOf(gpuCount, nodes)));
  return left;
}

function lose(state: State, down: ReadonlySet<string>): State {
  const providers = state.providers.map((one) =>
    down.has(one.name) ? { ...one, health: 'down' as const, healthSince: state.now } : one,
  );
  return { ...state, providers };
}

const isRunning = ({ state }: PlacedJob): boolean => state === 'running';
/** One that never ran is tried again, whatever its mode (failover.ts). */
const endsWithIt = (job: PlacedJob): boolean => job.mode === 'none' && isRunning(job);

/** What stands by for it and is not lost as well; a copy that runs before one that only waits. */
function spareOf({ spares }: PlacedJob, { down }: ReadinessAsked) {
  const left = spares.filter(({ place }) => !down.has(place.provider));
  return left.find(({ role }) => role === 'replica') ?? left[0] ?? null;
}

/** Nothing has to be found for it. A copy serves already, so nothing has to be waited for either. */
function takesOver(job: PlacedJob, asked: ReadinessAsked): Readiness[] {
  const spare = spareOf(job, asked);
  if (spare === null) return [];
  const found = answer(job, spare.place, null, asked);
  if (spare.role === 'standby') return [found];
  const { targetSeconds } = found.rto;
  const rto = { targetSeconds, met: targetSeconds === null ? null : true };
  return [{ ...found, fenceSeconds: 0, expectedSeconds: 0, rto }];
}

function goes(job: PlacedJob, placement: Placement, asked: ReadinessAsked): Readiness {
  const { provider, region, offer, spot, nodes } = placement;
  const priceMicrosPerHour = placement.priceMicrosPerHour * BigInt(nodes);
  return answer(job, { provider, region, offer, spot, priceMicrosPerHour }, null, asked);
}

function stays(job: PlacedJob, waiting: Waiting, asked: ReadinessAsked): Readiness {
  return answer(job, null, waiting, asked);
}

function ends(job: PlacedJob, asked: ReadinessAsked): Readiness {
  const detail = 'continuity.mode is none: it fails with its provider';
  return answer(job, null, { reason: 'continuity-none', detail }, asked);
}

function answer(
  job: PlacedJob,
  to: JobPlace | null,
  nowhere: Readiness['nowhere'],
  { starts, state, timing }: ReadinessAsked,
): Readiness {
  const { id, organization, project } = job.queued;
  const { name, kind, place: from } = job;
  const start = to === null ? null : (starts.get(to.provider) ?? null);
  const expected = expectationOf(job, to !== null, start, state.now, timing);
  return { jobId: id, organization, project, name, kind, from, to, nowhere, ...expected };
}

export interface ReadinessSummary {
  readonly running: number;
  readonly covered: number;
  readonly uncovered: number;
  /** Where they run, in the order of names. */
  readonly byProvider: readonly (Coverage & { readonly provider: string })[];
  /** Of the uncovered, in the order of NOWHERE_REASONS. */
  readonly byReason: readonly { readonly reason: NowhereReason; readonly jobs: number }[];
}

interface Coverage {
  readonly running: number;
  readonly covered: number;
  readonly uncovered: number;
}

export function summaryOf(items: readonly Readiness[]): ReadinessSummary {
  const byProvider = Map.groupBy(items, ({ from }) => from.provider);
  const names = [...byProvider.keys()].sort();
  const reasons = Map.groupBy(items, ({ nowhere }) => nowhere?.reason ?? null);
  return {
    ...coverageOf(items),
    byProvider: names.map((provider) => ({ provider, ...coverageOf(byProvider.get(provider) ?? []) })),
    byReason: NOWHERE_REASONS.flatMap((reason) => {
      const jobs = reasons.get(reason)?.length ?? 0;
      return jobs === 0 ? [] : [{ reason, jobs }];
    }),
  };
}

function coverageOf(items: readonly Readiness[]): Coverage {
  const uncovered = items.filter(({ to }) => to === null).length;
  return { running: items.length, covered: items.length - uncovered, uncovered };
}
