import { defaultPolicies } from '../core/policy-defaults.ts';
import type { Market } from '../core/placement/market.ts';
import { marketFrom, partOf, type Part } from '../core/placement/record.ts';
import type { ProviderTerms, WorldState } from '../core/world.ts';
import type { Deps } from '../deps.ts';
import { loadWorld } from '../store/load/world.ts';
import type { TermsCache } from '../store/load/terms.ts';
import type { Store } from '../store/store.ts';

/** The market as it is: what is sold as an index (kept while nobody changes what is sold), and how things stand. */
export interface CurrentMarket {
  readonly market: Market;
  readonly terms: readonly ProviderTerms[];
  readonly state: WorldState;
}

/** What a process keeps of the market between two looks. */
interface Kept {
  readonly terms: TermsCache;
  made: { readonly from: CurrentMarket } | null;
  /** Of terms as a part of a record: made once, as catalogs are large and rarely change. */
  readonly parts: WeakMap<ProviderTerms, Part>;
}

const kept = new WeakMap<Store, Kept>();

function keptFor(store: Store): Kept {
  let known = kept.get(store);
  if (known === undefined) kept.set(store, (known = { terms: new Map(), made: null, parts: new WeakMap() }));
  return known;
}

export async function currentMarket(deps: Pick<Deps, 'store' | 'config'>, now: Date): Promise<CurrentMarket> {
  const keep = keptFor(deps.store);
  const asked = { now, currency: deps.config.currency, defaults: defaultPolicies() };
  const { terms, state } = await loadWorld(deps.store, keep.terms, asked);
  const before = keep.made?.from;
  const market =
    before !== undefined && sameTerms(before, terms, state)
      ? before.market
      : marketFrom(terms, state, state.providers);
  const current = { market, terms, state };
  keep.made = { from: current };
  return current;
}

/** A market is made of terms, rates and the names of providers. */
function sameTerms(
  before: CurrentMarket,
  terms: readonly ProviderTerms[],
  { rates, providers }: WorldState,
): boolean {
  const { rates: old, providers: known } = before.state;
  return (
    before.terms.length === terms.length &&
    terms.every((one, index) => before.terms[index] === one) &&
    known.length === providers.length &&
    providers.every(({ name }, index) => known[index]?.name === name) &&
    old.size === rates.size &&
    [...rates].every(([currency, rate]) => old.get(currency) === rate)
  );
}

export function termsPart(deps: Pick<Deps, 'store'>): (terms: ProviderTerms) => Part {
  const { parts } = keptFor(deps.store);
  return (terms) => {
    const known = parts.get(terms);
    if (known !== undefined) return known;
    const made = partOf(terms);
    parts.set(terms, made);
    return made;
  };
}
