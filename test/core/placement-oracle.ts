import { acceptedGpus, canonicalGpu } from '../../src/core/gpu.ts';
import { parseMicros, type WireMoney } from '../../src/core/money.ts';
import type {
  PlacementOffer,
  PlacementProvider,
  PlacementSnapshot,
  QueuedJob,
} from '../../src/core/placement/types.ts';
import type { DataGrade } from '../../src/core/policy.ts';
import type { Site } from '../../src/core/provider.ts';
import type { HeldPrice } from '../../src/core/quote.ts';
import type { CertificationNeed, PlacementRules } from '../../src/core/rules.ts';

/**
 * The rules of placement once more, offer by offer and as plainly as they can be said, sharing nothing with the code
 * under test but the names of GPUs.
 */
export interface Choice {
  readonly offer: PlacementOffer;
  readonly spot: boolean;
}

export const keyOf = ({ provider, name }: { provider: string; name: string }) => `${provider}/${name}`;

/** Every way to buy an offer that this job could live with, capacity aside. */
export function choices(world: PlacementSnapshot, job: QueuedJob): Choice[] {
  return world.offers
    .filter((offer) => wrongs(world, job, offer).length === 0)
    .flatMap((offer) =>
      waysToBuy(world, job, offer).filter((way) => priceWrongs(world, job, way).length === 0),
    );
}

/** What is wrong with an offer for a job, by the names of RULES; capacity aside. */
export function wrongs(world: PlacementSnapshot, job: QueuedJob, offer: PlacementOffer): string[] {
  const provider = providerOf(world, offer);
  return [
    ...shapeWrongs(world, job, offer),
    ...placeWrongs(world, job, offer, provider),
    ...(job.spec.resources.nodes > 1 && offer.capacity < job.spec.resources.nodes ? ['places'] : []),
    ...(outgrowsPool(world, job, offer) ? ['pool'] : []),
    ...saleWrongs(world, job, offer),
    ...(offer.effectiveFrom && offer.effectiveFrom > world.now ? ['not-yet-effective'] : []),
    ...(needsRuntime(world, job) ? ['job-price'] : []),
    ...(limits(world, job).some(({ currency }) => rateOf(world, currency) === undefined) ? ['no-rate'] : []),
    ...(provider.mode === 'draining' ? ['draining'] : []),
    ...(provider.health === 'healthy' ? [] : ['health']),
  ];
}

export function providerOf(world: PlacementSnapshot, offer: PlacementOffer): PlacementProvider {
  const provider = world.providers.find(({ name }) => name === offer.provider);
  if (!provider) throw new Error(`no provider ${offer.provider}`);
  return provider;
}

export function levelsOf(world: PlacementSnapshot, job: QueuedJob): PlacementRules[] {
  const above = [world.rules.organizations.get(job.organization), world.rules.projects.get(job.project)];
  return [...above.filter((rules) => rules !== undefined), job.spec.placement];
}

// ---- GPUs ---------------------------------------------------------------------------------------------------------

function shapeWrongs(world: PlacementSnapshot, job: QueuedJob, offer: PlacementOffer): string[] {
  const { gpu, cpus, memoryGiB } = job.spec.resources;
  const found: string[] = [];
  if (gpu.count > 0) {
    if (offer.gpuCount < gpu.count) found.push('gpu-count');
    if (!acceptsGpu(world, job, offer)) found.push('gpu-model');
    if (offer.gpuMemoryGiB < gpu.minMemoryGiB) found.push('gpu-memory');
  }
  if (offer.cpus < cpus) found.push('cpus');
  if (offer.memoryGiB < memoryGiB) found.push('memory');
  return found;
}

/** Spellings are few and asked for at every offer. */
function remembered<T>(read: (spelling: string) => T): (spelling: string) => T {
  const known = new Map<string, T>();
  return (spelling) => {
    const value = known.get(spelling) ?? read(spelling);
    known.set(spelling, value);
    return value;
  };
}
const accepted = remembered((spelling) => acceptedGpus(spelling).gpus);
const canonical = remembered((key) => {
  const [model = '', memoryGiB] = key.split('\n');
  return canonicalGpu(model, Number(memoryGiB)).model;
});

const modelOf = ({ gpuModel, gpuMemoryGiB }: PlacementOffer) =>
  gpuModel === null ? null : canonical(`${gpuModel}\n${gpuMemoryGiB}`);

function wantedGpus(world: PlacementSnapshot, { spec }: QueuedJob) {
  const { models, class: name } = spec.resources.gpu;
  const members = world.policies.capacityClasses
    .filter((one) => one.name === name)
    .flatMap((one) => one.members);
  const named = models.flatMap(accepted);
  return [...named.map((one) => ({ ...one, minMemoryGiB: 0 })), ...members];
}

function acceptsGpu(world: PlacementSnapshot, job: QueuedJob, offer: PlacementOffer): boolean {
  const { models, class: className } = job.spec.resources.gpu;
  if (models.length === 0 && className === null) return true;
  return wantedGpus(world, job).some(
    ({ model, formFactor, minMemoryGiB }) =>
      modelOf(offer) === model &&
      (formFactor === null || formFactor === offer.gpuFormFactor) &&
      offer.gpuMemoryGiB >= minMemoryGiB,
  );
}

// ---- places -------------------------------------------------------------------------------------------------------

function placeWrongs(
  world: PlacementSnapshot,
  job: QueuedJob,
  offer: PlacementOffer,
  provider: PlacementProvider,
): string[] {
  const levels = levelsOf(world, job);
  const listed = ({ allow, deny }: PlacementRules['providers'], name: string) =>
    (allow.length === 0 || allow.includes(name)) && !deny.includes(name);
  const realm = provider.attested ? provider.realm : 'public';
  const checks: [string, (rules: PlacementRules) => boolean][] = [
    ['providers', (rules) => listed(rules.providers, provider.name)],
    ['countries', (rules) => standsIn(provider.site, rules.countries)],
    ['regions', (rules) => listed(rules.regions, offer.region)],
    ['realm', (rules) => rules.realms.length === 0 || rules.realms.includes(realm)],
    ['certification', (rules) => rules.certifications.every((need) => certified(world, provider, need))],
    ['data-grade', ({ dataGrade }) => dataGrade === null || mayCarry(world, provider, dataGrade)],
    ['dr-verified', ({ drVerified }) => !drVerified || (provider.verifiedUntil ?? 0) > world.now],
  ];
  const found = checks.filter(([, holds]) => !levels.every(holds)).map(([name]) => name);
  if (job.spec.resources.nodes > 1 && !provider.multiNode) found.push('nodes');
  if (isTooNear(world, job, provider)) found.push('separation');
  return found;
}

const standsIn = ({ country }: Site, countries: readonly string[]) =>
  countries.length === 0 || countries.map((code) => code.toUpperCase()).includes(country);

const holdsAt = (now: Date, from: string, until: string | null) =>
  new Date(from) <= now && (until === null || now < new Date(until));

function certified(world: PlacementSnapshot, provider: PlacementProvider, need: CertificationNeed): boolean {
  return (
    provider.attested &&
    provider.certifications.some(
      ({ scheme, grade, validFrom, validUntil }) =>
        scheme === need.scheme &&
        (need.grades.length === 0 || need.grades.includes(grade)) &&
        holdsAt(world.now, validFrom, validUntil),
    )
  );
}

function mayCarry(world: PlacementSnapshot, provider: PlacementProvider, grade: DataGrade): boolean {
  return world.policies.dataGrades.some(
    (row) =>
      row.grade === grade &&
      holdsAt(world.now, row.validFrom, row.validUntil) &&
      row.realms.includes(provider.attested ? provider.realm : 'public') &&
      standsIn(provider.site, row.countries) &&
      (row.certification === null || certified(world, provider, row.certification)),
  );
}

export function avoids(world: PlacementSnapshot, job: QueuedJob, provider: string): boolean {
  const until = job.avoid[provider];
  return until !== undefined && new Date(until) > world.now;
}

function isTooNear(world: PlacementSnapshot, job: QueuedJob, provider: PlacementProvider): boolean {
  const stated = levelsOf(world, job).map(({ minSeparationKm }) => minSeparationKm ?? 0);
  const apart = Math.max(job.spec.continuity.minSeparationKm ?? 0, ...stated);
  const lostIt = world.providers.filter(
    ({ name, health }) => health !== 'healthy' && avoids(world, job, name),
  );
  return lostIt.some(({ site }) => kmBetween(site, provider.site) < apart);
}

/** By the angle between two vectors from the middle of the earth. */
export function kmBetween(a: Omit<Site, 'city' | 'country' | 'region'>, b: typeof a): number {
  const vector = ({ latitude, longitude }: typeof a): [number, number, number] => {
    const [north, east] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
    return [Math.cos(north) * Math.cos(east), Math.cos(north) * Math.sin(east), Math.sin(north)];
  };
  const [ax, ay, az] = vector(a);
  const [bx, by, bz] = vector(b);
  const cross = Math.hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx);
  return 6371.0088 * Math.atan2(cross, ax * bx + ay * by + az * bz);
}

// ---- room ---------------------------------------------------------------------------------------------------------

/** GPUs, thousandths of CPUs, MiB: what a job takes of the offer's pool. */
export function drawOf({ spec }: QueuedJob, offer: PlacementOffer): [number, number, number] {
  const { nodes, cpus, memoryGiB } = spec.resources;
  return [
    nodes * offer.gpuCount,
    nodes * 1000 * (cpus === 0 ? offer.cpus : cpus),
    nodes * 1024 * (memoryGiB === 0 ? offer.memoryGiB : memoryGiB),
  ];
}

export function poolOf(world: PlacementSnapshot, offer: PlacementOffer) {
  return world.pools.find(({ provider, name }) => provider === offer.provider && name === offer.pool);
}

function outgrowsPool(world: PlacementSnapshot, job: QueuedJob, offer: PlacementOffer): boolean {
  const pool = poolOf(world, offer);
  if (!pool) return false;
  const totals = [pool.gpus, pool.cpuMillis ?? Infinity, pool.memoryMiB ?? Infinity];
  return drawOf(job, offer).some((needed, dimension) => needed > (totals[dimension] ?? 0));
}

// ---- money --------------------------------------------------------------------------------------------------------

const ONE = 1_000_000n;

export function rateOf(world: PlacementSnapshot, currency: string): bigint | undefined {
  return currency === world.currency ? ONE : world.rates.get(currency);
}

/** In the order in which one of them speaks for the offer, where none will do. */
function waysToBuy(world: PlacementSnapshot, job: QueuedJob, offer: PlacementOffer): Choice[] {
  const policies = levelsOf(world, job).map(({ spot }) => spot);
  return [
    ...(offer.priceMicrosPerHour !== null && !policies.includes('only') ? [{ offer, spot: false }] : []),
    ...(offer.spotPriceMicrosPerHour !== null && !policies.includes('never') ? [{ offer, spot: true }] : []),
  ];
}

function saleWrongs(world: PlacementSnapshot, job: QueuedJob, offer: PlacementOffer): string[] {
  const ways = waysToBuy(world, job, offer);
  if (ways.length === 0) return ['spot'];
  if (rateOf(world, offer.currency) === undefined) return ['no-rate'];
  const found = ways.map((way) => priceWrongs(world, job, way));
  return found.some((wrong) => wrong.length === 0) ? [] : (found[0] ?? []);
}

function limits(world: PlacementSnapshot, job: QueuedJob): WireMoney[] {
  return levelsOf(world, job)
    .flatMap(({ maxPricePerHour, maxPricePerJob }) => [maxPricePerHour, maxPricePerJob])
    .filter((limit) => limit !== null);
}

function needsRuntime(world: PlacementSnapshot, job: QueuedJob): boolean {
  const { expectedRuntimeSeconds, limits: own } = job.spec;
  if (expectedRuntimeSeconds !== null || own.maxRuntimeSeconds !== null) return false;
  return levelsOf(world, job).some(
    ({ maxPricePerJob }) => maxPricePerJob !== null && rateOf(world, maxPricePerJob.currency) !== undefined,
  );
}

function priceWrongs(world: PlacementSnapshot, job: QueuedJob, choice: Choice): string[] {
  const { list, rate } = priced(world, job, choice);
  const within = (limit: WireMoney | null, worth: (limitMicros: bigint, limitRate: bigint) => boolean) => {
    const limitRate = limit === null ? undefined : rateOf(world, limit.currency);
    return limit === null || limitRate === undefined || worth(parseMicros(limit.amount), limitRate);
  };
  const levels = levelsOf(world, job);
  const cost = costOf(world, job, choice);
  return [
    ...(levels.every(({ maxPricePerHour }) => within(maxPricePerHour, (limit, r) => list * rate <= limit * r))
      ? []
      : ['price']),
    ...(levels.every(({ maxPricePerJob }) =>
      within(maxPricePerJob, (limit, r) => cost <= Number((limit * r) / ONE)),
    )
      ? []
      : ['job-price']),
    ...(job.quote === null || micros(world, job, choice) <= BigInt(job.quote.ceilingMicrosPerHour)
      ? []
      : ['quote']),
  ];
}

/** The price that the job would pay: the offer's, or the one that its quote holds while that is lower. */
export function priced(world: PlacementSnapshot, job: QueuedJob, choice: Choice) {
  const { offer, spot } = choice;
  const list = (spot ? offer.spotPriceMicrosPerHour : offer.priceMicrosPerHour) ?? 0n;
  const rate = rateOf(world, offer.currency) ?? 0n;
  const held = heldPrice(world, job, choice);
  if (held === undefined || halfUp(list * rate) <= BigInt(held.microsPerHour))
    return { list, currency: offer.currency, rate };
  return {
    list: BigInt(held.listMicrosPerHour),
    currency: held.listCurrency,
    rate: BigInt(held.rateMicros),
  };
}

function heldPrice(
  { now }: PlacementSnapshot,
  { quote }: QueuedJob,
  { offer, spot }: Choice,
): HeldPrice | undefined {
  if (quote === null || new Date(quote.expiresAt) <= now) return undefined;
  return quote.prices.find(
    (price) => price.provider === offer.provider && price.offer === offer.name && price.spot === spot,
  );
}

const halfUp = (product: bigint) => product / ONE + ((product % ONE) * 2n >= ONE ? 1n : 0n);

/** Of one whole offer an hour, in the accounting currency. */
export function micros(world: PlacementSnapshot, job: QueuedJob, choice: Choice): bigint {
  const { list, rate } = priced(world, job, choice);
  return halfUp(list * rate);
}

// ---- how good a choice is: the formulas of objective.ts --------------------------------------------------------------

/** Hours that one node is paid for. */
export function hoursOf(world: PlacementSnapshot, job: QueuedJob, { offer, spot }: Choice) {
  const { spec } = job;
  const runtime = spec.expectedRuntimeSeconds ?? spec.limits.maxRuntimeSeconds ?? 3600;
  const speedOf = (model: string | null | undefined) =>
    world.policies.gpuSpeeds.find((row) => row.model === model)?.speed;
  const asked = spec.resources.gpu.count > 0 ? wantedGpus(world, job)[0]?.model : undefined;
  const [ours, theirs] = [speedOf(asked), speedOf(modelOf(offer))];
  const hours = (runtime / 3600) * (ours === undefined || theirs === undefined ? 1 : ours / theirs);
  const redone = spec.kind === 'inference' ? 0 : Math.min(spec.checkpoint.intervalSeconds, runtime) / 2;
  const interruptions = spot ? hours * 0.23 : 0;
  return { hours, interruptions, lostHours: (interruptions * (redone + 120)) / 3600 };
}

/** Micros, of the whole job. */
export function costOf(world: PlacementSnapshot, job: QueuedJob, choice: Choice): number {
  const { hours, lostHours } = hoursOf(world, job, choice);
  return Number(micros(world, job, choice)) * (job.spec.resources.nodes * (hours + lostHours));
}

/** Millionths. */
export function availabilityOf(world: PlacementSnapshot, { offer, spot }: Choice, places: number): number {
  const { healthSince, recentRefusals } = providerOf(world, offer);
  const seconds = (world.now.getTime() - healthSince.getTime()) / 1000;
  const steady = seconds < 60 ? 0 : seconds < 600 ? 0.5 : 1;
  const share =
    0.6 * (places / (offer.capacity + 1)) +
    0.15 * steady +
    0.15 / (1 + recentRefusals) +
    0.1 * (spot ? 0 : 1);
  return Math.round(1e6 * share);
}

/** 0: a move's target, 1: any other, 2: avoided. */
export function tierOf(world: PlacementSnapshot, job: QueuedJob, { offer }: Choice): number {
  if (offer.provider === job.moveTo) return 0;
  return avoids(world, job, offer.provider) ? 2 : 1;
}

/** What the objective minimizes, a million times what a decision shows: divided, what differs by a bit would be equal. */
export function scoreOf(world: PlacementSnapshot, job: QueuedJob, choice: Choice, places: number): number {
  const cost = costOf(world, job, choice);
  const availability = availabilityOf(world, choice, places);
  const scores = {
    cheapest: cost,
    available: 1e6 - availability,
    balanced: (cost * 1e6) / Math.max(1, availability),
  };
  return scores[job.spec.placement.objective];
}
