import type { Actor } from '../core/access.ts';
import { attestationAfter, type AttestationChange } from '../core/attestation.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import {
  lockProvider,
  patchProvider as patchRow,
  type Attestation,
  type ProviderPatch,
} from '../store/apply/providers.ts';
import type { ProviderRow } from '../store/store.ts';

/** What is written of it. */
const ATTESTED: Readonly<Record<AttestationChange, (actor: Actor, now: Date) => Partial<Attestation>>> = {
  vouch: (actor, now) => ({ attestedAt: now, attestedBy: actor.role }),
  withdraw: () => ({ attestedAt: null, attestedBy: null }),
  keep: () => ({}),
};

/**
 * Says something anew about a provider. Somebody of the service who states its realm or certifications vouches for
 * them; a vendor who changes them takes back what was vouched for. `version`: only if it still is that one (null: whatever it is).
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
    const before = await lockProvider(tx, name);
    if (before === null) throw new Problem('not-found', 'There is no such provider.');
    const attestation = attestationAfter(actor, before, patch);
    const patched = await patchRow(tx, name, version, { ...patch, ...ATTESTED[attestation](actor, now) });
    if (patched === null)
      throw new Problem('precondition-failed', 'The provider has changed since you read it; read it again.');
    await appendAudit(tx, now, [
      { actor, action: 'provider.change', target: name, requestId, data: { ...patch, attestation } },
    ]);
    return patched;
  });
  deps.bell.ring('place');
  return row;
}
