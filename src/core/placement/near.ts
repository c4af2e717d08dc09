import { formatMicros } from '../money.ts';
import { byName } from './columns.ts';
import { breakers, possessive } from './levels.ts';
import { ON_DEMAND, SPOT } from './market.ts';
import { saleFor } from './match.ts';
import type { Pass } from './pass.ts';
import { certificationIn, gpuOf, gradeIn } from './removal.ts';
import type { Request } from './request.ts';
import { brokenRules, MATCH, type Broken, type RuleName } from './rules.ts';
import type { PlacementProvider } from './types.ts';

const SUGGESTIONS = 3;
const NAMES = 5;

/**
 * For a job that nothing offered could ever carry: what would have to change, taking the offers that break the
 * fewest rules. One sentence, meant for the tenant. `brokenBy`: what each breaks, by position.
 */
export function nearestMiss(request: Request, view: Pass, brokenBy: readonly Broken[]): string {
  const groups = nearestGroups(brokenBy);
  if (groups.size === 0) return 'nothing is offered: no provider has a live offer';
  const ways = [...groups]
    .sort(([a], [b]) => a - b)
    .slice(0, SUGGESTIONS)
    .map(([broken, positions]) => changesFor({ request, view }, broken, positions));
  return `no offer fits. Nearest: ${ways.join('; or ')}`;
}

/** Offers that break the fewest rules, by which ones they break. */
function nearestGroups(brokenBy: readonly Broken[]): Map<Broken, number[]> {
  const groups = new Map<Broken, number[]>();
  let fewest = Number.POSITIVE_INFINITY;
  for (const [position, all] of brokenBy.entries()) {
    const broken = all & MATCH;
    const count = countBits(broken);
    if (count > fewest) continue;
    if (count < fewest) groups.clear();
    fewest = count;
    const group = groups.get(broken);
    if (group) group.push(position);
    else groups.set(broken, [position]);
  }
  return groups;
}

function countBits(broken: Broken): number {
  let count = 0;
  for (let rest = broken; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

interface About {
  readonly request: Request;
  readonly view: Pass;
}

/** With several rules broken, all changes have to hold for one and the same offer: the first by name. */
function changesFor(about: About, broken: Broken, positions: readonly number[]): string {
  const rules = brokenRules(broken);
  const among = rules.length > 1 ? positions.slice(0, 1) : positions;
  return rules
    .map((rule) => `${CHANGES[rule]?.(about, among) ?? rule}${whose(about, rule, among)}`)
    .join(' and ');
}

/** Whose rule is in the way, where it is not the job's own. */
function whose({ request, view }: About, rule: RuleName, positions: readonly number[]): string {
  const [first] = positions;
  return first === undefined
    ? ''
    : (breakers(rule, request, view, first).map(possessive).find(Boolean) ?? '');
}

type Change = (about: About, positions: readonly number[]) => string;

const CHANGES: Partial<Record<RuleName, Change>> = {
  'gpu-count': ({ request, view }, positions) =>
    `needs ${request.spec.resources.gpu.count} GPUs in one offer: the largest has ${most(view, positions, (lot) => lot.offer.gpuCount)}`,
  'gpu-model': ({ request, view }, positions) => {
    const models = lotsAt(view, positions).map((lot) =>
      lot.model === null ? 'an offer without a GPU' : gpuOf(lot),
    );
    return [...request.fitting.gpus.problems, `accept ${some(models)}`].join(', or ');
  },
  'gpu-memory': ({ request, view }, positions) =>
    `lower gpu.minMemoryGiB from ${request.spec.resources.gpu.minMemoryGiB} to ${most(view, positions, (lot) => lot.offer.gpuMemoryGiB)}`,
  cpus: ({ request, view }, positions) =>
    `lower cpus from ${request.spec.resources.cpus} to ${most(view, positions, (lot) => lot.offer.cpus)}`,
  memory: ({ request, view }, positions) =>
    `lower memoryGiB from ${request.spec.resources.memoryGiB} to ${most(view, positions, (lot) => lot.offer.memoryGiB)}`,
  nodes: () => 'ask for 1 node: no provider that fits runs a job on several machines',
  providers: ({ view }, positions) =>
    `allow provider ${some(providersAt(view, positions).map(({ name }) => name))}`,
  countries: ({ view }, positions) =>
    `allow country ${some(providersAt(view, positions).map(({ site }) => site.country))}`,
  regions: ({ view }, positions) =>
    `allow region ${some(lotsAt(view, positions).map(({ offer }) => offer.region))}`,
  realm: ({ view }, positions) => {
    const unsaid = providersAt(view, positions).filter(
      ({ attested, realm }) => !attested && realm !== 'public',
    );
    const realms = some(providersAt(view, positions).map(({ realm }) => realm));
    return unsaid.length === 0
      ? `allow realm ${realms}`
      : `have an operator vouch for the realm of ${some(unsaid.map(({ name }) => name))}`;
  },
  certification: (about, positions) =>
    wouldMatch(
      positions,
      gaps(about, positions, (provider) => certificationIn({ ...about, provider })),
    ),
  'data-grade': (about, positions) =>
    wouldMatch(
      positions,
      gaps(about, positions, (provider) => gradeIn({ ...about, provider })),
    ),
  'dr-verified': ({ request, view }, positions) => {
    const names = some(providersAt(view, positions).map(({ name }) => name));
    const { provenFrom } = request.places.where;
    return provenFrom === null
      ? `have a drill prove the recovery of ${names}`
      : `have a drill prove that work of ${provenFrom} recovers at ${names}`;
  },
  separation: ({ request }) => {
    const { minSeparationKm, stricken } = request.places.where;
    const apart = minSeparationKm > 0 ? `, or lower minSeparationKm from ${minSeparationKm}` : '';
    return stricken.length > 0
      ? `wait until the place that lost it is well or forgotten${apart}`
      : `have another vendor offer it elsewhere${apart}`;
  },
  places: ({ request, view }, positions) =>
    `needs ${request.needs.nodes} ${request.needs.nodes === 1 ? 'machine' : 'machines'} of one offer at once: the largest has ${most(view, positions, (lot) => lot.offer.capacity)}`,
  pool: () => 'ask for less: it would draw more than the pool has in all',
  spot: ({ request }) =>
    request.wants === 0
      ? 'its rules forbid both spot and on-demand'
      : request.wants === ON_DEMAND
        ? 'allow spot: what fits is sold as spot only'
        : 'allow on-demand: what fits has no spot price',
  'not-yet-effective': ({ view }, positions) =>
    `wait: what fits counts from ${some(
      lotsAt(view, positions).flatMap(({ offer }) => offer.effectiveFrom?.toISOString() ?? []),
      1,
    )}`,
  price: raisePrice,
  'job-price': ({ request }) =>
    request.assumptions.runtimeFrom === 'default'
      ? 'say expectedRuntimeSeconds: a ceiling for the whole job is in force, and nobody knows how long it runs'
      : 'raise maxPricePerJob, or expect a shorter run',
  quote: () => 'wait for the quoted price, or submit it with a new quote or without one',
};

/** "2 offers would match if …": what stands in the way is somebody else's to mend. */
function wouldMatch(positions: readonly number[], reasons: readonly string[]): string {
  const offers = positions.length === 1 ? '1 offer would match' : `${positions.length} offers would match`;
  return `${offers} but for this: ${some(reasons, 2)}`;
}

function gaps(
  { view }: About,
  positions: readonly number[],
  gapOf: (provider: PlacementProvider) => string,
): string[] {
  return providersAt(view, positions).map(gapOf);
}

function raisePrice({ request, view }: About, positions: readonly number[]): string {
  const { ceiling, wants } = request;
  let lowest: bigint | null = null;
  for (const position of positions) {
    for (const kind of [ON_DEMAND, SPOT]) {
      const sale = (wants & kind) === 0 ? null : saleFor(request, view, 2 * position + kind - 1);
      if (sale && (lowest === null || sale.exact < lowest)) lowest = sale.exact;
    }
  }
  if (!ceiling || lowest === null) return 'raise maxPricePerHour';
  // Rounded up: raised by exactly this much, the offer is affordable.
  const needed = (lowest + ceiling.rateMicros - 1n) / ceiling.rateMicros;
  return `raise maxPricePerHour by ${formatMicros(needed - ceiling.micros)} ${ceiling.currency}${possessive(ceiling.by)}`;
}

function lotsAt({ market }: Pass, positions: readonly number[]) {
  return positions.flatMap((position) => market.lots[position] ?? []);
}

/** Each once. */
function providersAt(view: Pass, positions: readonly number[]): PlacementProvider[] {
  const indexes = new Set(positions.map((position) => view.market.columns.provider[position] ?? 0));
  return [...indexes].flatMap((index) => view.providers[index] ?? []);
}

function most(
  view: Pass,
  positions: readonly number[],
  has: (lot: Pass['market']['lots'][number]) => number,
): number {
  return lotsAt(view, positions).reduce((greatest, lot) => Math.max(greatest, has(lot)), 0);
}

/** A few of the distinct names, in order, and how many more there are. */
export function some(names: readonly string[], keep: number = NAMES): string {
  const distinct = [...new Set(names)].sort(byName);
  const more = distinct.length - keep;
  return `${distinct.slice(0, keep).join(', ')}${more > 0 ? ` (or ${more} more)` : ''}`;
}
