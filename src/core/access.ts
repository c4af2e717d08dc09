/** Roles of people and programs. `agent` is the key of one provider's agent and opens nothing but its own door. */
export const ROLES = ['admin', 'operator', 'budgetOfficer', 'member', 'vendor', 'auditor', 'agent'] as const;
export type Role = (typeof ROLES)[number];

/** Who is asking. */
export interface Actor {
  /** Key id; `system` for the service itself. */
  readonly id: string;
  readonly role: Role | 'system';
  /** Member: the projects that it may use. */
  readonly projects: readonly string[];
  /** Budget officer: its organization. */
  readonly organization: string | null;
  /** Vendor: whose providers. */
  readonly vendor: string | null;
  /** Agent: its provider. */
  readonly provider: string | null;
}

export const SYSTEM: Actor = {
  id: 'system',
  role: 'system',
  projects: [],
  organization: null,
  vendor: null,
  provider: null,
};

/** Everything that a door can be opened for. A route names one; who may is decided here and nowhere else. */
export const PERMISSIONS = {
  'people.write': ['admin'],
  'keys.read': ['admin', 'auditor'],
  'people.read': ['admin', 'operator', 'budgetOfficer', 'member', 'auditor'],
  'jobs.read': ['admin', 'operator', 'budgetOfficer', 'member', 'auditor'],
  'jobs.write': ['admin', 'operator', 'member'],
  'jobs.move': ['admin', 'operator'],
  'quotes.read': ['admin', 'operator', 'budgetOfficer', 'member', 'auditor'],
  // A quote takes and reserves nothing, so whoever answers for the money may ask, too.
  'quotes.write': ['admin', 'operator', 'budgetOfficer', 'member'],
  'providers.read': ['admin', 'operator', 'vendor', 'auditor'],
  'providers.write': ['admin', 'operator', 'vendor'],
  // For realm and certificates, which decide whose data may go there: not the vendor's own to vouch for.
  'providers.attest': ['admin', 'operator'],
  // Whoever writes a job's spec has to know what is on the market; a quote shows the same.
  'offers.read': ['admin', 'operator', 'budgetOfficer', 'member', 'vendor', 'auditor'],
  'rates.read': ['admin', 'operator', 'budgetOfficer', 'member', 'vendor', 'auditor'],
  // A rate changes what everybody is charged, so it is not an operator's to set.
  'rates.write': ['admin'],
  'costs.read': ['admin', 'operator', 'budgetOfficer', 'member', 'auditor'],
  // What the whole installation comes to is no tenant's to know.
  'months.read': ['admin', 'operator', 'auditor'],
  // It cannot be taken back.
  'months.close': ['admin'],
  'rules.read': ['admin', 'operator', 'budgetOfficer', 'member', 'auditor'],
  'rules.write': ['admin'],
  'policies.read': ['admin', 'operator', 'budgetOfficer', 'member', 'vendor', 'auditor'],
  'policies.write': ['admin'],
  'drills.read': ['admin', 'operator', 'auditor'],
  'drills.write': ['admin', 'operator'],
  'budgets.read': ['admin', 'operator', 'budgetOfficer', 'member', 'auditor'],
  'budgets.write': ['admin', 'budgetOfficer'],
  // What was charged is corrected by whoever answers for the money.
  'corrections.write': ['admin', 'budgetOfficer'],
  // Whoever answers for the money, and never whoever asks for it.
  'jobs.approve': ['admin', 'budgetOfficer'],
  'webhooks.read': ['admin', 'operator', 'budgetOfficer', 'auditor'],
  // Whoever answers for money says who is told of it.
  'webhooks.write': ['admin', 'budgetOfficer'],
  'audit.read': ['admin', 'auditor'],
  agent: ['agent'],
} as const satisfies Record<string, readonly Role[]>;
export type Permission = keyof typeof PERMISSIONS;

/** Does the role open that door at all? What it may touch behind it is a question of scope. */
export function may(actor: Actor, permission: Permission): boolean {
  return actor.role === 'system' || (PERMISSIONS[permission] as readonly string[]).includes(actor.role);
}

/** What an actor may see of a kind of thing: everything, or only what carries one of these names. */
export type Scope =
  | { readonly kind: 'all' }
  | { readonly kind: 'projects'; readonly projects: readonly string[] }
  | { readonly kind: 'organization'; readonly organization: string }
  | { readonly kind: 'vendor'; readonly vendor: string }
  | { readonly kind: 'nothing' };

const EVERYTHING: Scope = { kind: 'all' };
const NOTHING: Scope = { kind: 'nothing' };

/** Whose jobs, projects and organizations an actor sees. */
export function tenantScope(actor: Actor): Scope {
  switch (actor.role) {
    case 'system':
    case 'admin':
    case 'operator':
    case 'auditor':
      return EVERYTHING;
    case 'member':
      return { kind: 'projects', projects: actor.projects };
    case 'budgetOfficer':
      return actor.organization === null
        ? NOTHING
        : { kind: 'organization', organization: actor.organization };
    case 'vendor':
    case 'agent':
      return NOTHING;
  }
}

/** Whose providers and offers an actor sees. Tenants see the whole market, vendors never each other. */
export function vendorScope(actor: Actor): Scope {
  if (actor.role === 'vendor')
    return actor.vendor === null ? NOTHING : { kind: 'vendor', vendor: actor.vendor };
  return actor.role === 'agent' ? NOTHING : EVERYTHING;
}

/** Is a project, or a job of it, inside the scope? */
export function coversProject(
  scope: Scope,
  project: { readonly name: string; readonly organization: string },
): boolean {
  if (scope.kind === 'all') return true;
  if (scope.kind === 'projects') return scope.projects.includes(project.name);
  return scope.kind === 'organization' && scope.organization === project.organization;
}

/** Is a vendor's provider inside the scope? */
export function coversVendor(scope: Scope, vendor: string): boolean {
  return scope.kind === 'all' || (scope.kind === 'vendor' && scope.vendor === vendor);
}

/**
 * A vendor may bring its own machines, by an agent. Everything else that a provider can be runs with the
 * service's own hands (a command on its machine, its credentials for a cluster), so only operators add those.
 */
export function mayRegisterProvider(
  actor: Actor,
  provider: { readonly vendor: string; readonly brokerKind: string },
): boolean {
  if (actor.role !== 'vendor') return may(actor, 'providers.write');
  return actor.vendor === provider.vendor && provider.brokerKind === 'agent';
}

/** What a key of a role must and may say about whom it serves. */
export const KEY_FIELDS: Readonly<
  Record<Role, readonly ('projects' | 'organization' | 'vendor' | 'provider')[]>
> = {
  admin: [],
  operator: [],
  auditor: [],
  member: ['projects'],
  budgetOfficer: ['organization'],
  vendor: ['vendor'],
  agent: ['provider'],
};
