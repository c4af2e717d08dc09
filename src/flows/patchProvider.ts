import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { lockProvider, patchProvider as patchRow, type ProviderPatch } from '../store/apply/providers.ts';
import type { ProviderRow } from '../store/store.ts';

/**
 * Says something anew about a provider. `version`: only if it still is that one (null: whatever it is).
 * Problems: not-found, precondition-failed.
 */
export async function patchProvider(
  deps: Deps,
  actor: Actor,
  name: string,
  version: number | null,
  patch: ProviderPatch,
  requestId: string,
): Promise<ProviderRow> {
  const now = deps.clock.now();
  const row = await deps.store.transaction(async (tx) => {
    if ((await lockProvider(tx, name)) === null) throw new Problem('not-found', 'There is no such provider.');
    const patched = await patchRow(tx, name, version, patch);
    if (patched === null)
      throw new Problem('precondition-failed', 'The provider has changed since you read it; read it again.');
    await appendAudit(tx, now, [
      { actor, action: 'provider.change', target: name, requestId, data: { ...patch } },
    ]);
    return patched;
  });
  deps.bell.ring('place');
  return row;
}
