import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { lockProvider, patchProvider as patchRow } from '../store/apply/providers.ts';
import type { ProviderRow } from '../store/store.ts';

/**
 * Vouches for a provider's realm and certifications as they are now. `version`: only if it still is that one (null:
 * whatever it is). Again: it is vouched for anew, with a new date.
 * Problems: not-found, precondition-failed.
 */
export async function attestProvider(
  deps: Deps,
  actor: Actor,
  name: string,
  version: number | null,
  requestId: string,
): Promise<ProviderRow> {
  const now = deps.clock.now();
  const row = await deps.store.transaction(async (tx) => {
    if ((await lockProvider(tx, name)) === null) throw new Problem('not-found', 'There is no such provider.');
    const attested = await patchRow(tx, name, version, { attestedAt: now, attestedBy: actor.role });
    if (attested === null)
      throw new Problem('precondition-failed', 'The provider has changed since you read it; read it again.');
    const { realm, certifications } = attested;
    const data = { realm, certifications };
    await appendAudit(tx, now, [{ actor, action: 'provider.attest', target: name, requestId, data }]);
    return attested;
  });
  deps.bell.ring('place');
  return row;
}
