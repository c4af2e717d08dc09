import { formatMicros } from '../money.ts';
import { ON_DEMAND, SPOT } from './columns.ts';
import { byName, type Lot, type Market } from './market.ts';
import { brokenBy } from './match.ts';
import type { Request } from './request.ts';
import { bit, brokenRules, MATCH, type Broken, type RuleName } from './rules.ts';

const SUGGESTIONS = 3;
const NAMES = 5;
const WITHDRAWN = bit('withdrawn');

/**
 * For a job that nothing offered could ever carry: what would have to change, taking the offers that break the
 * fewest rules. One sentence, meant for the tenant.
 */
export function nearestMiss(request: Request, market: Market): string {
  const groups = nearestGroups(request, market);
  if (groups.size === 0) return 'nothing is offered: no provider has a live offer';
  const ways = [...groups]
    .sort(([a], [b]) => a - b)
    .slice(0, SUGGESTIONS)
    .map(([broken, lots]) => changesFor(request, broken, lots));
  return `no offer fits. Nearest: ${ways.join('; or ')}`;
}

/** Live offers that break the fewest rules, by which ones they break. */
function nearestGroups(request: Request, market: Market): Map<Broken, Lot[]> {
  const groups = new Map<Broken, Lot[]>();
  let fewest = Number.POSITIVE_INFINITY;
  market.lots.forEach((lot, position) => {
    const broken = brokenBy(request, market, position) & MATCH;
    const count = (broken & WITHDRAWN) === 0 ? countBits(broken) : Number.POSITIVE_INFINITY;
    if (count > fewest || count === Number.POSITIVE_INFINITY) return;
    if (count < fewest) groups.clear();
    fewest = count;
    const group = groups.get(broken);
    if (group) group.push(lot);
    else groups.set(broken, [lot]);
  });
  return groups;
}

function countBits(broken: Broken): number {
  let count = 0;
  for (let rest = broken; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** With several rules broken, all changes have to hold for one and the same offer: the first by name. */
function changesFor(request: Request, broken: Broken, lots: readonly Lot[]): string {
  const rules = brokenRules(broken);
  const among = rules.length > 1 ? lots.slice(0, 1) : lots;
  return rules.map((rule) => CHANGES[rule]?.(request, among) ?? rule).join(' and ');
}

type Change = (request: Request, lots: readonly Lot[]) => string;

const CHANGES: Partial<Record<RuleName, Change>> = {
  nodes: () => 'ask for 1 node: a job is placed on one machine in this version',
  'gpu-count': ({ spec }, lots) =>
    `needs ${spec.resources.gpu.count} GPUs in one offer: the largest has ${most(lots, (lot) => lot.offer.gpuCount)}`,
  'gpu-model': ({ gpuProblems }, lots) =>
    [...gpuProblems, `accept ${some(lots.map((lot) => lot.model ?? 'an offer without a GPU'))}`].join(
      ', or ',
    ),
  'gpu-memory': ({ spec }, lots) =>
    lower('gpu.minMemoryGiB', spec.resources.gpu.minMemoryGiB, lots, (lot) => lot.offer.gpuMemoryGiB),
  cpus: ({ spec }, lots) => lower('cpus', spec.resources.cpus, lots, (lot) => lot.offer.cpus),
  memory: ({ spec }, lots) =>
    lower('memoryGiB', spec.resources.memoryGiB, lots, (lot) => lot.offer.memoryGiB),
  providers: (_, lots) => `allow provider ${some(lots.map((lot) => lot.provider.name))}`,
  countries: (_, lots) => `allow country ${some(lots.map((lot) => lot.provider.site.country))}`,
  regions: (_, lots) => `allow region ${some(lots.map((lot) => lot.offer.region))}`,
  spot: ({ wants }) =>
    wants === ON_DEMAND
      ? 'allow spot: what fits is sold as spot only'
      : 'allow on-demand: what fits has no spot price',
  'not-yet-effective': (_, lots) =>
    `wait: what fits counts from ${some(
      lots.flatMap((lot) => lot.offer.effectiveFrom?.toISOString() ?? []),
      1,
    )}`,
  price: raisePrice,
};

function raisePrice({ ceiling, wants }: Request, lots: readonly Lot[]): string {
  let lowest: bigint | null = null;
  for (const lot of lots) {
    for (const sale of [
      (wants & ON_DEMAND) === 0 ? null : lot.onDemand,
      (wants & SPOT) === 0 ? null : lot.spot,
    ]) {
      if (sale && (lowest === null || sale.exact < lowest)) lowest = sale.exact;
    }
  }
  if (!ceiling || lowest === null) return 'raise maxPricePerHour';
  // Rounded up: raised by exactly this much, the offer is affordable.
  const needed = (lowest + ceiling.rateMicros - 1n) / ceiling.rateMicros;
  return `raise maxPricePerHour by ${formatMicros(needed - ceiling.micros)} ${ceiling.currency}`;
}

function lower(field: string, asked: number, lots: readonly Lot[], has: (lot: Lot) => number): string {
  return `lower ${field} from ${asked} to ${most(lots, has)}`;
}

function most(lots: readonly Lot[], has: (lot: Lot) => number): number {
  return lots.reduce((greatest, lot) => Math.max(greatest, has(lot)), 0);
}

/** A few of the distinct names, in order, and how many more there are. */
export function some(names: readonly string[], keep: number = NAMES): string {
  const distinct = [...new Set(names)].sort(byName);
  const more = distinct.length - keep;
  return `${distinct.slice(0, keep).join(', ')}${more > 0 ? ` (or ${more} more)` : ''}`;
}
