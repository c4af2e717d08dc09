import type { JobSpec } from '../../src/core/job.ts';
import { RATES, type Vendor } from './market.ts';

/** What the oracle looks at of an offer: written anew here, so that a mistake in the placement is not repeated. */
export interface OfferFacts {
  readonly provider: string;
  readonly name: string;
  readonly gpuModel: string | null;
  readonly gpuCount: number;
  readonly gpuMemoryGiB: number;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly region: string;
  readonly currency: string;
}

/** Which of its own words a job's placement breaks, whatever it costs; empty: none. */
export function brokenRules(spec: JobSpec, offer: OfferFacts, vendor: Vendor): string[] {
  const { gpu, cpus, memoryGiB } = spec.resources;
  const { providers, regions, countries } = spec.placement;
  const listed = (lists: { allow: readonly string[]; deny: readonly string[] }, name: string) =>
    (lists.allow.length === 0 || lists.allow.includes(name)) && !lists.deny.includes(name);
  const rules: [string, boolean][] = [
    ['gpu-count', offer.gpuCount >= gpu.count],
    ['gpu-model', gpu.count === 0 || gpu.models.length === 0 || gpu.models.includes(offer.gpuModel ?? '')],
    ['gpu-memory', gpu.count === 0 || offer.gpuMemoryGiB >= gpu.minMemoryGiB],
    ['cpus', offer.cpus >= cpus],
    ['memory', offer.memoryGiB >= memoryGiB],
    ['providers', listed(providers, offer.provider)],
    ['regions', listed(regions, offer.region)],
    ['countries', countries.length === 0 || countries.includes(vendor.site.country)],
  ];
  return rules.filter(([, kept]) => !kept).map(([rule]) => rule);
}

/** Does the price break the job's ceiling, or its word about spot? */
export function brokenPrice(
  spec: JobSpec,
  sale: { spot: boolean; listMicros: bigint; currency: string },
): string[] {
  const broken: string[] = [];
  if (sale.spot && spec.placement.spot === 'never') broken.push('spot');
  if (!sale.spot && spec.placement.spot === 'only') broken.push('spot');
  const rate = RATES.get(sale.currency);
  if (rate === undefined) broken.push('no-rate');
  const limit = spec.placement.maxPricePerHour;
  if (limit !== null) {
    const limitRate = RATES.get(limit.currency);
    if (limitRate === undefined) broken.push('no-rate');
    else if (rate !== undefined && sale.listMicros * rate > BigInt(limit.amount) * 1_000_000n * limitRate)
      broken.push('price');
  }
  return broken;
}
