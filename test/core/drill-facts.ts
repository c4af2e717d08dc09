import type { DrillSpec } from '../../src/core/drill/drill.ts';
import type { DrilledJob, DrillFacts, DrillProvider } from '../../src/core/drill/report.ts';
import type { Move } from '../../src/core/moves.ts';

export const NOW = new Date('2026-11-22T10:00:00.000Z');
export const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

export function drillSpec(more: Partial<DrillSpec> = {}): DrillSpec {
  return {
    scenario: { kind: 'provider-outage', provider: 'pangyo' },
    mode: 'parallel',
    jobs: null,
    rtoSeconds: 60,
    rpoSeconds: 30,
    limits: { maxJobs: null, maxCost: null, abortAfterSeconds: 600 },
    validDays: 180,
    everyDays: null,
    note: null,
    ...more,
  };
}

export function drillProvider(name: string, more: Partial<DrillProvider> = {}): DrillProvider {
  const north = name === 'gwangju' ? 35.16 : 37.39;
  return {
    name,
    vendor: name,
    site: { city: name, country: 'KR', region: 'kr', latitude: north, longitude: 127.1 },
    brokerKind: 'agent',
    agentVersion: '1.4.0',
    ...more,
  };
}

/** Lost at 10 s, given up at 15 s, running again at 18.4 s with a checkpoint of 6 s. */
export function drillMove(more: Partial<Move> = {}): Move {
  const place = { region: 'kr', offer: 'h100x1' };
  const none = { targetSeconds: null, met: null };
  return {
    from: { ...place, provider: 'pangyo', allocationId: 'alc-1', attempt: 1 },
    to: { ...place, provider: 'gwangju', allocationId: 'alc-2' },
    attempts: 1,
    cause: 'provider-down',
    detail: null,
    faultAt: at(10),
    suspectedAt: null,
    downAt: at(15),
    fencedAt: at(16.5),
    decidedAt: at(16.8),
    startedAt: at(18.4),
    servingAt: null,
    checkpoint: { id: 'chk-1', savedAt: at(6), ageSeconds: 4 },
    rto: { ...none, achievedSeconds: 8.4 },
    rpo: { ...none, achievedSeconds: 4 },
    ...more,
  };
}

export function drilledJob(more: Partial<DrilledJob> = {}): DrilledJob {
  return {
    jobId: 'job-1',
    canary: true,
    kind: 'training',
    mode: 'restart',
    rtoSeconds: null,
    rpoSeconds: null,
    state: 'cancelled',
    provider: 'pangyo',
    cutAllocationId: 'alc-1',
    move: drillMove(),
    obtained: [
      {
        allocationId: 'alc-2',
        provider: 'gwangju',
        offer: 'h100x1',
        gpuModel: 'H100',
        gpuCount: 1,
        secondsToReady: 1.6,
      },
    ],
    costMicros: 1_500_000n,
    checked: {
      checkpointId: 'chk-1',
      sha256: 'ab',
      sha256Again: 'ab',
      counterAtFault: 9,
      savedCounter: 4,
      restoredCounter: 4,
    },
    ...more,
  };
}

export function drillFacts(more: Partial<DrillFacts> = {}): DrillFacts {
  return {
    id: 'drl-1',
    spec: drillSpec(),
    struck: ['pangyo'],
    plan: null,
    createdBy: { id: 'key-1', role: 'operator' },
    confirmedBy: null,
    createdAt: NOW,
    dueAt: null,
    startedAt: at(0.5),
    restoredAt: at(19),
    endsAs: 'passed',
    reason: null,
    providers: [drillProvider('gwangju'), drillProvider('pangyo')],
    cuts: [
      { provider: 'pangyo', allocationId: 'alc-1', fromAt: at(10), untilAt: at(19), declaredAt: at(15) },
    ],
    jobs: [drilledJob()],
    unreturned: [],
    records: [],
    nextDueAt: null,
    currency: 'KRW',
    ...more,
  };
}
