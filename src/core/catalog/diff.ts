import type { CatalogDiff, ExistingOffer, ImportedOffer } from './types.ts';

const COMPARED = [
  'region',
  'gpuModel',
  'gpuCount',
  'gpuMemoryGiB',
  'gpuFormFactor',
  'cpus',
  'memoryGiB',
  'priceMicrosPerHour',
  'spotPriceMicrosPerHour',
  'currency',
] as const satisfies readonly (keyof ImportedOffer & keyof ExistingOffer)[];

/**
 * What to write so that a provider's live offers are those of the catalog. `existing` is everything that is stored
 * for the provider, withdrawn offers too. The same catalog twice changes nothing the second time.
 */
export function diffCatalog(
  existing: readonly ExistingOffer[],
  offers: readonly ImportedOffer[],
): CatalogDiff {
  const stored = new Map(existing.map((offer) => [offer.name, offer]));
  const live = (offer: ImportedOffer) => stored.get(offer.name)?.withdrawnAt === null;
  const imported = offers.filter((offer) => !live(offer));
  const updated = offers.filter((offer) => live(offer) && differs(offer, stored.get(offer.name)));
  const listed = new Set(offers.map((offer) => offer.name));
  const withdrawn = existing.filter((offer) => offer.withdrawnAt === null && !listed.has(offer.name));
  return {
    imported,
    updated,
    unchanged: offers.length - imported.length - updated.length,
    withdrawn: withdrawn.map((offer) => offer.name).sort((a, b) => (a < b ? -1 : 1)),
  };
}

function differs(offer: ImportedOffer, stored: ExistingOffer | undefined): boolean {
  return stored === undefined || COMPARED.some((field) => offer[field] !== stored[field]);
}
