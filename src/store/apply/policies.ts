import { eq, sql } from 'drizzle-orm';
import { POLICY_NAMES, POLICY_TABLES, type Policies, type PolicyName } from '../../core/policy.ts';
import { policies } from '../schema.ts';
import type { Tx } from '../store.ts';

export type PolicyRow = typeof policies.$inferSelect;

/** Stores the tables that are missing, as they come with the program. Returns the names of those; others stay. */
export async function seedPolicies(tx: Tx, defaults: Policies, now: Date, by: string): Promise<PolicyName[]> {
  const rows = POLICY_NAMES.map((name) => ({
    name,
    body: [...defaults[POLICY_TABLES[name]]],
    updatedAt: now,
    updatedBy: by,
  }));
  const made = await tx
    .insert(policies)
    .values(rows)
    .onConflictDoNothing()
    .returning({ name: policies.name });
  return made.map(({ name }) => name);
}

/** A table, held until the transaction ends, so that two replacements take turns. Null: it is not stored. */
export async function lockPolicy(tx: Tx, name: PolicyName): Promise<PolicyRow | null> {
  const [row] = await tx.select().from(policies).where(eq(policies.name, name)).for('update');
  return row ?? null;
}

/** Replaces a table that is locked by the caller. */
export async function replacePolicy(
  tx: Tx,
  name: PolicyName,
  body: readonly unknown[],
  now: Date,
  by: string,
): Promise<PolicyRow> {
  const [row] = await tx
    .update(policies)
    .set({ body: [...body], version: sql`${policies.version} + 1`, updatedAt: now, updatedBy: by })
    .where(eq(policies.name, name))
    .returning();
  if (row === undefined) throw new Error(`the policy ${name} was locked and is gone`);
  return row;
}
