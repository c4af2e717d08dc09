import { isTerminal, type ContinuityMode, type JobState } from '../job.ts';
import type { Timing } from '../timing.ts';
import type { DrillEnd, DrillSpec } from './drill.ts';

/** A running drill as it was found. */
export interface DrillView {
  readonly spec: DrillSpec;
  readonly startedAt: Date;
  /** So far, of canaries and of what was moved, micros of the accounting currency. */
  readonly costMicros: bigint;
  readonly maxCostMicros: bigint | null;
  readonly jobs: readonly DrillJobView[];
  /** Of a degradation: the verdicts over its provider since the cut, and when the cut ends. */
  readonly degradation: {
    readonly cutUntil: Date;
    readonly sawDegraded: boolean;
    readonly sawDown: boolean;
  } | null;
  /** Jobs on providers that are cut off as a whole that would fail with them, as `continuity.mode` says. */
  readonly endangered: readonly string[];
}

export interface DrillJobView {
  readonly jobId: string;
  readonly canary: boolean;
  readonly mode: ContinuityMode;
  readonly state: JobState;
  /** Where it is to be lost. */
  readonly provider: string;
  /** The attempt that was cut off; null: not yet. */
  readonly cutAllocationId: string | null;
  /** Of a cut of that allocation alone. */
  readonly cut: { readonly fromAt: Date; readonly declaredAt: Date | null } | null;
  readonly current: {
    readonly id: string;
    readonly provider: string;
    readonly startedAt: Date | null;
    /** Has it saved one? */
    readonly saved: boolean;
  } | null;
  readonly checked: boolean;
}

/** What is to be done next; one thing at a time, each of them a transaction. */
export type DrillStep =
  | { readonly kind: 'wait' }
  /** Canaries that run and have saved something: cut them off. */
  | { readonly kind: 'cut'; readonly jobIds: readonly string[] }
  /** Silent for as long as a provider would have to be: give them up. */
  | { readonly kind: 'declare'; readonly allocationIds: readonly string[] }
  /** Run again elsewhere: look at what they restored. */
  | { readonly kind: 'check'; readonly jobIds: readonly string[] }
  /** `passed` only means that it came through; the report holds it against its targets. */
  | { readonly kind: 'end'; readonly as: DrillEnd; readonly reason: string | null };

const WAIT: DrillStep = { kind: 'wait' };
/** A degradation that nobody noticed for so long after it was over will not be. */
const UNNOTICED_MS = 10_000;

export function nextStep(view: DrillView, now: Date, timing: Timing): DrillStep {
  return (
    abortion(view, now) ??
    (view.spec.scenario.kind === 'degradation' ? ofDegradation(view, now) : ofOutage(view, now, timing))
  );
}

/** What ends a drill before its time. */
function abortion(view: DrillView, now: Date): DrillStep | null {
  const { abortAfterSeconds } = view.spec.limits;
  const end = (reason: string): DrillStep => ({ kind: 'end', as: 'aborted', reason });
  const broken = view.jobs.find(({ canary, state }) => !canary && state === 'failed');
  if (broken !== undefined) return end(`the job ${broken.jobId} failed`);
  const [endangered] = view.endangered;
  if (endangered !== undefined) return end(`the job ${endangered} would have failed: its mode is none`);
  if (view.maxCostMicros !== null && view.costMicros > view.maxCostMicros)
    return end('it cost more than limits.maxCost');
  if (now.getTime() - view.startedAt.getTime() >= abortAfterSeconds * 1000)
    return end(`it was not over after limits.abortAfterSeconds (${abortAfterSeconds} s)`);
  return null;
}

function ofOutage(view: DrillView, now: Date, timing: Timing): DrillStep {
  const failed = view.jobs.map(failure).find((reason) => reason !== null);
  if (failed != null) return { kind: 'end', as: 'failed', reason: failed };
  const ripe = view.jobs.filter(isRipe).map(({ jobId }) => jobId);
  if (ripe.length > 0) return { kind: 'cut', jobIds: ripe };
  const silent = view.jobs.flatMap((job) => (isSilent(job, now, timing) ? (job.cutAllocationId ?? []) : []));
  if (silent.length > 0) return { kind: 'declare', allocationIds: silent };
  const back = view.jobs.filter((job) => job.canary && !job.checked && isBack(job));
  if (back.length > 0) return { kind: 'check', jobIds: back.map(({ jobId }) => jobId) };
  return view.jobs.every(isDone) ? { kind: 'end', as: 'passed', reason: null } : WAIT;
}

function ofDegradation({ degradation, jobs }: DrillView, now: Date): DrillStep {
  if (degradation === null) return WAIT;
  const moved = jobs.find(
    ({ current, cutAllocationId, state }) => !isTerminal(state) && current?.id !== cutAllocationId,
  );
  if (degradation.sawDown) return { kind: 'end', as: 'failed', reason: 'the provider was given up' };
  if (moved !== undefined) return { kind: 'end', as: 'failed', reason: `the job ${moved.jobId} moved` };
  if (now < degradation.cutUntil) return WAIT;
  if (degradation.sawDegraded) return { kind: 'end', as: 'passed', reason: null };
  return now.getTime() - degradation.cutUntil.getTime() < UNNOTICED_MS
    ? WAIT
    : { kind: 'end', as: 'failed', reason: 'nobody noticed that the provider was degraded' };
}

/** Why a canary can prove nothing any more; null: it still can. */
function failure(job: DrillJobView): string | null {
  if (!job.canary) return null;
  if (isTerminal(job.state)) return `the canary ${job.jobId} ended: ${job.state}`;
  const here = job.current;
  if (here === null || here.startedAt === null) return null;
  if (job.cutAllocationId === null && here.provider !== job.provider)
    return `the canary ${job.jobId} found no place at ${job.provider}`;
  if (job.cutAllocationId !== null && here.id !== job.cutAllocationId && here.provider === job.provider)
    return `the canary ${job.jobId} found no other place than ${job.provider}`;
  return null;
}

function isRipe({ canary, state, cutAllocationId, current }: DrillJobView): boolean {
  return canary && state === 'running' && cutAllocationId === null && current?.saved === true;
}

/** The same silence that a provider is given up for. */
function isSilent({ cut }: DrillJobView, now: Date, { downAfterMs }: Timing): boolean {
  return cut !== null && cut.declaredAt === null && now.getTime() - cut.fromAt.getTime() >= downAfterMs;
}

function isBack({ state, current, cutAllocationId }: DrillJobView): boolean {
  return (
    state === 'running' &&
    cutAllocationId !== null &&
    current !== null &&
    current.id !== cutAllocationId &&
    current.startedAt !== null
  );
}

function isDone(job: DrillJobView): boolean {
  return job.canary ? job.checked : isTerminal(job.state) || isBack(job);
}
