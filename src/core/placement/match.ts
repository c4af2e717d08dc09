import type { Lot, Market, Sale } from './market.ts';
import type { Request } from './request.ts';
import { bit, RULES, firstBroken, type Broken, type RuleName } from './rules.ts';

/** One way to buy one offer that breaks no rule. */
export interface Candidate {
  readonly lot: Lot;
  readonly sale: Sale;
  /** Number(sale.micros). */
  readonly price: number;
  /** 0: a move's target. 1: any other. 2: one that this job avoids, used only where nothing else has room. */
  readonly tier: 0 | 1 | 2;
}

/** The offers held against one request. Holds for a whole pass, because a pass changes nothing but `free`. */
export interface Matching {
  readonly request: Request;
  readonly candidates: readonly Candidate[];
  readonly matching: number;
  /** Per rule: how many offers it removed, and the first three of them by name. */
  readonly removed: ReadonlyMap<RuleName, { offers: number; examples: Lot[] }>;
}

const GPU_COUNT = bit('gpu-count');
const GPU_MEMORY = bit('gpu-memory');
const CPUS = bit('cpus');
const MEMORY = bit('memory');
const SPOT = bit('spot');
const PRICE = bit('price');
const EXAMPLES = 3;

/** Everything about this offer that the request cannot live with, except capacity. */
export function brokenBy(request: Request, lot: Lot): Broken {
  const { offer } = lot;
  const { gpu, cpus, memoryGiB } = request.spec.resources;
  let broken =
    lot.always |
    request.always |
    (request.byProvider[lot.providerIndex] ?? 0) |
    (request.byRegion[lot.regionIndex] ?? 0);
  if (gpu.count > 0) {
    broken |= request.byModel[lot.modelIndex] ?? 0;
    if (offer.gpuCount < gpu.count) broken |= GPU_COUNT;
    if (offer.gpuMemoryGiB < gpu.minMemoryGiB) broken |= GPU_MEMORY;
  }
  if (offer.cpus < cpus) broken |= CPUS;
  if (offer.memoryGiB < memoryGiB) broken |= MEMORY;
  return broken | brokenByPrice(request, lot);
}

/** Is this way of selling one that the job takes? */
export function takes(request: Request, spot: boolean): boolean {
  const policy = request.spec.placement.spot;
  return spot ? policy !== 'never' : policy !== 'only';
}

export function affordable(request: Request, sale: Sale): boolean {
  return request.ceiling === null || sale.exact <= request.ceiling.exact;
}

export function matchAll(request: Request, market: Market): Matching {
  const candidates: Candidate[] = [];
  const removed = new Map<RuleName, { offers: number; examples: Lot[] }>();
  let matching = 0;
  for (const lot of market.lots) {
    const rule = firstBroken(brokenBy(request, lot));
    if (rule !== null) {
      remember(removed, rule, lot);
      continue;
    }
    matching += 1;
    for (const sale of [lot.onDemand, lot.spot]) {
      if (sale && takes(request, sale.spot) && affordable(request, sale))
        candidates.push(candidateOf(request, lot, sale));
    }
  }
  return { request, candidates, matching, removed: inRuleOrder(removed) };
}

function brokenByPrice(request: Request, lot: Lot): Broken {
  const { offer } = lot;
  const sold =
    (offer.priceMicrosPerHour !== null && takes(request, false)) ||
    (offer.spotPriceMicrosPerHour !== null && takes(request, true));
  if (!sold) return SPOT;
  if (request.ceiling === null || lot.rateMicros === null) return 0;
  const within = (sale: Sale | null) =>
    sale !== null && takes(request, sale.spot) && affordable(request, sale);
  return within(lot.onDemand) || within(lot.spot) ? 0 : PRICE;
}

function candidateOf(request: Request, lot: Lot, sale: Sale): Candidate {
  const { name } = lot.provider;
  const tier = name === request.target ? 0 : request.avoided.has(name) ? 2 : 1;
  return { lot, sale, price: Number(sale.micros), tier };
}

function remember(
  removed: Map<RuleName, { offers: number; examples: Lot[] }>,
  rule: RuleName,
  lot: Lot,
): void {
  const entry = removed.get(rule);
  if (!entry) removed.set(rule, { offers: 1, examples: [lot] });
  else {
    entry.offers += 1;
    if (entry.examples.length < EXAMPLES) entry.examples.push(lot);
  }
}

function inRuleOrder<T>(byRule: ReadonlyMap<RuleName, T>): ReadonlyMap<RuleName, T> {
  return new Map(RULES.flatMap((rule) => (byRule.has(rule) ? [[rule, byRule.get(rule) as T] as const] : [])));
}
