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
