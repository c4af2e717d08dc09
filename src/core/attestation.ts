import { may, type Actor } from './access.ts';
import { canonicalJson } from './canonical.ts';
import type { Certification, Realm, Site } from './provider.ts';

/**
 * Certificates and realms that are not public decide whose data may go to a provider, so they count only when
 * somebody of the service has vouched for them as they are, not the vendor for itself.
 */
export interface Vouched {
  readonly realm: Realm;
  readonly certifications: readonly Certification[];
  /** Only its country: rules ask where the machines stand, too. */
  readonly site: Pick<Site, 'country'>;
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
  if (may(actor, 'providers.attest'))
    return said.realm !== undefined || said.certifications !== undefined ? 'vouch' : 'keep';
  return before !== null && !differs(before, said) ? 'keep' : 'withdraw';
}

function differs(before: Vouched, said: Parameters<typeof attestationAfter>[2]): boolean {
  const { realm = before.realm, certifications = before.certifications, site = before.site } = said;
  return (
    realm !== before.realm ||
    site.country !== before.site.country ||
    canonicalJson(certifications) !== canonicalJson(before.certifications)
  );
}
