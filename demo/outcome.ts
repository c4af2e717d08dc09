import type { Blow } from './acts.ts';
import type { Allocation, Api, Decision, Job, Money, Page } from './api.ts';
import { objections, type Line } from './ledger.ts';
import { EPOCHS } from './model.ts';
import { referenceOf } from './probe.ts';
import { digestOf } from './model.ts';
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
  readonly removed: readonly { readonly rule: string; readonly offers: number; readonly example: string }[];
}

/** After the blow; every `…Ms` counted from it. */
export interface Recovery {
  /** The service gave the old attempt up. */
  readonly lostMs: number | null;
  /** The new place was decided. */
  readonly decidedMs: number | null;
  /** The service saw the new attempt run. */
  readonly runningMs: number | null;
  /** RTO: by the job's own word in the ledger, or by the first right answer over HTTP. */
  readonly rtoMs: number | null;
  readonly to: string | null;
  /** For a person: what it went on from. */
  readonly from: string;
  /** RPO: how old what it went on from was at the blow; all of its work where there was nothing. Null: it has none to lose. */
  readonly rpoMs: number | null;
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
    removed: (decision?.removed ?? []).map(({ rule, offers, examples }) => ({
      rule,
      offers,
      example: examples[0] ? `${examples[0].provider} ${examples[0].detail}` : '',
    })),
  };
}

function recoveryOf(job: Job, attempts: readonly Allocation[], picture: Picture, blow: Blow): Recovery {
  const old = attempts.findLast(({ placedAt }) => Date.parse(placedAt) <= blow.atMs);
  const next = attempts.find(({ placedAt }) => Date.parse(placedAt) > blow.atMs);
  const since = (time: string | null | undefined) => (time == null ? null : Date.parse(time) - blow.atMs);
  const own = picture.ledger.filter(({ name }) => name === job.name);
  const restart = own.find(({ what, atMs }) => what === 'start' && atMs > blow.atMs);
  const again =
    job.name === SERVICE
      ? picture.probes.find(({ right, attempt }) => right && attempt === next?.attempt)?.atMs
      : restart?.atMs;
  return {
    lostMs: since(old?.releasingAt ?? old?.releasedAt),
    decidedMs: since(next?.placedAt),
    runningMs: since(next?.startedAt),
    rtoMs: again === undefined ? null : again - blow.atMs,
    to: next?.provider ?? null,
    ...lossOf(job, own, restart, blow),
  };
}

function lossOf(
  { name }: Job,
  own: readonly Line[],
  restart: Line | undefined,
  { atMs }: Blow,
): { from: string; rpoMs: number | null } {
  const before = own.filter((line) => line.atMs <= atMs);
  if (name === SERVICE) return { from: `the model of epoch ${restart?.epoch ?? '?'}`, rpoMs: null };
  if (name !== TRAINING)
    return { from: 'its beginning: it keeps no checkpoint', rpoMs: atMs - (before[0]?.atMs ?? atMs) };
  const done = before.findLast(({ what }) => what === 'epoch')?.epoch ?? 0;
  const written = before.find(({ what, epoch }) => what === 'epoch' && epoch === restart?.epoch);
  const from = `the checkpoint of epoch ${restart?.epoch ?? '?'} (${done} were done)`;
  return { from, rpoMs: atMs - (written?.atMs ?? before[0]?.atMs ?? atMs) };
}

function sum(costs: readonly Money[]): Money {
  const total = costs.reduce((all, { amount }) => all + Number(amount), 0);
  return { amount: total.toFixed(2).replace(/\.?0+$/, ''), currency: costs[0]?.currency ?? 'KRW' };
}
