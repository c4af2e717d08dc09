import type { z } from 'zod';
import { canonicalGpu } from '../src/core/gpu.ts';
import { parseMicros, type WireMoney } from '../src/core/money.ts';
import type { OfferTerms, PoolTerms } from '../src/core/offer-set.ts';
import { Problem, type ProblemDetailItem } from '../src/core/problem.ts';
import { bothSides } from '../src/core/rules-check.ts';
import type { OfferPatch } from '../src/store/apply/offers.ts';
import type { offerPatch, offerTerms } from './schemas/offer.ts';

type Written = z.output<typeof offerTerms>;
const ERRORS_SHOWN = 20;

/** The offers as the core has them, and the pools that they draw on, unique by name. */
export interface OfferSet {
  readonly offers: readonly OfferTerms[];
  readonly pools: readonly PoolTerms[];
}

/** What was written, as the core has it. Throws Problem impossible-spec, naming every offer that cannot be one. */
export function toOfferSet(offers: readonly Written[]): OfferSet {
  const names = new Set<string>();
  const pools = new Map<string, StatedPool>();
  const errors = offers.flatMap((offer, index) => {
    const at = `/${index}`;
    const twice = names.has(offer.name);
    names.add(offer.name);
    if (twice) return [{ pointer: `${at}/name`, detail: 'Another offer has this name.' }];
    return [...priceFaults(offer, at), ...formFaults(offer, at), ...poolFaults(offer, at, pools)];
  });
  if (errors.length === 0)
    return { offers: offers.map(toTerm), pools: [...pools.values()].map(({ pool }) => toPool(pool)) };
  throw new Problem('impossible-spec', 'These offers cannot be sold.', {
    errors: errors.slice(0, ERRORS_SHOWN),
  });
}

function priceFaults({ price, spotPrice }: Written, at: string): ProblemDetailItem[] {
  if (price == null && spotPrice == null)
    return [{ pointer: `${at}/price`, detail: 'One of `price` and `spotPrice` is needed.' }];
  if (price == null || spotPrice == null || price.currency === spotPrice.currency) return [];
  return [{ pointer: `${at}/spotPrice/currency`, detail: 'An offer has one currency.' }];
}

function formFaults({ gpu }: Written, at: string): ProblemDetailItem[] {
  if (gpu?.formFactor == null) return [];
  const { formFactor } = canonicalGpu(gpu.model, gpu.memoryGiB ?? null);
  if (formFactor === null || formFactor === gpu.formFactor) return [];
  return bothSides(
    [`${at}/gpu/model`, `It says ${formFactor}.`],
    [`${at}/gpu/formFactor`, `It says ${gpu.formFactor}.`],
  );
}

type WrittenPool = NonNullable<Written['pool']>;
interface StatedPool {
  /** Where it was stated first. */
  readonly at: string;
  readonly pool: WrittenPool;
}
const DIMENSIONS = ['gpus', 'cpus', 'memoryGiB'] as const;

/** Every offer that names a pool says the same of it, and fits into it. */
function poolFaults(offer: Written, at: string, pools: Map<string, StatedPool>): ProblemDetailItem[] {
  const { pool } = offer;
  if (pool == null) return [];
  const first = pools.get(pool.name);
  if (first === undefined) pools.set(pool.name, { at, pool });
  const before = first ?? { at, pool };
  const unlike = DIMENSIONS.filter((one) => (pool[one] ?? null) !== (before.pool[one] ?? null));
  const sizes = { gpus: offer.gpu?.count ?? 0, cpus: offer.cpus, memoryGiB: offer.memoryGiB };
  const tooLarge = DIMENSIONS.filter((one) => sizes[one] > (pool[one] ?? Infinity));
  return [
    ...unlike.flatMap((one) =>
      bothSides(
        [`${before.at}/pool/${one}`, `Another offer says otherwise of the pool ${pool.name}.`],
        [`${at}/pool/${one}`, `Another offer says otherwise of the pool ${pool.name}.`],
      ),
    ),
    ...tooLarge.flatMap((one) =>
      bothSides(
        [`${at}/${one === 'gpus' ? 'gpu/count' : one}`, 'It is more than its pool has.'],
        [`${at}/pool/${one}`, 'It is less than the offer needs.'],
      ),
    ),
  ];
}

const toPool = ({ name, gpus, cpus, memoryGiB }: WrittenPool): PoolTerms => ({
  name,
  gpus,
  cpuMillis: cpus == null ? null : Math.round(cpus * 1_000),
  memoryMiB: memoryGiB == null ? null : Math.round(memoryGiB * 1_024),
});

function toTerm(offer: Written): OfferTerms {
  const gpu = offer.gpu == null || offer.gpu.count === 0 ? null : offer.gpu;
  const known = gpu === null ? null : canonicalGpu(gpu.model, gpu.memoryGiB ?? null);
  return {
    name: offer.name,
    region: offer.region,
    gpuModel: known?.model ?? null,
    gpuCount: gpu?.count ?? 0,
    gpuMemoryGiB: known?.memoryGiB ?? gpu?.memoryGiB ?? 0,
    gpuFormFactor: gpu?.formFactor ?? known?.formFactor ?? null,
    cpus: offer.cpus,
    memoryGiB: offer.memoryGiB,
    capacity: offer.capacity,
    priceMicrosPerHour: micros(offer.price),
    spotPriceMicrosPerHour: micros(offer.spotPrice),
    currency: (offer.price ?? offer.spotPrice)?.currency ?? '',
    pool: offer.pool?.name ?? null,
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
