import { formatMicros } from '../money.ts';
import type { Lot } from './market.ts';
import type { Request } from './request.ts';
import type { RuleName } from './rules.ts';

type Detail = (request: Request, lot: Lot) => string;

/** What exactly a rule found wrong with one offer, for a person who reads the decision. */
const DETAILS: Readonly<Record<RuleName, Detail>> = {
  withdrawn: (_, { offer }) => `withdrawn at ${offer.withdrawnAt?.toISOString()}`,
  nodes: ({ spec }) => `is one machine, ${spec.resources.nodes} nodes were asked for`,
  'gpu-count': ({ spec }, { offer }) => `has ${offer.gpuCount} of ${spec.resources.gpu.count} GPUs`,
  'gpu-model': (_, { offer }) => (offer.gpuModel === null ? 'has no GPU' : `has ${offer.gpuModel}`),
  'gpu-memory': ({ spec }, { offer }) =>
    `a device has ${offer.gpuMemoryGiB} of ${spec.resources.gpu.minMemoryGiB} GiB`,
  cpus: ({ spec }, { offer }) => `has ${offer.cpus} of ${spec.resources.cpus} CPUs`,
  memory: ({ spec }, { offer }) => `has ${offer.memoryGiB} of ${spec.resources.memoryGiB} GiB`,
  providers: (_, { provider }) => `provider ${provider.name} is not allowed`,
  countries: (_, { provider }) => `is in ${provider.site.country}`,
  regions: (_, { offer }) => `region ${offer.region} is not allowed`,
  spot: ({ spec }) => (spec.placement.spot === 'never' ? 'is sold as spot only' : 'has no spot price'),
  'not-yet-effective': (_, { offer }) => `counts from ${offer.effectiveFrom?.toISOString()}`,
  price: costs,
  'no-rate': (request, { offer, rateMicros }) =>
    rateMicros === null
      ? `its currency ${offer.currency} has no exchange rate`
      : `the ceiling's currency ${request.spec.placement.maxPricePerHour?.currency} has no exchange rate`,
  draining: (_, { provider }) => `provider ${provider.name} is draining`,
  health: (_, { provider }) => `provider ${provider.name} is ${provider.health}`,
  capacity: (_, { offer }) => `all ${offer.capacity} are taken`,
};

export function whatIsWrong(rule: RuleName, request: Request, lot: Lot): string {
  return DETAILS[rule](request, lot);
}

function costs({ spec }: Request, { offer }: Lot): string {
  const limit = spec.placement.maxPricePerHour;
  const wanted = spec.placement.spot === 'only' ? offer.spotPriceMicrosPerHour : offer.priceMicrosPerHour;
  const price = wanted ?? offer.spotPriceMicrosPerHour ?? 0n;
  return `costs ${formatMicros(price)} ${offer.currency} an hour, the ceiling is ${limit?.amount} ${limit?.currency}`;
}
