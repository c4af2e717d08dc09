import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { OfferTerms, StoredTerms } from '../../core/offer-set.ts';
import { offers } from '../schema.ts';
import type { OfferRow, Tx } from '../store.ts';
import { bumpOffersVersion } from './providers.ts';

const ROWS_PER_INSERT = 1_000;

/** All of a provider's offers, withdrawn ones too. The provider's row is locked by the caller. */
export function offersOf(tx: Tx, provider: string): Promise<StoredTerms[]> {
  return tx.select().from(offers).where(eq(offers.provider, provider));
}

/** New offers, and new terms for those that are there; withdrawn ones are sold again. `used` is never touched. */
export async function putOffers(
  tx: Tx,
  provider: string,
  now: Date,
  terms: readonly OfferTerms[],
): Promise<void> {
  if (terms.length === 0) return;
  // In the order of names, as everybody who writes several offers does: no deadlock among them.
  const sorted = [...terms].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (let from = 0; from < sorted.length; from += ROWS_PER_INSERT) {
    const rows = sorted.slice(from, from + ROWS_PER_INSERT).map((offer) => toRow(provider, now, offer));
    await tx
      .insert(offers)
      .values(rows)
      .onConflictDoUpdate({ target: [offers.provider, offers.name], set: NEW_TERMS });
  }
  await bumpOffersVersion(tx, provider);
}

const excluded = (column: string) => sql.raw(`excluded.${column}`);
const NEW_TERMS = {
  region: excluded('region'),
  gpuModel: excluded('gpu_model'),
  gpuCount: excluded('gpu_count'),
  gpuMemoryGiB: excluded('gpu_memory_gib'),
  gpuFormFactor: excluded('gpu_form_factor'),
  cpus: excluded('cpus'),
  memoryGiB: excluded('memory_gib'),
  capacity: excluded('capacity'),
  priceMicrosPerHour: excluded('price_micros_per_hour'),
  spotPriceMicrosPerHour: excluded('spot_price_micros_per_hour'),
  currency: excluded('currency'),
  pool: excluded('pool'),
  effectiveFrom: excluded('effective_from'),
  listed: excluded('listed'),
  withdrawnAt: sql`null`,
  version: sql`${offers.version} + 1`,
  updatedAt: excluded('updated_at'),
};

function toRow(provider: string, now: Date, offer: OfferTerms): typeof offers.$inferInsert {
  return {
    provider,
    name: offer.name,
    region: offer.region,
    gpuModel: offer.gpuModel,
    gpuCount: offer.gpuCount,
    gpuMemoryGiB: offer.gpuMemoryGiB,
    gpuFormFactor: offer.gpuFormFactor,
    cpus: offer.cpus,
    memoryGiB: offer.memoryGiB,
    capacity: offer.capacity,
    priceMicrosPerHour: offer.priceMicrosPerHour,
    spotPriceMicrosPerHour: offer.spotPriceMicrosPerHour,
    currency: offer.currency,
    pool: offer.pool,
    effectiveFrom: offer.effectiveFrom,
    listed: offer.listed,
    updatedAt: now,
  };
}

/** Takes offers off the market; what runs there goes on. */
export async function withdrawOffers(
  tx: Tx,
  provider: string,
  now: Date,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  await tx
    .update(offers)
    .set({ withdrawnAt: now, updatedAt: now, version: sql`${offers.version} + 1` })
    .where(and(eq(offers.provider, provider), inArray(offers.name, [...names]), isNull(offers.withdrawnAt)));
  await bumpOffersVersion(tx, provider);
}

/** What may be said anew about one offer. Absent: stays. */
export interface OfferPatch {
  readonly capacity?: number | undefined;
  readonly priceMicrosPerHour?: bigint | null | undefined;
  readonly spotPriceMicrosPerHour?: bigint | null | undefined;
  readonly currency?: string | undefined;
  readonly effectiveFrom?: Date | null | undefined;
}

/** Guarded by the version read under the provider's lock; null: withdrawn, or another version by now. */
export async function patchOffer(
  tx: Tx,
  now: Date,
  offer: Pick<OfferRow, 'provider' | 'name' | 'version'>,
  patch: OfferPatch,
): Promise<OfferRow | null> {
  const [row] = await tx
    .update(offers)
    .set({ ...patch, updatedAt: now, version: sql`${offers.version} + 1` })
    .where(
      and(
        eq(offers.provider, offer.provider),
        eq(offers.name, offer.name),
        eq(offers.version, offer.version),
        isNull(offers.withdrawnAt),
      ),
    )
    .returning();
  if (row === undefined) return null;
  await bumpOffersVersion(tx, offer.provider);
  return row;
}
