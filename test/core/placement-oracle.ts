import { acceptedGpus } from '../../src/core/gpu.ts';
import type { Objective } from '../../src/core/job.ts';
import { parseMicros } from '../../src/core/money.ts';
import type { PlacementOffer, PlacementSnapshot, QueuedJob } from '../../src/core/placement/types.ts';

/** The rules once more, as plainly as they can be said and sharing nothing with the code under test but names of GPUs. */
export interface Choice {
  readonly offer: PlacementOffer;
  readonly spot: boolean;
}

export const keyOf = ({ provider, name }: { provider: string; name: string }) => `${provider}/${name}`;

export function rateOf(world: PlacementSnapshot, currency: string): bigint | undefined {
  return currency === world.currency ? 1_000_000n : world.rates.get(currency);
}

export function listPrice({ offer, spot }: Choice): bigint | null {
  return spot ? offer.spotPriceMicrosPerHour : offer.priceMicrosPerHour;
}

export function accountingPrice(world: PlacementSnapshot, choice: Choice): bigint {
  const product = (listPrice(choice) ?? 0n) * (rateOf(world, choice.offer.currency) ?? 0n);
  const rest = product % 1_000_000n;
  return product / 1_000_000n + (rest * 2n >= 1_000_000n ? 1n : 0n);
}

/** Every way to buy an offer that this job could live with, capacity aside. */
export function choices(world: PlacementSnapshot, job: QueuedJob): Choice[] {
  const ways = world.offers.flatMap((offer) => [
    { offer, spot: false },
    { offer, spot: true },
  ]);
  return ways.filter(
    (choice) => matches(world, job, choice) && usable(world, job, choice) && healthy(world, choice),
  );
}

/** What only the job or the offer could change. */
export function matches(world: PlacementSnapshot, job: QueuedJob, choice: Choice): boolean {
  const { offer, spot } = choice;
  const { resources, placement } = job.spec;
  const provider = world.providers.find(({ name }) => name === offer.provider);
  const listed = ({ allow, deny }: { allow: readonly string[]; deny: readonly string[] }, name: string) =>
    (allow.length === 0 || allow.includes(name)) && !deny.includes(name);
  if (!provider || offer.withdrawnAt || (offer.effectiveFrom && offer.effectiveFrom > world.now))
    return false;
  if (resources.nodes !== 1) return false;
  if (resources.gpu.count > 0) {
    const { count, models, minMemoryGiB } = resources.gpu;
    if (offer.gpuModel === null || offer.gpuCount < count || offer.gpuMemoryGiB < minMemoryGiB) return false;
    const accepted = models.flatMap((model) => acceptedGpus(model).models);
    if (models.length > 0 && !accepted.includes(offer.gpuModel)) return false;
  }
  if (offer.cpus < resources.cpus || offer.memoryGiB < resources.memoryGiB) return false;
  if (!listed(placement.providers, provider.name) || !listed(placement.regions, offer.region)) return false;
  const { countries } = placement;
  if (countries.length > 0 && !countries.some((code) => code.toUpperCase() === provider.site.country))
    return false;
  if (placement.spot === (spot ? 'never' : 'only') || listPrice(choice) === null) return false;
  return withinCeiling(world, job, choice);
}

/** True too where it cannot be known, for want of a rate. */
function withinCeiling(world: PlacementSnapshot, job: QueuedJob, choice: Choice): boolean {
  const limit = job.spec.placement.maxPricePerHour;
  const rate = rateOf(world, choice.offer.currency);
  const limitRate = limit && rateOf(world, limit.currency);
  if (!limit || rate === undefined || !limitRate) return true;
  return (listPrice(choice) ?? 0n) * rate <= parseMicros(limit.amount) * limitRate;
}

export function usable(world: PlacementSnapshot, job: QueuedJob, { offer }: Choice): boolean {
  const limit = job.spec.placement.maxPricePerHour;
  return (
    rateOf(world, offer.currency) !== undefined && (!limit || rateOf(world, limit.currency) !== undefined)
  );
}

export function healthy(world: PlacementSnapshot, { offer }: Choice): boolean {
  const provider = world.providers.find(({ name }) => name === offer.provider);
  return provider?.health === 'healthy' && provider.mode === 'active';
}

/** 0: a move's target, 1: any other, 2: avoided. */
export function tierOf(world: PlacementSnapshot, job: QueuedJob, { offer }: Choice): number {
  if (offer.provider === job.moveTo) return 0;
  const until = job.avoid[offer.provider];
  return until !== undefined && new Date(until) > world.now ? 2 : 1;
}

/** The documented formula, in floating point. */
export function scoreOf(
  world: PlacementSnapshot,
  objective: Objective,
  choice: Choice,
  free: number,
  cheapest: bigint,
): number {
  const provider = world.providers.find(({ name }) => name === choice.offer.provider);
  const price = accountingPrice(world, choice);
  const age = (world.now.getTime() - (provider?.healthSince.getTime() ?? 0)) / 1000;
  const part = {
    price: price === 0n ? 1 : Number(cheapest) / Number(price),
    room: free / (choice.offer.capacity + 1),
    steady: age < 60 ? 0 : age < 600 ? 0.5 : 1,
    accepting: 1 / (1 + (provider?.recentRefusals ?? 0)),
    onDemand: choice.spot ? 0 : 1,
  };
  const available = 0.6 * part.room + 0.15 * part.steady + 0.15 * part.accepting + 0.1 * part.onDemand;
  return { cheapest: part.price, available, balanced: 0.5 * part.price + 0.5 * available }[objective];
}
