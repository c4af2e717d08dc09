import { gt } from 'drizzle-orm';
import type { Policies, PolicyName } from '../../core/policy.ts';
import type { RuleSet } from '../../core/rules.ts';
import type { WorldState } from '../../core/world.ts';
import { organizations, policies, projects } from '../schema.ts';
import type { Reader } from '../store.ts';

interface RulesRow {
  readonly name: string;
  readonly rules: RuleSet | null;
  readonly version: number;
}

/** Rules of everybody who has any, and the version of everybody's that were ever changed. */
export async function loadRules(reader: Reader): Promise<Pick<WorldState, 'rules' | 'rulesVersions'>> {
  const ofOrganizations = await rulesOf(reader, organizations);
  const ofProjects = await rulesOf(reader, projects);
  return {
    rules: { organizations: present(ofOrganizations), projects: present(ofProjects) },
    rulesVersions: { organizations: versions(ofOrganizations), projects: versions(ofProjects) },
  };
}

function rulesOf(reader: Reader, table: typeof organizations | typeof projects): Promise<RulesRow[]> {
  return reader
    .select({ name: table.name, rules: table.rules, version: table.rulesVersion })
    .from(table)
    .where(gt(table.rulesVersion, 0));
}

const present = (rows: readonly RulesRow[]) =>
  new Map(rows.flatMap(({ name, rules }) => (rules === null ? [] : [[name, rules] as const])));
const versions = (rows: readonly RulesRow[]) => new Map(rows.map(({ name, version }) => [name, version]));

const FIELDS: Readonly<Record<PolicyName, keyof Policies>> = {
  'data-grades': 'dataGrades',
  'capacity-classes': 'capacityClasses',
  'gpu-speeds': 'gpuSpeeds',
};

/** Tables are never removed and their versions only grow, so the sum is another one after every change. */
export function policiesVersionOf(rows: readonly { readonly version: number }[]): number {
  return rows.reduce((sum, { version }) => sum + version, 0);
}

/** The stored tables, and the default where one is not stored. Checked when they were put, so they are what they say. */
export async function loadPolicies(
  reader: Reader,
  defaults: Policies,
): Promise<Pick<WorldState, 'policies' | 'policiesVersion'>> {
  const { name, body, version } = policies;
  const rows = await reader.select({ name, body, version }).from(policies);
  return {
    policies: { ...defaults, ...Object.fromEntries(rows.map((row) => [FIELDS[row.name], row.body])) },
    policiesVersion: policiesVersionOf(rows),
  };
}
