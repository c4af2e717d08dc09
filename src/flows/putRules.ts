import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import { ruleContradictions } from '../core/rules-check.ts';
import { NO_RULES, type RuleSet } from '../core/rules.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { lockRules, replaceRules, type RulesOwner, type StoredRules } from '../store/apply/rules.ts';

/** Whose rules. */
export interface RulesOf {
  readonly owner: RulesOwner;
  readonly name: string;
}

/**
 * Replaces the placement rules of an organization or a project; what waits is judged by them at once, what runs stays
 * where it is. `version`: only if it still is that one (null: whatever it is).
 * Problems: impossible-spec (they contradict themselves), not-found, precondition-failed.
 */
export async function putRules(
  deps: Deps,
  actor: Actor,
  of: RulesOf,
  version: number | null,
  rules: RuleSet,
  requestId: string,
): Promise<StoredRules> {
  const now = deps.clock.now();
  const { owner, name } = of;
  const errors = ruleContradictions(rules, '');
  if (errors.length > 0) throw new Problem('impossible-spec', 'The rules contradict themselves.', { errors });
  const row = await deps.store.transaction(async (tx) => {
    const before = await lockRules(tx, owner, name);
    if (before === null) throw new Problem('not-found', `There is no such ${owner}.`);
    if (version !== null && before.rulesVersion !== version)
      throw new Problem(
        'precondition-failed',
        'The rules have changed since you read them; read them again.',
      );
    const after = await replaceRules(tx, owner, name, rules, now);
    const data = { before: before.rules ?? NO_RULES, after: rules };
    const target = `${owner}/${name}`;
    await appendAudit(tx, now, [{ actor, action: 'rules.change', target, requestId, data }]);
    return after;
  });
  deps.bell.ring('place');
  return row;
}
