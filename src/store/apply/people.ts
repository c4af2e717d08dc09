import { and, eq, isNull, sql } from 'drizzle-orm';
import { keys, organizations, projects } from '../schema.ts';
import type { KeyRow, Tx } from '../store.ts';

export type OrganizationRow = typeof organizations.$inferSelect;
export type ProjectRow = typeof projects.$inferSelect;
export type NewOrganization = typeof organizations.$inferInsert;
export type NewProject = typeof projects.$inferInsert;
export type NewKey = typeof keys.$inferInsert;

/** Null: the name is taken. */
export async function insertOrganization(tx: Tx, row: NewOrganization): Promise<OrganizationRow | null> {
  const [made] = await tx.insert(organizations).values(row).onConflictDoNothing().returning();
  return made ?? null;
}

/** Null: the name is taken. The organization must exist (a foreign key says so). */
export async function insertProject(tx: Tx, row: NewProject): Promise<ProjectRow | null> {
  const [made] = await tx.insert(projects).values(row).onConflictDoNothing().returning();
  return made ?? null;
}

export async function insertKey(tx: Tx, row: NewKey): Promise<KeyRow> {
  const [made] = await tx.insert(keys).values(row).returning();
  if (made === undefined) throw new Error('an insert of a key returned nothing');
  return made;
}

/** Null: there is no such key, or it was revoked before. */
export async function revokeKey(tx: Tx, id: string, now: Date): Promise<KeyRow | null> {
  const [row] = await tx
    .update(keys)
    .set({ revokedAt: now })
    .where(and(eq(keys.id, id), isNull(keys.revokedAt)))
    .returning();
  return row ?? null;
}

/**
 * The installation's own key, which is configured rather than made. True when this changed anything.
 * Only the hash is ever replaced: a new secret in the settings ends the old one.
 */
export async function upsertAdminKey(tx: Tx, row: NewKey): Promise<boolean> {
  const changed = await tx
    .insert(keys)
    .values(row)
    .onConflictDoUpdate({
      target: keys.id,
      set: { secretHash: row.secretHash, revokedAt: null, expiresAt: null },
      setWhere: sql`${keys.secretHash} <> excluded.secret_hash or ${keys.revokedAt} is not null`,
    })
    .returning({ id: keys.id });
  return changed.length > 0;
}
