import type { Actor } from '../core/access.ts';
import { refuseReserved } from '../core/drill/reserved.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertProject, type ProjectRow } from '../store/apply/people.ts';
import { findOrganization } from '../store/read/people.ts';
import { once, type Answer, type Ask } from './once.ts';

/**
 * A new project of an organization. Problems: not-found (the organization), state-conflict (the name is taken),
 * impossible-spec (a name is reserved).
 */
export function createProject<Body>(
  deps: Deps,
  actor: Actor,
  input: { readonly name: string; readonly organization: string },
  ask: Ask<ProjectRow, Body>,
): Promise<Answer<Body>> {
  refuseReserved(input.name, '/name');
  refuseReserved(input.organization, '/organization');
  const now = deps.clock.now();
  return once(deps, actor, ask, now, async (tx) => {
    if ((await findOrganization(tx, input.organization)) === null) {
      const errors = [{ pointer: '/organization', detail: 'There is no such organization.' }];
      throw new Problem('not-found', 'There is no such organization.', { errors });
    }
    const row = await insertProject(tx, { ...input, createdAt: now });
    if (row === null) throw new Problem('state-conflict', 'There is a project of this name already.');
    const data = { organization: row.organization };
    const target = row.name;
    await appendAudit(tx, now, [{ actor, action: 'project.create', target, requestId: ask.requestId, data }]);
    return row;
  });
}
