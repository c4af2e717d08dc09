import type { Pool } from './offer.ts';
import type { VerifiedPair } from './drill/verified.ts';
import type { Shape } from './placement/mix.ts';
import type { PlacementOffer, PlacementProvider, World } from './placement/types.ts';

/**
 * A world in two halves: terms, which change rarely and are many, and state, which changes with every placement and is
 * small. Whoever keeps something made of the terms (an index) knows by identity whether it is still right: the same
 * object is the same terms.
 */
export interface ProviderTerms {
  readonly provider: string;
  /** providers.offers_version that they are of. */
  readonly version: number;
  /** What is sold: withdrawn offers are left out. In the order of names. */
  readonly offers: readonly TermsOfOffer[];
  readonly pools: readonly TermsOfPool[];
}

/** As if nothing of it were in use, so that an offer of which nothing is goes into a world as the same object. */
export interface TermsOfOffer extends PlacementOffer {
  readonly used: 0;
}

/** As if nothing of it were in use. */
export interface TermsOfPool extends Pool {
  readonly usedGpus: 0;
  readonly usedCpuMillis: 0;
  readonly usedMemoryMiB: 0;
}

/** A world but for the terms of its offers and pools. */
export interface WorldState extends Pick<
  World,
  'now' | 'currency' | 'rates' | 'rules' | 'policies' | 'verifiedPairs'
> {
  readonly providers: readonly PlacementProvider[];
  /** By provider; only what is in use at all, withdrawn offers included. */
  readonly uses: ReadonlyMap<string, ProviderUse>;
  /** What holds of pools now, by shape and model, most popular first. */
  readonly demand: readonly Shape[];
  /** Of the same moment as `rules`: what a placement is guarded by. */
  readonly rulesVersions: RulesVersions;
  /** Of the same moment as `providers`: how often each was said something anew about (realm, certificates, mode). */
  readonly providerVersions: ReadonlyMap<string, number>;
  /** Of the same moment as `policies`: another number as soon as any of them is replaced. */
  readonly policiesVersion: number;
  /** Who was seen to take over from whom, as far as it still holds. Not recorded: no decision depends on it yet. */
  readonly verifiedPairs?: readonly VerifiedPair[];
}

export interface ProviderUse {
  /** Offer → places that allocations hold. */
  readonly offers: ReadonlyMap<string, number>;
  readonly pools: ReadonlyMap<string, PoolUse>;
}

export type PoolUse = Pick<Pool, 'usedGpus' | 'usedCpuMillis' | 'usedMemoryMiB'>;

/** How often the rules of each were changed; absent: never. */
export interface RulesVersions {
  readonly organizations: ReadonlyMap<string, number>;
  readonly projects: ReadonlyMap<string, number>;
}

/** The rules' versions that a decision about a project's jobs was made with. */
export function rulesSeen(
  { rulesVersions: { organizations, projects } }: Pick<WorldState, 'rulesVersions'>,
  organization: string,
  project: string,
): { readonly organizationRulesVersion: number; readonly projectRulesVersion: number } {
  return {
    organizationRulesVersion: organizations.get(organization) ?? 0,
    projectRulesVersion: projects.get(project) ?? 0,
  };
}

/** The two halves put together. Only offers and pools that are in use are made anew. */
export function worldOf(terms: readonly ProviderTerms[], state: WorldState): World {
  const { now, currency, rates, providers, rules, policies } = state;
  const offers: PlacementOffer[] = [];
  const pools: Pool[] = [];
  for (const { provider, offers: sold, pools: owned } of terms) {
    const use = state.uses.get(provider);
    for (const offer of sold) offers.push(withUse(offer, use?.offers.get(offer.name)));
    for (const pool of owned) pools.push(withPoolUse(pool, use?.pools.get(pool.name)));
  }
  return { now, currency, rates, providers, offers, pools, rules, policies };
}

const withUse = (offer: TermsOfOffer, used: number | undefined): PlacementOffer =>
  used === undefined ? offer : { ...offer, used };
const withPoolUse = (pool: TermsOfPool, use: PoolUse | undefined): Pool =>
  use === undefined ? pool : { ...pool, ...use };
