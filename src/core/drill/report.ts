import type { AuditLink } from '../audit.ts';
import type { JobKind, ContinuityMode, JobState } from '../job.ts';
import { toWire, type WireMoney } from '../money.ts';
import type { Move } from '../moves.ts';
import type { Site } from '../provider.ts';
import type { CanaryCheck } from './check.ts';
import type { DrillEnd, DrillSpec } from './drill.ts';
import { findingsOf, notExercised, type Finding, type FindingCode, type NotExercised } from './findings.ts';
import { judgeJob, type JobResult } from './judge.ts';
import { percentilesOf, type Percentiles } from './percentiles.ts';
import type { DrillPlan } from './plan.ts';
import { directionsOf, type Direction } from './direction.ts';

/** Everything that is known of a drill that is over; what the report is made of, and of nothing else. */
export interface DrillFacts {
  readonly id: string;
  readonly spec: DrillSpec;
  /** Those that the scenario struck. */
  readonly struck: readonly string[];
  readonly plan: DrillPlan | null;
  readonly createdBy: Person;
  readonly confirmedBy: Person | null;
  readonly createdAt: Date;
  readonly dueAt: Date | null;
  readonly startedAt: Date | null;
  /** From then on nothing was cut off any more. */
  readonly restoredAt: Date | null;
  readonly endsAs: DrillEnd;
  readonly reason: string | null;
  /** Of all that it speaks of. */
  readonly providers: readonly DrillProvider[];
  readonly cuts: readonly DrillCut[];
  readonly jobs: readonly DrilledJob[];
  /** Providers that were cut off as a whole and not heard again when the drill ended. */
  readonly unreturned: readonly string[];
  /** In the order in which they were done. */
  readonly records: readonly AuditLink[];
  readonly nextDueAt: Date | null;
  /** The accounting currency. */
  readonly currency: string;
}

export interface Person {
  /** Id of a key. */
  readonly id: string;
  readonly role: string;
}

export interface DrillProvider {
  readonly name: string;
  readonly vendor: string;
  readonly site: Site;
  readonly brokerKind: string;
  readonly agentVersion: string | null;
}

export interface DrillCut {
  readonly provider: string;
  /** Null: the whole provider. */
  readonly allocationId: string | null;
  readonly fromAt: Date;
  readonly untilAt: Date;
  readonly declaredAt: Date | null;
}

export interface DrilledJob {
  readonly jobId: string;
  readonly canary: boolean;
  readonly kind: JobKind;
  readonly mode: ContinuityMode;
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
  readonly state: JobState;
  /** Where it was to be lost. */
  readonly provider: string;
  /** The attempt that was cut off; null: none was. */
  readonly cutAllocationId: string | null;
  /** The move away from there; null: it made none. */
  readonly move: Move | null;
  /** What it got after the cut, the first first. */
  readonly obtained: readonly Obtained[];
  /** Charged for it by the drill's doing, micros. */
  readonly costMicros: bigint;
  readonly checked: CanaryCheck | null;
}

/** Capacity that a job was really given. */
export interface Obtained {
  readonly allocationId: string;
  readonly provider: string;
  readonly offer: string;
  /** Canonical model; null: no GPU. */
  readonly gpuModel: string | null;
  readonly gpuCount: number;
  /** From the decision to running; null: it never ran. */
  readonly secondsToReady: number | null;
}

/** A plain JSON value, so that its canonical text is the same for whoever reads it: times are RFC 3339. */
export interface DrillReport {
  readonly version: 1;
  readonly drill: string;
  readonly mode: DrillSpec['mode'];
  readonly scenario: DrillSpec['scenario'];
  readonly note: string | null;
  readonly result: DrillEnd;
  readonly reason: string | null;
  readonly scope: {
    readonly providers: readonly (DrillProvider & { readonly struck: boolean })[];
    readonly jobs: number;
    readonly canaries: number;
    readonly limits: DrillSpec['limits'];
  };
  readonly plan: DrillPlan | null;
  readonly participants: {
    readonly createdBy: Person;
    readonly confirmedBy: Person | null;
  };
  readonly times: {
    readonly createdAt: string;
    readonly dueAt: string | null;
    readonly startedAt: string | null;
    readonly restoredAt: string | null;
  };
  /** What was done to make it look like the scenario. */
  readonly faults: readonly {
    readonly provider: string;
    readonly allocationId: string | null;
    readonly fault: 'network-cut';
    readonly fromAt: string;
    readonly untilAt: string;
    readonly declaredAt: string | null;
  }[];
  readonly directions: readonly Direction[];
  readonly jobs: readonly JobResult[];
  readonly targets: { readonly rtoSeconds: number | null; readonly rpoSeconds: number | null };
  readonly achieved: {
    /** From the fault: when the old place was last heard. */
    readonly rtoFromFaultSeconds: Percentiles | null;
    /** From the declaration: the moment that it was given up. */
    readonly rtoFromDeclarationSeconds: Percentiles | null;
    readonly rpoSeconds: Percentiles | null;
  };
  readonly cost: WireMoney;
  readonly steps: readonly {
    readonly seq: number;
    readonly at: string;
    readonly actor: string;
    readonly role: string;
    readonly action: string;
    readonly data: Readonly<Record<string, unknown>>;
  }[];
  readonly findings: readonly Finding[];
  readonly notExercised: readonly NotExercised[];
  readonly nextDueAt: string | null;
}

/** How anybody can see that the report is what was written, and that the records are those that it is of. */
export interface DrillEvidence {
  /** SHA-256, hex, of the canonical JSON of the report. */
  readonly reportSha256: string;
  /** The same of the drill's audit records (an array, as `GET /v1/audit` has them), and which those are. */
  readonly auditSha256: string;
  readonly auditRecords: number;
  readonly auditFromSeq: number;
  readonly auditToSeq: number;
  /** Key of `/.well-known/jwks.json`. */
  readonly kid: string;
  /** Compact JWS (EdDSA, Ed25519) of the above. */
  readonly jws: string;
}

/** These keep a drill that came through from having passed. */
const FAILING: readonly FindingCode[] = ['target-missed', 'not-recovered', 'data-damaged', 'nothing-moved'];

export function reportOf(facts: DrillFacts): DrillReport {
  const jobs = facts.jobs.map((job) => judgeJob(job, facts));
  const directions = directionsOf(jobs, facts.providers);
  const findings = findingsOf(facts, jobs, directions);
  const failing = findings.some(({ code }) => FAILING.includes(code));
  return {
    version: 1,
    drill: facts.id,
    mode: facts.spec.mode,
    scenario: facts.spec.scenario,
    note: facts.spec.note,
    result: facts.endsAs === 'passed' && failing ? 'failed' : facts.endsAs,
    reason: facts.reason,
    scope: {
      providers: facts.providers.map((one) => ({ ...one, struck: facts.struck.includes(one.name) })),
      jobs: jobs.filter(({ canary }) => !canary).length,
      canaries: jobs.filter(({ canary }) => canary).length,
      limits: facts.spec.limits,
    },
    plan: facts.plan,
    participants: { createdBy: facts.createdBy, confirmedBy: facts.confirmedBy },
    times: {
      createdAt: facts.createdAt.toISOString(),
      dueAt: textOf(facts.dueAt),
      startedAt: textOf(facts.startedAt),
      restoredAt: textOf(facts.restoredAt),
    },
    faults: facts.cuts.map(({ provider, allocationId, fromAt, untilAt, declaredAt }) => ({
      provider,
      allocationId,
      fault: 'network-cut',
      fromAt: fromAt.toISOString(),
      untilAt: untilAt.toISOString(),
      declaredAt: textOf(declaredAt),
    })),
    directions,
    jobs,
    targets: { rtoSeconds: facts.spec.rtoSeconds, rpoSeconds: facts.spec.rpoSeconds },
    achieved: {
      rtoFromFaultSeconds: percentilesOf(jobs.flatMap(({ rto }) => rto.fromFaultSeconds ?? [])),
      rtoFromDeclarationSeconds: percentilesOf(jobs.flatMap(({ rto }) => rto.fromDeclarationSeconds ?? [])),
      rpoSeconds: percentilesOf(jobs.flatMap(({ rpo }) => rpo.achievedSeconds ?? [])),
    },
    cost: toWire(
      facts.jobs.reduce((sum, { costMicros }) => sum + costMicros, 0n),
      facts.currency,
    ),
    steps: facts.records.map(({ seq, at, actor, role, action, data }) => ({
      seq,
      at: at.toISOString(),
      actor,
      role,
      action,
      data,
    })),
    findings,
    notExercised: notExercised(facts, jobs, directions),
    nextDueAt: textOf(facts.nextDueAt),
  };
}

const textOf = (at: Date | null): string | null => at?.toISOString() ?? null;
