import type { Api, Allocation, Decision, Job, Money, Page } from './api.ts';
import { objections } from './ledger.ts';
import type { Blow } from './loss.ts';
import { digestOf, EPOCHS } from './model.ts';
import { referenceOf } from './probe.ts';
import { recoveryOf, type Recovery } from './recovery.ts';
import { SERVICE, TRAINING } from './story.ts';
import type { Picture } from './watch.ts';

/** What became of one run: all that the report shows and that `--json` prints. Milliseconds, RFC 3339 in UTC. */
export interface Outcome {
  readonly ok: boolean;
  readonly tookMs: number;
  readonly lost: { readonly provider: string; readonly at: string; readonly processes: number };
  readonly jobs: readonly JobOutcome[];
  readonly service: { readonly rightBefore: number; readonly rightAfter: number; readonly wrong: number };
  readonly training: { readonly accuracy: number | null; readonly sameAsUninterrupted: boolean };
  /** Why it is not ok; empty where it is. */
  readonly objections: readonly string[];
  readonly totalCost: Money;
}

export interface JobOutcome {
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly attempts: readonly AttemptOutcome[];
  readonly cost: Money;
  readonly recovery: Recovery | null;
}

export interface AttemptOutcome {
  readonly provider: string;
  readonly offer: string;
  readonly pricePerHour: Money;
  readonly endReason: string | null;
  readonly cost: Money;
  readonly why: Why;
}

/** From the service's own explanation of the placement. */
export interface Why {
  readonly objective: string;
  /** The next best that was free, if there was any. */
  readonly insteadOf: { readonly provider: string; readonly pricePerHour: Money } | null;
  /** One example a rule. */
  readonly removed: readonly {
    readonly rule: string;
    readonly offers: number;
    readonly provider: string;
    readonly detail: string;
  }[];
}

export async function collect(api: Api, picture: Picture, blow: Blow, tookMs: number): Promise<Outcome> {
  const { jobs, ledger, probes } = picture;
  const outcomes = await Promise.all([...jobs.values()].map((job) => outcomeOf(api, job, picture, blow)));
  const service = {
    rightBefore: probes.filter(({ right, atMs }) => right && atMs < blow.atMs).length,
    rightAfter: probes.filter(({ right, attempt }) => right && (attempt ?? 0) > 1).length,
    wrong: probes.filter(({ wrong }) => wrong).length,
  };
  const end = ledger.find(({ name, what }) => name === TRAINING && what === 'end');
  const training = {
    accuracy: end?.accuracy ?? null,
    sameAsUninterrupted: end?.digest === digestOf(referenceOf(EPOCHS)),
  };
  const found = [...complaints(outcomes, service, training), ...objections(ledger, expectedEnds(picture))];
  return {
    ok: found.length === 0,
    tookMs,
    lost: { provider: blow.provider, at: new Date(blow.atMs).toISOString(), processes: blow.processes },
    jobs: outcomes,
    service,
    training,
    objections: found,
    totalCost: sum(outcomes.map(({ cost }) => cost)),
  };
}

function expectedEnds({ jobs }: Picture): { name: string; end: 'end' | 'stopped' }[] {
  return [...jobs.keys()].map((name) => ({ name, end: name === SERVICE ? 'stopped' : 'end' }));
}

function complaints(
  jobs: readonly JobOutcome[],
  service: Outcome['service'],
  training: Outcome['training'],
): string[] {
  const found = jobs
    .filter(({ name, state }) => state !== (name === SERVICE ? 'cancelled' : 'succeeded'))
    .map(({ name, state }) => `${name} ended as ${state}`);
  for (const { name, recovery } of jobs)
    if (recovery?.rtoMs === null) found.push(`${name} was not seen to run again`);
  if (service.rightBefore === 0) found.push('the service job never answered rightly before the loss');
  if (service.rightAfter === 0) found.push('the service job never answered rightly after the loss');
  if (service.wrong > 0) found.push(`the service job answered wrongly ${service.wrong} times`);
  if (!training.sameAsUninterrupted)
    found.push('the training did not end with the weights of an uninterrupted one');
  return found;
}

async function outcomeOf(api: Api, job: Job, picture: Picture, blow: Blow): Promise<JobOutcome> {
  const [allocations, decisions] = await Promise.all([
    api.get<Page<Allocation>>(`/v1/jobs/${job.id}/allocations`),
    api.get<Page<Decision>>(`/v1/jobs/${job.id}/decisions`),
  ]);
  const attempts = allocations.items.toSorted((a, b) => a.attempt - b.attempt);
  const carried = blow.carried.includes(job.name);
  return {
    name: job.name,
    kind: job.kind,
    state: job.state,
    attempts: attempts.map((one) => ({
      provider: one.provider,
      offer: one.offer,
      pricePerHour: one.pricePerHour,
      endReason: one.endReason,
      cost: one.cost,
      why: whyOf(decisions.items.find(({ allocationId }) => allocationId === one.id)),
    })),
    cost: job.cost.charged,
    recovery: carried ? recoveryOf(job, attempts, picture, blow) : null,
  };
}

function whyOf(decision: Decision | undefined): Why {
  const second = decision?.candidates.find(({ provider }) => provider !== decision.candidates[0]?.provider);
  return {
    objective: decision?.objective ?? 'unknown',
    insteadOf: second ? { provider: second.provider, pricePerHour: second.pricePerHour } : null,
    removed: (decision?.removed ?? []).map(({ rule, offers, examples }) => {
      // What is most like the place that was taken tells the most.
      const like = examples.find(({ offer }) => offer === decision?.candidates[0]?.offer) ?? examples[0];
      return { rule, offers, provider: like?.provider ?? '', detail: like?.detail ?? '' };
    }),
  };
}

function sum(costs: readonly Money[]): Money {
  const total = costs.reduce((all, { amount }) => all + Number(amount), 0);
  return { amount: total.toFixed(2).replace(/\.?0+$/, ''), currency: costs[0]?.currency ?? 'KRW' };
}
