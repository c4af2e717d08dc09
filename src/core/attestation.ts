import { may, type Actor } from './access.ts';
import { canonicalJson } from './canonical.ts';
import type { Certification, Realm } from './provider.ts';

/**
 * Certificates and realms that are not public decide whose data may go to a provider, so they count only when
 * somebody of the service has vouched for them as they are, not the vendor for itself.
 */
export interface Vouched {
  readonly realm: Realm;
  readonly certifications: readonly Certification[];
}

/** What a statement about a provider does to what was vouched for. */
export type AttestationChange = 'vouch' | 'withdraw' | 'keep';

/**
 * @param before null: it is new
 * @param said what is stated now; absent: stays
 */
export function attestationAfter(
  actor: Actor,
  before: Vouched | null,
  said: { readonly [Key in keyof Vouched]?: Vouched[Key] | undefined },
): AttestationChange {
  const states = said.realm !== undefined || said.certifications !== undefined;
  if (!states) return 'keep';
  if (may(actor, 'providers.attest')) return 'vouch';
  return before !== null && !differs(before, said) ? 'keep' : 'withdraw';
}

function differs(before: Vouched, said: Parameters<typeof attestationAfter>[2]): boolean {
  const { realm = before.realm, certifications = before.certifications } = said;
  return realm !== before.realm || canonicalJson(certifications) !== canonicalJson(before.certifications);
}
