import type { AllocationFacts, JobFacts, OfferState, ProviderFacts, Snapshot } from './facts.ts';
import { CLOSED, closedPlanes } from './parts.ts';
import { brokenPrice, brokenRules, drawOf, kilometresApart, separationOf } from './oracle.ts';

/** What is wrong with a placement that was just written, in the world that it was written into. Empty: nothing. */
export function brokenPlacement(one: AllocationFacts, now: Snapshot): string[] {
  const job = now.jobs.get(one.job);
  const offer = now.offers.get(`${one.provider}/${one.offer}`);
  const provider = now.providers.get(one.provider);
  if (job === undefined || offer === undefined || provider === undefined) return [`${one.id} is of nothing`];
  if (one.tookOver !== null) return unlikeStandby(one, now);
  const words = [
    ...brokenRules(job, offer, provider, now.law, one.placedMs),
    ...brokenPrice(job, saleOf(one, offer), now.law, one.placedMs),
    ...tooNear(job, one, now),
    ...notApart(job, one, now),
  ];
  return [
    ...(words.length > 0 ? [`${one.id} of ${one.job} at ${one.provider} breaks ${words.join(', ')}`] : []),
    ...ofProvider(one, provider),
    ...closedPlanes(one, now).map(
      (plane) => `${one.id} was placed at ${one.provider} in a sick part: ${plane}`,
    ),
    ...ofOffer(one, job, offer),
  ];
}

const saleOf = (one: AllocationFacts, { gpuModel }: OfferState) => ({
  provider: one.provider,
  offer: one.offer,
  spot: one.spot,
  listMicros: BigInt(one.listMicros) / BigInt(one.nodes),
  currency: one.currency,
  gpuModel,
});

function ofProvider({ id, provider }: AllocationFacts, { mode, health, control }: ProviderFacts): string[] {
  const well = health === 'healthy' && !CLOSED.includes(control);
  if (mode === 'active' && well) return [];
  return [`${id} was placed at ${provider}, which is ${mode}, ${health} and ${control}`];
}

function ofOffer(one: AllocationFacts, job: JobFacts, offer: OfferState): string[] {
  const draw = offer.pool === null ? [0, 0, 0] : drawOf(job, offer);
  const right = one.pool === offer.pool && draw.every((amount, index) => amount === one.draw[index]);
  return [
    ...(offer.withdrawn ? [`${one.id} was placed on a withdrawn offer`] : []),
    ...(right
      ? []
      : [`${one.id} draws ${one.draw.join('/')} on ${one.pool}, not ${draw.join('/')} on ${offer.pool}`]),
  ];
}

/** Clocks of replicas differ, and the verdict is written some time after it is made. */
const SLACK_MS = 100;

/** Of the places that lost it: those that it still avoids and that were not well when it was decided, nor are now. */
function tooNear(job: JobFacts, one: AllocationFacts, { providers, law }: Snapshot): string[] {
  const apart = separationOf(job, law);
  const here = providers.get(one.provider);
  if (apart === 0 || here === undefined) return [];
  const lost = [...providers.values()].filter(
    ({ name, health, healthSinceMs }) =>
      health !== 'healthy' &&
      healthSinceMs < one.placedMs - SLACK_MS &&
      Date.parse(job.avoid[name] ?? '') > one.placedMs,
  );
  return lost
    .filter(({ site }) => kilometresApart(site, here.site) < apart)
    .map(({ name }) => `the separation of ${apart} km from ${name}`);
}

/** What took over where it stood by is there still, at the price of then: the market is not asked again. */
function unlikeStandby(one: AllocationFacts, { allocations }: Snapshot): string[] {
  const standby = allocations.get(one.tookOver ?? '');
  if (standby?.role !== 'standby' || standby.job !== one.job)
    return [`${one.id} took over what never stood by for it`];
  if (standby.state !== 'released') return [`${one.id} took over ${standby.id}, which is ${standby.state}`];
  const place = ({ provider, offer, priceMicros, pool, draw }: AllocationFacts) =>
    [provider, offer, priceMicros, pool, ...draw].join('/');
  return place(standby) === place(one)
    ? []
    : [`${one.id} is at ${place(one)} and stood by at ${place(standby)}`];
}

const LIVE: readonly string[] = ['submitting', 'active'];

/** The rest of the job is another vendor's (each has one place here) and far enough away; and a drill proved the way. */
function notApart(job: JobFacts, one: AllocationFacts, now: Snapshot): string[] {
  const rest = [...now.allocations.values()].filter(
    (other) => other.job === one.job && other.id !== one.id && LIVE.includes(other.state),
  );
  const here = now.providers.get(one.provider);
  const apart = separationOf(job, now.law);
  const near = rest.filter(({ provider }) => {
    const there = now.providers.get(provider);
    if (provider === one.provider || here === undefined || there === undefined) return true;
    return apart > 0 && kilometresApart(here.site, there.site) < apart;
  });
  return near.map(({ id, provider }) => `the separation from the rest of it, ${id} at ${provider}`);
}

/** Only ordinary work makes room, and only where its rules allowed that (a moment ago, as they may just have changed). */
export function wronglyPreempted(
  { id }: AllocationFacts,
  job: JobFacts | undefined,
  moments: readonly Snapshot[],
): string[] {
  if (job === undefined || job.spares > 0) return [`${id} made room, and its job must not stop`];
  const allowed = moments.some(({ law }) => {
    const own = law.projects.get(job.project)?.preemptible ?? null;
    return own ?? law.organizations.get(job.organization)?.preemptible ?? false;
  });
  return allowed ? [] : [`${id} made room, and the rules of ${job.project} do not allow it`];
}
