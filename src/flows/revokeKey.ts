import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { revokeKey as revoke } from '../store/apply/people.ts';
import { findKey } from '../store/read/people.ts';
import { ADMIN_KEY_ID } from './ensureAdminKey.ts';

/**
 * Ends a key, at once in this process and within a second in every other. Again: does nothing.
 * Problems: not-found; state-conflict for the installation's own key, which is changed in the settings (a service
 * without an admin could not be mended through its own door).
 */
export async function revokeKey(
  deps: Deps,
  actor: Actor,
  id: string,
  requestId: string,
): Promise<{ secretHash: string }> {
  const now = deps.clock.now();
  if (id === ADMIN_KEY_ID) {
    throw new Problem(
      'state-conflict',
      "The installation's own key is changed by NARU_ADMIN_KEY, not revoked.",
    );
  }
  return deps.store.transaction(async (tx) => {
    const row = await revoke(tx, id, now);
    if (row === null) {
      const known = await findKey(tx, id);
      if (known === null) throw new Problem('not-found', 'There is no such key.');
      return { secretHash: known.secretHash };
    }
    await appendAudit(tx, now, [
      { actor, action: 'key.revoke', target: id, requestId, data: { role: row.role } },
    ]);
    return { secretHash: row.secretHash };
  });
}
