import { and, desc, eq, gt, inArray, lt, sql, type SQL } from 'drizzle-orm';
import type { Scope } from '../../core/access.ts';
import type { Objective } from '../../core/job.ts';
import type { OrganizationRow, ProjectRow } from '../apply/people.ts';
import { keys, organizations, projects } from '../schema.ts';
import type { KeyRow, Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

/** The key with this secret, whatever its state. */
export async function findKeyByHash(reader: Reader, secretHash: string): Promise<KeyRow | null> {
  const [row] = await reader.select().from(keys).where(eq(keys.secretHash, secretHash));
  return row ?? null;
}

export async function findKey(reader: Reader, id: string): Promise<KeyRow | null> {
  const [row] = await reader.select().from(keys).where(eq(keys.id, id));
  return row ?? null;
}

/** Newest first; `before` is the last id of the page before. */
export async function listKeys(reader: Reader, before: string | null, limit: number): Promise<Page<KeyRow>> {
  const rows = await reader
    .select()
    .from(keys)
    .where(before === null ? undefined : lt(keys.id, before))
    .orderBy(desc(keys.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

export async function findOrganization(reader: Reader, name: string): Promise<OrganizationRow | null> {
  const [row] = await reader.select().from(organizations).where(eq(organizations.name, name));
  return row ?? null;
}

/** An organization inside the scope; null: there is none of that name that may be seen. */
export async function findOrganizationIn(
  reader: Reader,
  scope: Scope,
  name: string,
): Promise<OrganizationRow | null> {
  const [row] = await reader
    .select()
    .from(organizations)
    .where(and(eq(organizations.name, name), organizationsIn(scope)));
  return row ?? null;
}

/** A project inside the scope; null: there is none of that name that may be seen. */
export async function findProjectIn(reader: Reader, scope: Scope, name: string): Promise<ProjectRow | null> {
  const [row] = await reader
    .select()
    .from(projects)
    .where(and(eq(projects.name, name), projectsIn(scope)));
  return row ?? null;
}

/** What a job inherits from where it belongs. */
export interface JobHome {
  readonly name: string;
  readonly organization: string;
  /** What jobs want that say nothing themselves. */
  readonly objective: Objective;
}

/** The project of this name as jobs see it. */
export async function findJobHome(reader: Reader, project: string): Promise<JobHome | null> {
  const [row] = await reader
    .select({
      name: projects.name,
      organization: projects.organization,
      objective: sql<Objective>`coalesce(${projects.rules}->>'objective', ${organizations.rules}->>'objective', 'cheapest')`,
    })
    .from(projects)
    .innerJoin(organizations, eq(organizations.name, projects.organization))
    .where(eq(projects.name, project));
  return row ?? null;
}

/** Which of these names are no projects. */
export async function missingProjects(reader: Reader, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const rows = await reader
    .select({ name: projects.name })
    .from(projects)
    .where(inArray(projects.name, [...names]));
  const known = new Set(rows.map((row) => row.name));
  return names.filter((name) => !known.has(name));
}

/** By name; `after` is the last name of the page before. */
export async function listOrganizations(
  reader: Reader,
  scope: Scope,
  after: string | null,
  limit: number,
): Promise<Page<OrganizationRow>> {
  const rows = await reader
    .select()
    .from(organizations)
    .where(and(organizationsIn(scope), after === null ? undefined : gt(organizations.name, after)))
    .orderBy(organizations.name)
    .limit(limit + 1);
  return toPage(rows, limit);
}

function organizationsIn(scope: Scope): SQL | undefined {
  if (scope.kind === 'all') return undefined;
  if (scope.kind === 'organization') return eq(organizations.name, scope.organization);
  if (scope.kind !== 'projects' || scope.projects.length === 0) return sql`false`;
  const names = [...scope.projects];
  return sql`${organizations.name} in (select ${projects.organization} from ${projects} where ${inArray(projects.name, names)})`;
}

/** By name; `after` is the last name of the page before. */
export async function listProjects(
  reader: Reader,
  scope: Scope,
  after: string | null,
  limit: number,
): Promise<Page<ProjectRow>> {
  const rows = await reader
    .select()
    .from(projects)
    .where(and(projectsIn(scope), after === null ? undefined : gt(projects.name, after)))
    .orderBy(projects.name)
    .limit(limit + 1);
  return toPage(rows, limit);
}

function projectsIn(scope: Scope): SQL | undefined {
  if (scope.kind === 'all') return undefined;
  if (scope.kind === 'organization') return eq(projects.organization, scope.organization);
  if (scope.kind !== 'projects' || scope.projects.length === 0) return sql`false`;
  return inArray(projects.name, [...scope.projects]);
}
