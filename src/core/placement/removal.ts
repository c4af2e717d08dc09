import { formatMicros } from '../money.ts';
import { certificationGap, gradeGap, realmOf, tooNear } from './eligible.ts';
import { breakers, possessive } from './levels.ts';
import type { Lot } from './market.ts';
import { saleFor } from './match.ts';
import { drawOf, type Pass } from './pass.ts';
import type { Request } from './request.ts';
import type { RuleName } from './rules.ts';
import { fullnessOf, sickness } from './shut.ts';
import type { PlacementProvider } from './types.ts';

/** One offer that a rule removed. */
interface Case {
  readonly request: Request;
  readonly view: Pass;
  readonly position: number;
  readonly lot: Lot;
  readonly provider: PlacementProvider;
}
type Detail = (about: Case) => string;

/** What exactly a rule found wrong with one offer, for a person who reads the decision; and whose rule it is. */
const DETAILS: Readonly<Record<RuleName, Detail>> = {
  'gpu-count': ({ request, lot }) => `has ${lot.offer.gpuCount} of ${request.spec.resources.gpu.count} GPUs`,
  'gpu-model': ({ lot }) => (lot.offer.gpuModel === null ? 'has no GPU' : `has ${gpuOf(lot)}`),
  'gpu-memory': ({ request, lot }) =>
    `a device has ${lot.offer.gpuMemoryGiB} of ${request.spec.resources.gpu.minMemoryGiB} GiB`,
  cpus: ({ request, lot }) => `has ${lot.offer.cpus} of ${request.spec.resources.cpus} CPUs`,
  memory: ({ request, lot }) => `has ${lot.offer.memoryGiB} of ${request.spec.resources.memoryGiB} GiB`,
  nodes: ({ provider }) => `${provider.name} runs a job on one machine only`,
  providers: (about) => `provider ${about.provider.name} is not allowed${by(about, 'providers')}`,
  countries: (about) => `is in ${about.provider.site.country}${by(about, 'countries')}`,
  regions: (about) => `region ${about.lot.offer.region} is not allowed${by(about, 'regions')}`,
  realm: (about) => `is ${realmIn(about.provider)}${by(about, 'realm')}`,
  certification: (about) => `${certificationIn(about)}${by(about, 'certification')}`,
  'data-grade': (about) => `${gradeIn(about)}${by(about, 'data-grade')}`,
  'dr-verified': (about) => {
    const from = about.request.places.where.provenFrom;
    const whose = from === null ? 'its recovery' : `that work of ${from} recovers there`;
    return `no drill has proved ${whose}${by(about, 'dr-verified')}`;
  },
  separation: ({ request, provider }) => {
    const { apartFrom, minSeparationKm, stricken } = request.places.where;
    const near = tooNear(provider, apartFrom, minSeparationKm);
    if (near === null) return `is of ${provider.vendor}, as is where the job is or was lost`;
    const why = stricken.includes(near) ? 'lost the job' : 'has the rest of it';
    return `is within ${minSeparationKm} km of ${near.name} that ${why}`;
  },
  places: ({ request, lot }) =>
    `there are ${lot.offer.capacity} of it, ${request.needs.nodes} ${request.needs.nodes === 1 ? 'is' : 'are'} needed at once`,
  pool: (about) => `would draw ${drawIn(about)} of its pool ${about.lot.offer.pool}, which has less in all`,
  spot: (about) =>
    `${about.lot.offer.priceMicrosPerHour === null ? 'is sold as spot only' : 'has no price of the kind that is allowed'}${by(about, 'spot')}`,
  'not-yet-effective': ({ lot }) => `counts from ${lot.offer.effectiveFrom?.toISOString()}`,
  price: (about) => {
    const { ceiling } = about.request;
    return `costs ${listed(about)} an hour, the ceiling is ${ceiling && formatMicros(ceiling.micros)} ${ceiling?.currency}${ceiling === null ? '' : possessive(ceiling.by)}`;
  },
  'job-price': ({ request }) =>
    request.assumptions.runtimeFrom === 'default'
      ? 'a ceiling for the whole job needs expectedRuntimeSeconds'
      : 'the whole job would cost more than its ceiling',
  quote: (about) => `costs ${listed(about)} an hour, more than was quoted`,
  'no-rate': ({ lot }) =>
    lot.rateMicros === null
      ? `its currency ${lot.offer.currency} has no exchange rate`
      : "a price ceiling's currency has no exchange rate",
  draining: ({ provider }) => `provider ${provider.name} is draining`,
  health: ({ view, position, provider }) =>
    `provider ${provider.name} is ${provider.health === 'healthy' ? 'sick in part' : provider.health}${partly(view, position)}`,
  capacity: ({ view, position, lot }) => fullness(view, position, lot),
};

export function whatIsWrong(rule: RuleName, request: Request, view: Pass, position: number): string {
  const lot = view.market.lots[position];
  const provider = view.providers[view.market.columns.provider[position] ?? 0];
  if (lot === undefined || !provider) return 'is not registered any more';
  return DETAILS[rule]({ request, view, position, lot, provider });
}

export function gpuOf({ offer, model }: Lot): string {
  return [model, offer.gpuFormFactor].filter(Boolean).join(' ');
}

function by({ request, view, position }: Case, rule: RuleName): string {
  return breakers(rule, request, view, position).map(possessive).find(Boolean) ?? '';
}

function realmIn(provider: PlacementProvider): string {
  const realm = realmOf(provider);
  return realm === provider.realm ? realm : `${realm}: nobody has vouched for its realm ${provider.realm}`;
}

/** The first certificate that is wanted and not there. */
export function certificationIn({
  request,
  view,
  provider,
}: Pick<Case, 'request' | 'view' | 'provider'>): string {
  const needs = request.levels.flatMap(({ rules }) => rules.certifications);
  return needs.map((need) => certificationGap(provider, need, view.now)).find((gap) => gap !== null) ?? '';
}

export function gradeIn({ request, view, provider }: Pick<Case, 'request' | 'view' | 'provider'>): string {
  const at = { now: view.now, policies: view.state.policies };
  const gaps = request.levels.map(({ rules }) =>
    rules.dataGrade === null ? null : gradeGap(provider, rules.dataGrade, at),
  );
  return gaps.find((gap) => gap !== null) ?? '';
}

function drawIn({ request, view, position }: Case): string {
  const draw = drawOf(view, position, request.needs);
  return `${draw?.gpus} GPUs, ${(draw?.cpuMillis ?? 0) / 1_000} CPUs and ${(draw?.memoryMiB ?? 0) / 1_024} GiB`;
}

/** In the vendor's currency, by the cheapest way that the job would take. */
function listed({ request, view, position }: Case): string {
  const sales = [2 * position, 2 * position + 1].filter(
    (sale) => (request.wants & (1 << (sale & 1))) !== 0 && (view.market.columns.rank[sale] ?? -1) >= 0,
  );
  const [cheapest] = sales
    .flatMap((sale) => saleFor(request, view, sale) ?? [])
    .toSorted((a, b) => (a.micros < b.micros ? -1 : 1));
  return cheapest ? `${formatMicros(cheapest.listMicros)} ${cheapest.listCurrency}` : 'more';
}

function partly(view: Pass, position: number): string {
  const why = sickness(view.shut.get(position));
  return why === null ? '' : `: ${why}`;
}

function fullness(view: Pass, position: number, lot: Lot): string {
  const refused = fullnessOf(view.shut.get(position));
  if (refused !== null) return refused;
  const pool = view.market.columns.pool[position] ?? -1;
  if (view.lotHeld[position] === 1 || view.poolHeld[pool] === 1)
    return 'is held for a job that has waited long';
  const free = Math.max(0, view.free[position] ?? 0);
  if (pool >= 0 && free > 0) return `too little of its pool ${lot.offer.pool} is left`;
  return free === 0 ? `all ${lot.offer.capacity} are taken` : `${free} of ${lot.offer.capacity} are left`;
}
