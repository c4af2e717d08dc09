import { canonicalGpu, acceptedGpus } from '../../src/core/gpu.ts';
import type { PlacementOffer, PlacementProvider, QueuedJob, World } from '../../src/core/placement/types.ts';
import type { PlacementRules } from '../../src/core/rules.ts';

/**
 * How the peers answer "which offers fit": every row is held against every criterion, and what is left is sorted by
 * price. So dstack's gpuhunt (src/gpuhunt/_internal/constraints.py, `matches`, over each provider's items, merged by
 * price in catalog.py) and SkyPilot (sky/catalog/common.py: a boolean mask over a pandas frame for each criterion, then
 * sort_values by price). Told in plain TypeScript and kindly: rows are objects in memory already (gpuhunt reads them out
 * of a zip of CSV files for each query), lists are looked up as sets. It knows no objectives, pools, hours or reasons.
 */
export interface Row {
  readonly provider: string;
  readonly country: string;
  readonly region: string;
  readonly spot: boolean;
  /** Accounting currency an hour. */
  readonly price: number;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly gpu: string | null;
  readonly gpuCount: number;
  readonly gpuMemoryGiB: number;
  free: number;
}

export interface Filter {
  readonly providers: ReadonlySet<string> | null;
  readonly denied: ReadonlySet<string>;
  readonly countries: ReadonlySet<string> | null;
  readonly regions: ReadonlySet<string> | null;
  readonly spot: boolean | null;
  readonly maxPrice: number | null;
  readonly minCpus: number;
  readonly minMemoryGiB: number;
  readonly gpus: ReadonlySet<string> | null;
  readonly minGpuCount: number;
  readonly minGpuMemoryGiB: number;
  readonly nodes: number;
}

export function rowsOf({ offers, providers, rates }: World): Row[] {
  const known = new Map(providers.map((provider) => [provider.name, provider]));
  const rate = (currency: string) => Number(rates.get(currency) ?? 1_000_000n) / 1e6;
  return offers.flatMap((offer) => {
    const provider = known.get(offer.provider);
    if (provider?.health !== 'healthy') return [];
    const priced = (spot: boolean, micros: bigint | null) =>
      micros === null ? [] : [rowOf(offer, provider, spot, (Number(micros) / 1e6) * rate(offer.currency))];
    return [...priced(false, offer.priceMicrosPerHour), ...priced(true, offer.spotPriceMicrosPerHour)];
  });
}

function rowOf(offer: PlacementOffer, provider: PlacementProvider, spot: boolean, price: number): Row {
  const { region, cpus, memoryGiB, gpuModel, gpuCount, gpuMemoryGiB, capacity, used } = offer;
  const gpu = gpuModel === null ? null : canonicalGpu(gpuModel, gpuMemoryGiB || null).model;
  const size = { cpus, memoryGiB, gpu, gpuCount, gpuMemoryGiB };
  const place = { provider: provider.name, country: provider.site.country, region };
  return { ...place, spot, price, ...size, free: capacity - used };
}

/** The lowest ceiling and the smallest lists of all three levels. */
export function filterOf({ spec, organization, project }: QueuedJob, { rules, rates }: World): Filter {
  const sets = [rules.organizations.get(organization), rules.projects.get(project), spec.placement];
  const levels: PlacementRules[] = sets.filter((one) => one !== undefined);
  const { gpu, cpus, memoryGiB, nodes } = spec.resources;
  const spots = new Set(levels.map((level) => level.spot));
  const ceilings = levels.flatMap(({ maxPricePerHour: limit }) =>
    limit === null ? [] : [Number(limit.amount) * (Number(rates.get(limit.currency) ?? 1_000_000n) / 1e6)],
  );
  const wanted = gpu.models.flatMap((model) => acceptedGpus(model).gpus.map((one) => one.model));
  return {
    providers: common(levels, (level) => level.providers.allow),
    denied: new Set(levels.flatMap((level) => level.providers.deny)),
    countries: common(levels, (level) => level.countries),
    regions: common(levels, (level) => level.regions.allow),
    spot: spots.has('never') ? false : spots.has('only') ? true : null,
    maxPrice: ceilings.length === 0 ? null : Math.min(...ceilings),
    minCpus: cpus,
    minMemoryGiB: memoryGiB,
    gpus: gpu.count === 0 || wanted.length === 0 ? null : new Set(wanted),
    minGpuCount: gpu.count,
    minGpuMemoryGiB: gpu.count === 0 ? 0 : gpu.minMemoryGiB,
    nodes,
  };
}

function common(
  levels: readonly PlacementRules[],
  listOf: (rules: PlacementRules) => readonly string[],
): ReadonlySet<string> | null {
  const lists = levels.map(listOf).filter((list) => list.length > 0);
  const [first, ...others] = lists;
  return first === undefined
    ? null
    : new Set(first.filter((one) => others.every((list) => list.includes(one))));
}

export function matches(row: Row, filter: Filter): boolean {
  if (filter.providers !== null && !filter.providers.has(row.provider)) return false;
  if (filter.denied.has(row.provider)) return false;
  if (filter.countries !== null && !filter.countries.has(row.country)) return false;
  if (filter.regions !== null && !filter.regions.has(row.region)) return false;
  if (filter.maxPrice !== null && row.price > filter.maxPrice) return false;
  if (filter.spot !== null && row.spot !== filter.spot) return false;
  if (row.cpus < filter.minCpus || row.memoryGiB < filter.minMemoryGiB) return false;
  if (row.gpuCount < filter.minGpuCount) return false;
  if (filter.gpus !== null && (row.gpu === null || !filter.gpus.has(row.gpu))) return false;
  if (row.gpuMemoryGiB < filter.minGpuMemoryGiB) return false;
  return row.free >= filter.nodes;
}

/** All that fit, cheapest first, as the peers answer. */
export function scan(rows: readonly Row[], filter: Filter): Row[] {
  return rows.filter((row) => matches(row, filter)).sort((a, b) => a.price - b.price);
}

/** The least that a scheduler can do: the cheapest with room, by one loop, and it is taken. */
export function takeCheapest(rows: readonly Row[], filter: Filter): Row | null {
  let best: Row | null = null;
  for (const row of rows) if ((best === null || row.price < best.price) && matches(row, filter)) best = row;
  if (best !== null) best.free -= filter.nodes;
  return best;
}
