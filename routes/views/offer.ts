import { convertMicros, formatMicros, toWire } from '../../src/core/money.ts';
import type { ImportResult } from '../../src/flows/importCatalog.ts';
import type { OfferView, PoolRow } from '../../src/store/read/offers.ts';
import type { RateRow } from '../../src/store/read/rates.ts';

export function renderOffer({ offer, country, pool, rateMicros }: OfferView, accountingCurrency: string) {
  const { priceMicrosPerHour: price, spotPriceMicrosPerHour: spotPrice, currency } = offer;
  const listed = (micros: bigint | null) => (micros === null ? null : toWire(micros, currency));
  const accounting = (micros: bigint | null) =>
    micros === null || rateMicros === null
      ? null
      : toWire(convertMicros(micros, rateMicros), accountingCurrency);
  return {
    provider: offer.provider,
    name: offer.name,
    region: offer.region,
    country,
    gpu:
      offer.gpuModel === null
        ? null
        : {
            model: offer.gpuModel,
            count: offer.gpuCount,
            memoryGiB: offer.gpuMemoryGiB,
            formFactor: offer.gpuFormFactor,
          },
    cpus: offer.cpus,
    memoryGiB: offer.memoryGiB,
    capacity: offer.capacity,
    used: offer.used,
    pool: pool === null ? null : renderPool(pool),
    price: listed(price),
    spotPrice: listed(spotPrice),
    accountingPrice: accounting(price),
    accountingSpotPrice: accounting(spotPrice),
    notPlaceable:
      rateMicros === null ? `There is no exchange rate from ${currency} to ${accountingCurrency}.` : null,
    effectiveFrom: offer.effectiveFrom?.toISOString() ?? null,
    listed: offer.listed,
    version: offer.version,
    updatedAt: offer.updatedAt.toISOString(),
  };
}

const cpusOf = (millis: number) => millis / 1_000;
const gibOf = (mib: number) => mib / 1_024;

function renderPool(pool: PoolRow) {
  return {
    name: pool.name,
    gpus: pool.gpus,
    cpus: pool.cpuMillis === null ? null : cpusOf(pool.cpuMillis),
    memoryGiB: pool.memoryMiB === null ? null : gibOf(pool.memoryMiB),
    used: {
      gpus: pool.usedGpus,
      cpus: cpusOf(pool.usedCpuMillis),
      memoryGiB: gibOf(pool.usedMemoryMiB),
    },
  };
}

export function renderImport({ diff, parsed }: ImportResult) {
  return {
    imported: diff.imported.length,
    updated: diff.updated.length,
    unchanged: diff.unchanged,
    withdrawn: diff.withdrawn.length,
    skipped: parsed.skipped.map(({ line, reason }) => ({ line, reason })),
    skippedRows: parsed.skippedRows,
  };
}

export function renderRate(row: RateRow, accountingCurrency: string) {
  return {
    currency: row.currency,
    accountingCurrency,
    rate: formatMicros(row.rateMicros),
    asOf: row.asOf.toISOString(),
  };
}
