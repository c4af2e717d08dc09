import { SYSTEM, type Actor } from '../core/access.ts';
import { checkPolicy } from '../core/policy-check.ts';
import { defaultPolicies } from '../core/policy-defaults.ts';
import type { PolicyName, PolicyRows } from '../core/policy.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { lockPolicy, replacePolicy, seedPolicies } from '../store/apply/policies.ts';
import type { StoredPolicy } from '../store/read/policies.ts';

const ERRORS_SHOWN = 20;

/**
 * Replaces a table. GPUs are stored by their canonical names. What waits is judged by it at once, what runs stays.
 * `version`: only if it still is that one (null: whatever it is).
 * Problems: impossible-spec (the table contradicts itself), precondition-failed.
 */
export async function putPolicy<Name extends PolicyName>(
  deps: Deps,
  actor: Actor,
  name: Name,
  version: number | null,
  rows: PolicyRows<Name>,
  requestId: string,
): Promise<StoredPolicy<Name>> {
  const now = deps.clock.now();
  const wanted = checked(name, rows);
  const stored = await deps.store.transaction(async (tx) => {
    // What is not stored yet counts as it comes with the program, so that is what is replaced.
    await seedPolicies(tx, defaultPolicies(), now, SYSTEM.id);
    const before = await lockPolicy(tx, name);
    if (before === null || (version !== null && before.version !== version))
      throw new Problem('precondition-failed', 'The table has changed since you read it; read it again.');
    const after = await replacePolicy(tx, name, wanted, now, actor.id);
    const data = { before: before.body, after: wanted, version: after.version };
    await appendAudit(tx, now, [{ actor, action: 'policy.change', target: name, requestId, data }]);
    return { name, rows: wanted, version: after.version, updatedAt: after.updatedAt };
  });
  deps.bell.ring('place');
  return stored;
}

function checked<Name extends PolicyName>(name: Name, rows: PolicyRows<Name>): PolicyRows<Name> {
  const { rows: canonical, errors } = checkPolicy(name, rows);
  if (errors.length === 0) return canonical;
  throw new Problem('impossible-spec', 'The table contradicts itself.', {
    errors: errors.slice(0, ERRORS_SHOWN),
  });
}
