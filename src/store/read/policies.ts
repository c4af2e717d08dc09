import { eq } from 'drizzle-orm';
import { POLICY_TABLES, type Policies, type PolicyName, type PolicyRows } from '../../core/policy.ts';
import { defaultPolicies } from '../../core/policy-defaults.ts';
import { policies } from '../schema.ts';
import type { Reader } from '../store.ts';

/** A stored table, or what the program came with where none is stored. */
export interface StoredPolicy<Name extends PolicyName = PolicyName> {
  readonly name: Name;
  readonly rows: PolicyRows<Name>;
  /** 1 is the table that the program came with, stored or not. */
  readonly version: number;
  /** Null: not stored. */
  readonly updatedAt: Date | null;
}

/** One table. Its rows were checked when they were put, so they are what the type says. */
export async function findPolicy<Name extends PolicyName>(
  reader: Reader,
  name: Name,
): Promise<StoredPolicy<Name>> {
  const [row] = await reader.select().from(policies).where(eq(policies.name, name));
  if (row === undefined)
    return { name, rows: defaultPolicies()[POLICY_TABLES[name]], version: 1, updatedAt: null };
  return {
    name,
    rows: row.body as unknown as PolicyRows<Name>,
    version: row.version,
    updatedAt: row.updatedAt,
  };
}

/** All of them, as they count now. */
export async function readPolicies(reader: Reader): Promise<Policies> {
  const rows = await reader.select({ name: policies.name, body: policies.body }).from(policies);
  return {
    ...defaultPolicies(),
    ...Object.fromEntries(rows.map(({ name, body }) => [POLICY_TABLES[name], body])),
  };
}
