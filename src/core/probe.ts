import type { Fault } from './fault.ts';
import { ANY, type Plane, type Sample, type Scope } from './scope.ts';
import type { Timing } from './timing.ts';

/** The verbs of a broker that is called; each answer to one is a sample of how its provider is. */
export const BROKER_VERBS = ['list', 'renew', 'submit', 'stop'] as const;
export type BrokerVerb = (typeof BROKER_VERBS)[number];

/** What a verb that fails speaks of. `stop` and `renew` are about work that runs, as is looking at it. */
export const PLANE_OF_VERB: Readonly<Record<BrokerVerb, Plane>> = {
  list: 'data',
  renew: 'data',
  stop: 'data',
  submit: 'control',
};

/** How one verb has fared lately. */
export interface Probe {
  readonly verb: BrokerVerb;
  /** In a row. */
  readonly failures: number;
  readonly failedAt: Date;
  readonly fault: Fault;
  readonly detail: string;
  /** First answer after the last failure; null: none yet. */
  readonly answeredAt: Date | null;
}

/** A clear answer: a no to one order is the order's affair, and `no_capacity` is no sickness. */
export function isAnswer(fault: Fault): boolean {
  return fault === 'rejected' || fault === 'no_capacity';
}

export const WHOLE: Scope = { region: ANY, gpuModel: ANY };

/**
 * What the probes of one provider say of its control plane. Those of its data plane are its contact: an unanswered `list`
 * is a silence, and judged as one.
 */
export function probeSamples(probes: readonly Probe[], timing: Pick<Timing, 'verbFailures'>): Sample[] {
  return probes
    .filter(({ verb }) => PLANE_OF_VERB[verb] === 'control')
    .flatMap((probe): Sample[] => {
      const { verb, failures, failedAt, fault, detail, answeredAt } = probe;
      const common = { kind: 'verb', allocationId: null, project: null } as const;
      if (answeredAt !== null && answeredAt >= failedAt)
        return [{ ...common, at: answeredAt, good: true, proves: null, detail: `${verb} was answered` }];
      if (failures < timing.verbFailures) return [];
      const said = `${verb} failed ${failures} times in a row (${fault}): ${detail}`;
      const proves = fault === 'throttled' ? 'degraded' : 'down';
      return [{ ...common, at: failedAt, good: false, proves, detail: said }];
    });
}
