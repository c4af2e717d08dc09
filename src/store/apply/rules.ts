import { eq, sql } from 'drizzle-orm';
import type { RuleSet } from '../../core/rules.ts';
import { organizations, projects } from '../schema.ts';
import type { Tx } from '../store.ts';

/** Whose rules: there are two tables of the same three columns. */
export type RulesOwner = 'organization' | 'project';
const TABLES = { organization: organizations, project: projects } as const;

/** Rules as they are stored. */
export interface StoredRules {
  /** Null: none were ever set. */
  readonly rules: RuleSet | null;
  readonly rulesVersion: number;
  readonly rulesUpdatedAt: Date | null;
}

/** Held until the transaction ends, so that two changes take turns. Null: there is nobody of that name. */
export async function lockRules(tx: Tx, owner: RulesOwner, name: string): Promise<StoredRules | null> {
  const table = TABLES[owner];
  // Not `for update`: a job that is submitted refers to its project, and would wait.
  const [row] = await tx.select(columns(owner)).from(table).where(eq(table.name, name)).for('no key update');
  return row ?? null;
}

/** Replaces the rules of somebody who is locked by the caller. Placements that were decided by the old ones are stale. */
export async function replaceRules(
  tx: Tx,
  owner: RulesOwner,
  name: string,
  rules: RuleSet,
  now: Date,
): Promise<StoredRules> {
  const table = TABLES[owner];
  const [row] = await tx
    .update(table)
    .set({ rules, rulesVersion: sql`${table.rulesVersion} + 1`, rulesUpdatedAt: now })
    .where(eq(table.name, name))
    .returning(columns(owner));
  if (row === undefined) throw new Error(`the ${owner} ${name} was locked and is gone`);
  return row;
}

function columns(owner: RulesOwner) {
  const { rules, rulesVersion, rulesUpdatedAt } = TABLES[owner];
  return { rules, rulesVersion, rulesUpdatedAt };
}
