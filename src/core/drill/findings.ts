import type { Direction } from './direction.ts';
import { takesHold } from './drill.ts';
import type { JobResult } from './judge.ts';
import type { DrillFacts } from './report.ts';

/** What a reader has to act on. */
export const FINDINGS = [
  'not-finished',
  'not-recovered',
  'target-missed',
  'data-damaged',
  'no-target',
  'same-person',
  'same-vendor',
  'near-site',
  'several-attempts',
  'not-returned',
  'overdue',
  'nothing-moved',
] as const;
export type FindingCode = (typeof FINDINGS)[number];
export interface Finding {
  readonly code: FindingCode;
  /** For people, with names and numbers. */
  readonly detail: string;
}

/** What the drill says nothing about. */
export const NOT_EXERCISED = [
  'real-move',
  'tenant-jobs',
  'detection',
  'machine-loss',
  'services',
  'gpu',
  'other-pairs',
  'network-cutover',
  'checkpoint-store',
  'failback',
] as const;
export type NotExercised = (typeof NOT_EXERCISED)[number];

/** Sites that are nearer share too much: one fire, one flood, one power station. Kilometres. */
export const NEAR_KM = 30;

export function findingsOf(
  facts: DrillFacts,
  jobs: readonly JobResult[],
  directions: readonly Direction[],
): Finding[] {
  return [
    ...ofCourse(facts),
    ...jobs.flatMap((job) => [...ofJob(job)]),
    ...directions.flatMap((one) => [...ofDirection(one)]),
    ...ofAll(facts, jobs),
  ];
}

/** Of how it was held. */
function* ofCourse(facts: DrillFacts) {
  const { spec, endsAs, reason, createdBy, confirmedBy, dueAt, startedAt, unreturned } = facts;
  for (const name of unreturned)
    yield finding('not-returned', `${name} was not heard again when it was cut off no more.`);
  if (endsAs !== 'passed')
    yield finding('not-finished', `It was ${endsAs}${reason === null ? '' : `: ${reason}`}.`);
  if (spec.mode === 'full' && confirmedBy !== null && confirmedBy.id === createdBy.id)
    yield finding('same-person', `${createdBy.id} planned it and confirmed it: nobody else looked.`);
  if (dueAt !== null && startedAt !== null && startedAt.getTime() - dueAt.getTime() > 86_400_000)
    yield finding('overdue', `It was due at ${dueAt.toISOString()}.`);
}

function* ofJob(job: JobResult) {
  const { jobId, result, rto, rpo, data, attempts } = job;
  if (result === 'not-recovered' || result === 'failed')
    yield finding('not-recovered', `${jobId} did not go on elsewhere (${result}).`);
  if (result === 'recovered' && rto.met === false)
    yield finding('target-missed', `${jobId}: RTO ${rto.fromFaultSeconds} s, target ${rto.targetSeconds} s.`);
  if (result === 'recovered' && rpo.met === false)
    yield finding('target-missed', `${jobId}: RPO ${rpo.achievedSeconds} s, target ${rpo.targetSeconds} s.`);
  if (data !== null && !data.intact)
    yield finding('data-damaged', `${jobId}: saved ${data.savedCounter}, restored ${data.restoredCounter}.`);
  if (attempts > 1) yield finding('several-attempts', `${jobId} needed ${attempts} attempts to run again.`);
}

function* ofDirection({ from, to, fromVendor, toVendor, km }: Direction) {
  if (fromVendor === toVendor) yield finding('same-vendor', `${from} and ${to} are both of ${toVendor}.`);
  if (km < NEAR_KM) yield finding('near-site', `${from} and ${to} are ${km} km apart.`);
}

function* ofAll({ spec }: DrillFacts, jobs: readonly JobResult[]) {
  const moving = takesHold(spec) && spec.scenario.kind !== 'degradation';
  if (moving && !jobs.some(({ result }) => result === 'recovered'))
    yield finding('nothing-moved', 'No job went on elsewhere, so nothing is proved.');
  if (moving && jobs.every(({ rto, rpo }) => rto.targetSeconds === null && rpo.targetSeconds === null))
    yield finding('no-target', 'There was no RTO and no RPO to hold it against.');
}

const finding = (code: FindingCode, detail: string): Finding => ({ code, detail });

export function notExercised(
  { spec, providers, cuts }: DrillFacts,
  jobs: readonly JobResult[],
  directions: readonly Direction[],
): NotExercised[] {
  const moved = jobs.filter(({ result }) => result === 'recovered');
  const is: Readonly<Record<NotExercised, boolean>> = {
    'real-move': spec.mode === 'simulation' || moved.length === 0,
    'tenant-jobs': !moved.some(({ canary }) => !canary),
    // Only where a whole provider fell silent was it the health pass that noticed.
    detection: !cuts.some(({ allocationId }) => allocationId === null),
    'machine-loss': true,
    services: !moved.some(({ kind }) => kind === 'inference'),
    gpu: !moved.some(({ obtained }) => obtained.some(({ gpuModel }) => gpuModel !== null)),
    'other-pairs': directions.length < 2 && providers.length > 2,
    'network-cutover': true,
    'checkpoint-store': true,
    failback: true,
  };
  return NOT_EXERCISED.filter((code) => is[code]);
}
