import type { z } from 'zod';
import { canonicalGpu } from '../src/core/gpu.ts';
import { parseMicros, type WireMoney } from '../src/core/money.ts';
import type { OfferTerms } from '../src/core/offer-set.ts';
import { Problem, type ProblemDetailItem } from '../src/core/problem.ts';
import type { OfferPatch } from '../src/store/apply/offers.ts';
import type { offerPatch, offerTerms } from './schemas/offer.ts';

type Written = z.output<typeof offerTerms>;
const ERRORS_SHOWN = 20;

/** The offers as the core has them. Throws Problem impossible-spec, naming every offer that cannot be one. */
export function toTerms(offers: readonly Written[]): OfferTerms[] {
  const names = new Set<string>();
  const errors = offers.flatMap((offer, index) => {
    const twice = names.has(offer.name);
    names.add(offer.name);
    return twice
      ? [{ pointer: `/${index}/name`, detail: 'Another offer has this name.' }]
      : faults(offer, `/${index}`);
  });
  if (errors.length === 0) return offers.map(toTerm);
  throw new Problem('impossible-spec', 'These offers cannot be sold.', {
    errors: errors.slice(0, ERRORS_SHOWN),
  });
}

function faults({ price, spotPrice }: Written, pointer: string): ProblemDetailItem[] {
  if (price == null && spotPrice == null)
    return [{ pointer: `${pointer}/price`, detail: 'One of `price` and `spotPrice` is needed.' }];
  if (price == null || spotPrice == null || price.currency === spotPrice.currency) return [];
  return [{ pointer: `${pointer}/spotPrice/currency`, detail: 'An offer has one currency.' }];
}

function toTerm(offer: Written): OfferTerms {
  const gpu = offer.gpu == null || offer.gpu.count === 0 ? null : offer.gpu;
  const known = gpu === null ? null : canonicalGpu(gpu.model, gpu.memoryGiB ?? null);
  return {
    name: offer.name,
    region: offer.region,
    gpuModel: known?.model ?? null,
    gpuCount: gpu?.count ?? 0,
    gpuMemoryGiB: known?.memoryGiB ?? gpu?.memoryGiB ?? 0,
    cpus: offer.cpus,
    memoryGiB: offer.memoryGiB,
    capacity: offer.capacity,
    priceMicrosPerHour: micros(offer.price),
    spotPriceMicrosPerHour: micros(offer.spotPrice),
    currency: (offer.price ?? offer.spotPrice)?.currency ?? '',
    effectiveFrom: offer.effectiveFrom == null ? null : new Date(offer.effectiveFrom),
    listed: gpu !== null && known !== null && gpu.model !== known.model ? { gpu } : null,
  };
}

const micros = (money: WireMoney | null | undefined): bigint | null =>
  money == null ? null : parseMicros(money.amount);

/** What a patch changes; what it does not name stays. Throws Problem impossible-spec for two currencies. */
export function toPatch(body: z.output<typeof offerPatch>): OfferPatch {
  const { price, spotPrice, effectiveFrom } = body;
  if (price != null && spotPrice != null && price.currency !== spotPrice.currency) {
    const errors = [{ pointer: '/spotPrice/currency', detail: 'An offer has one currency.' }];
    throw new Problem('impossible-spec', 'An offer has one currency.', { errors });
  }
  return {
    ...(body.capacity !== undefined && { capacity: body.capacity }),
    ...(price !== undefined && { priceMicrosPerHour: micros(price) }),
    ...(spotPrice !== undefined && { spotPriceMicrosPerHour: micros(spotPrice) }),
    ...((price ?? spotPrice) != null && { currency: (price ?? spotPrice)?.currency }),
    ...(effectiveFrom !== undefined && {
      effectiveFrom: effectiveFrom === null ? null : new Date(effectiveFrom),
    }),
  };
}
