import { SYSTEM } from '../core/access.ts';
import { sha256Hex } from '../core/canonical.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { upsertAdminKey } from '../store/apply/people.ts';
import { findKey } from '../store/read/people.ts';

/** The id of the installation's own key. */
export const ADMIN_KEY_ID = 'key-admin';

/**
 * Makes `secret` the installation's own key, and the only one of its id: another secret than at the last start
 * ends the old one. Several replicas may do this at once.
 */
export async function ensureAdminKey(deps: Pick<Deps, 'store' | 'clock'>, secret: string): Promise<void> {
  const now = deps.clock.now();
  await deps.store.transaction(async (tx) => {
    const changed = await upsertAdminKey(tx, {
      id: ADMIN_KEY_ID,
      role: 'admin',
      secretHash: sha256Hex(secret),
      projects: [],
      note: 'of the installation',
      createdAt: now,
      createdBy: SYSTEM.id,
    });
    if (!changed) return;
    const target = ADMIN_KEY_ID;
    await appendAudit(tx, now, [
      { actor: SYSTEM, action: 'key.configure', target, requestId: null, data: { role: 'admin' } },
    ]);
  });
}

/** Has this installation a key of its own already? */
export async function hasAdminKey(deps: Pick<Deps, 'store'>): Promise<boolean> {
  return (await findKey(deps.store.db, ADMIN_KEY_ID)) !== null;
}
