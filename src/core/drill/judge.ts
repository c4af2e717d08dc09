import { isTerminal, type ContinuityMode, type JobKind } from '../job.ts';
import { toWire, type WireMoney } from '../money.ts';
import { isIntact, lostWorkSeconds, type CanaryCheck } from './check.ts';
import type { DrilledJob, DrillFacts, Obtained } from './report.ts';

/** What became of a job in a drill. `untouched`: nothing was to happen to it, and nothing did. */
export const JOB_RESULTS = ['recovered', 'ended', 'not-recovered', 'failed', 'untouched'] as const;

/** One job of a report; times are RFC 3339. */
export interface JobResult {
  readonly jobId: string;
  readonly canary: boolean;
  readonly kind: JobKind;
  readonly mode: ContinuityMode;
  readonly result: (typeof JOB_RESULTS)[number];
  readonly from: string;
  readonly to: { readonly provider: string; readonly offer: string; readonly region: string } | null;
  readonly attempts: number;
  /** The service's clock: when the place was last heard, was suspected, was given up, … */
  readonly times: Readonly<
    Record<
      'faultAt' | 'suspectedAt' | 'declaredAt' | 'fencedAt' | 'decidedAt' | 'startedAt' | 'servingAt',
      string | null
    >
  >;
  readonly rto: {
    readonly targetSeconds: number | null;
    readonly fromFaultSeconds: number | null;
    readonly fromDeclarationSeconds: number | null;
    /** Counted from the fault; null: there is no target. */
    readonly met: boolean | null;
  };
  readonly rpo: {
    readonly targetSeconds: number | null;
    readonly achievedSeconds: number | null;
    readonly met: boolean | null;
  };
  readonly data: (CanaryCheck & { readonly intact: boolean }) | null;
  readonly obtained: readonly Obtained[];
  readonly cost: WireMoney;
}

export function judgeJob(job: DrilledJob, facts: Pick<DrillFacts, 'spec' | 'currency'>): JobResult {
  const { move } = job;
  const back = backAt(job);
  const rtoTarget = facts.spec.rtoSeconds ?? job.rtoSeconds;
  const rpoTarget = facts.spec.rpoSeconds ?? job.rpoSeconds;
  const rto = back === null ? null : seconds(move?.faultAt ?? null, back);
  const rpo = back === null ? null : rpoOf(job);
  return {
    jobId: job.jobId,
    canary: job.canary,
    kind: job.kind,
    mode: job.mode,
    result: resultOf(job, back),
    from: job.provider,
    to: back === null ? null : (placeOf(move?.to ?? null) ?? null),
    attempts: move?.attempts ?? 0,
    times: timesOf(job),
    rto: {
      targetSeconds: rtoTarget,
      fromFaultSeconds: rto,
      fromDeclarationSeconds: back === null ? null : seconds(move?.downAt ?? null, back),
      met: rtoTarget === null ? null : rto !== null && rto <= rtoTarget,
    },
    rpo: {
      targetSeconds: rpoTarget,
      achievedSeconds: rpo,
      met: rpoTarget === null || (back !== null && rpo === null) ? null : rpo !== null && rpo <= rpoTarget,
    },
    data: job.checked === null ? null : { ...job.checked, intact: isIntact(job.checked) },
    obtained: job.obtained,
    cost: toWire(job.costMicros, facts.currency),
  };
}

/** When it ran again; of a service, when it answered again. */
function backAt({ move, kind, provider }: DrilledJob): Date | null {
  if (move === null || move.to === null || move.to.provider === provider) return null;
  return kind === 'inference' ? move.servingAt : move.startedAt;
}

function resultOf(job: DrilledJob, back: Date | null): JobResult['result'] {
  if (back !== null) return 'recovered';
  if (job.move === null && job.state === 'succeeded') return 'ended';
  if (job.state === 'failed') return 'failed';
  if (job.move === null && !isTerminal(job.state) && !job.canary) return 'untouched';
  return 'not-recovered';
}

/** The worse of what two clocks say: the age of the checkpoint, and the work that the canary itself counted. */
function rpoOf({ move, checked }: DrilledJob): number | null {
  const byAge = move?.rpo.achievedSeconds ?? null;
  const byCount = checked === null ? null : lostWorkSeconds(checked);
  if (byAge === null || byCount === null) return byAge ?? byCount;
  return Math.max(byAge, byCount);
}

function placeOf(place: { provider: string; offer: string; region: string } | null): JobResult['to'] {
  return place && { provider: place.provider, offer: place.offer, region: place.region };
}

function timesOf({ move }: DrilledJob): JobResult['times'] {
  const text = (at: Date | null | undefined) => at?.toISOString() ?? null;
  return {
    faultAt: text(move?.faultAt),
    suspectedAt: text(move?.suspectedAt),
    declaredAt: text(move?.downAt),
    fencedAt: text(move?.fencedAt),
    decidedAt: text(move?.decidedAt),
    startedAt: text(move?.startedAt),
    servingAt: text(move?.servingAt),
  };
}

function seconds(from: Date | null, to: Date): number | null {
  return from === null ? null : Math.max(0, to.getTime() - from.getTime()) / 1000;
}
