import type { Actor } from '../core/access.ts';
import { refuseReserved } from '../core/drill/reserved.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertOrganization, type OrganizationRow } from '../store/apply/people.ts';
import { once, type Answer, type Ask } from './once.ts';

/** A new tenant. Problems: state-conflict (the name is taken), impossible-spec (it is reserved). */
export function createOrganization<Body>(
  deps: Deps,
  actor: Actor,
  input: { readonly name: string },
  ask: Ask<OrganizationRow, Body>,
): Promise<Answer<Body>> {
  refuseReserved(input.name, '/name');
  const now = deps.clock.now();
  return once(deps, actor, ask, now, async (tx) => {
    const row = await insertOrganization(tx, { name: input.name, createdAt: now });
    if (row === null) throw new Problem('state-conflict', 'There is an organization of this name already.');
    const target = row.name;
    await appendAudit(tx, now, [
      { actor, action: 'organization.create', target, requestId: ask.requestId, data: {} },
    ]);
    return row;
  });
}
