import { SYSTEM } from '../core/access.ts';
import { defaultPolicies } from '../core/policy-defaults.ts';
import { POLICY_TABLES } from '../core/policy.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { seedPolicies } from '../store/apply/policies.ts';

/**
 * Stores the tables of rules that this installation has not got, as they come with the program; those that it has stay,
 * whatever a newer program comes with. Several replicas may do this at once.
 */
export async function ensurePolicies(deps: Pick<Deps, 'store' | 'clock'>): Promise<void> {
  const now = deps.clock.now();
  const defaults = defaultPolicies();
  await deps.store.transaction(async (tx) => {
    const made = await seedPolicies(tx, defaults, now, SYSTEM.id);
    const entries = made.map((name) => ({
      actor: SYSTEM,
      action: 'policy.seed',
      target: name,
      requestId: null,
      data: { rows: defaults[POLICY_TABLES[name]].length },
    }));
    await appendAudit(tx, now, entries);
  });
}
