import { speaksAgainstProvider, meaningOf } from './gpu-faults.ts';
import { ANY, type Plane, type Sample, type Scope } from './scope.ts';

/** What became of one allocation, as far as it says something about where it was. */
export interface WorkFact extends Scope {
  readonly allocationId: string;
  readonly jobId: string;
  readonly project: string;
  readonly provider: string;
  /**
   * `failed`: it ended before it ran. `overdue`: it should have started by now. `started`, `running`: it did, and still
   * does. `lost`: it ran, and nobody can say how it ended.
   */
  readonly what: 'failed' | 'overdue' | 'started' | 'lost' | 'running';
  readonly at: Date;
  readonly detail: string;
}

/** A GPU fault as it is stored. */
export interface GpuFaultFact {
  readonly provider: string;
  readonly at: Date;
  readonly device: string;
  readonly gpuIndex: number | null;
  /** Canonical; null: not known. */
  readonly gpuModel: string | null;
  readonly xid: number;
  readonly text: string;
}

/** What speaks for or against one scope. */
export interface Judged {
  readonly provider: string;
  readonly scope: Scope;
  readonly plane: Plane;
  readonly samples: readonly Sample[];
}

const PLANE_OF: Readonly<Record<WorkFact['what'], Plane>> = {
  failed: 'control',
  overdue: 'control',
  started: 'control',
  lost: 'data',
  running: 'data',
};

/** By region and model. A job that is refused at one provider after the other (a bad image) says nothing about any. */
export function workSamples(facts: readonly WorkFact[]): Judged[] {
  const hopeless = refusedEverywhere(facts);
  const telling = facts.filter(({ what, jobId }) => what !== 'failed' || !hopeless.has(jobId));
  const scopes = Map.groupBy(telling, ({ provider, region, gpuModel, what }) =>
    [provider, region, gpuModel, PLANE_OF[what]].join('\n'),
  );
  return [...scopes.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { provider, region, gpuModel, what } = first;
    return [{ provider, scope: { region, gpuModel }, plane: PLANE_OF[what], samples: own.map(sampleOf) }];
  });
}

function refusedEverywhere(facts: readonly WorkFact[]): ReadonlySet<string> {
  const failed = Map.groupBy(
    facts.filter(({ what }) => what === 'failed'),
    ({ jobId }) => jobId,
  );
  const many = [...failed].filter(([, own]) => new Set(own.map(({ provider }) => provider)).size > 1);
  return new Set(many.map(([jobId]) => jobId));
}

function sampleOf({ what, at, allocationId, project, detail }: WorkFact): Sample {
  const kind = PLANE_OF[what] === 'control' ? 'launch' : 'loss';
  const good = what === 'started' || what === 'running';
  return { kind, at, good, allocationId, project, proves: null, detail: `${what}: ${detail}` };
}

/** The one fault after which nothing of a device can be reached. */
const OFF_THE_BUS = 79;

/**
 * What GPU faults say of a model at a provider, wherever it is: one that kills work degrades it, and when all its devices
 * have fallen off the bus it is down. Faults of applications say nothing.
 *
 * @param devices by provider, then by canonical model: how many there are
 */
export function gpuSamples(
  faults: readonly GpuFaultFact[],
  devices: ReadonlyMap<string, ReadonlyMap<string, number>>,
): Judged[] {
  const telling = faults.filter(({ xid }) => speaksAgainstProvider(xid));
  const models = Map.groupBy(telling, ({ provider, gpuModel }) => `${provider}\n${gpuModel ?? ANY}`);
  return [...models.values()].flatMap((own): Judged[] => {
    const [first] = own;
    if (first === undefined) return [];
    const { provider, gpuModel } = first;
    const there = devices.get(provider);
    const all = gpuModel === null ? sum(there) : (there?.get(gpuModel) ?? 0);
    const gone = new Set(own.filter(({ xid }) => xid === OFF_THE_BUS).map(({ device }) => device)).size;
    const proves = all > 0 && gone >= all ? 'down' : 'degraded';
    const scope = { region: ANY, gpuModel: gpuModel ?? ANY };
    return [{ provider, scope, plane: 'data', samples: own.map((fault) => gpuSample(fault, proves)) }];
  });
}

function gpuSample(fault: GpuFaultFact, proves: 'degraded' | 'down'): Sample {
  const which = fault.gpuIndex === null ? fault.device : `GPU ${fault.gpuIndex} (${fault.device})`;
  const detail = `XID ${fault.xid} on ${which}: ${meaningOf(fault.xid).meaning}`;
  return { kind: 'gpu-fault', at: fault.at, good: false, allocationId: null, project: null, proves, detail };
}

function sum(counts: ReadonlyMap<string, number> | undefined): number {
  return [...(counts?.values() ?? [])].reduce((total, n) => total + n, 0);
}
