import { and, eq, sql } from 'drizzle-orm';
import type { Certification, Realm, Site } from '../../core/provider.ts';
import type { HealthRow } from '../read/providers.ts';
import { providerHealth, providers } from '../schema.ts';
import type { ProviderRow, Tx } from '../store.ts';

export type NewProvider = typeof providers.$inferInsert;
export type NewHealth = typeof providerHealth.$inferInsert;

/** What may be said anew about a provider. Absent: stays. */
export interface ProviderPatch {
  readonly site?: Site | undefined;
  readonly realm?: Realm | undefined;
  readonly certifications?: Certification[] | undefined;
}

/** That somebody vouched for realm and certifications as they are, or that nobody has. */
export interface Attestation {
  readonly attestedAt: Date | null;
  /** The role of who did; the audit knows the key. */
  readonly attestedBy: string | null;
}

/** Null: the name is taken. */
export async function insertProvider(tx: Tx, row: NewProvider): Promise<ProviderRow | null> {
  const [made] = await tx.insert(providers).values(row).onConflictDoNothing().returning();
  return made ?? null;
}

/** Guarded by the version that the plan was made against; null: it is another one by now, or there is no such provider. */
export async function patchProvider(
  tx: Tx,
  name: string,
  version: number | null,
  patch: ProviderPatch & Partial<Attestation>,
): Promise<ProviderRow | null> {
  const [row] = await tx
    .update(providers)
    .set({ ...patch, version: sql`${providers.version} + 1` })
    .where(and(eq(providers.name, name), version === null ? undefined : eq(providers.version, version)))
    .returning();
  return row ?? null;
}

/** Holds the provider's row until the transaction ends, so that two replacements of its offers take turns. */
export async function lockProvider(tx: Tx, name: string): Promise<ProviderRow | null> {
  const [row] = await tx.select().from(providers).where(eq(providers.name, name)).for('no key update');
  return row ?? null;
}

/** One more line of a provider's health history. */
export async function insertHealth(tx: Tx, row: NewHealth): Promise<HealthRow> {
  const [made] = await tx.insert(providerHealth).values(row).returning();
  if (made === undefined) throw new Error('an insert of a health row returned nothing');
  return made;
}

/**
 * The terms of what it sells are others from now on: whoever keeps a catalog reads it anew. To be called by every
 * function that writes terms of offers or pools, in the transaction that does.
 */
export async function bumpOffersVersion(tx: Tx, name: string): Promise<void> {
  await tx
    .update(providers)
    .set({ offersVersion: sql`${providers.offersVersion} + 1` })
    .where(eq(providers.name, name));
}
