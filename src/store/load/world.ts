import type { ProviderTerms, WorldState } from '../../core/world.ts';
import { snapshot } from '../snapshot.ts';
import type { Store } from '../store.ts';
import { loadState, loadWorldProviders, type WorldAsked } from './state.ts';
import { loadTerms, type TermsCache } from './terms.ts';

/** The world that jobs are placed in, in two halves: see core/world.ts, which puts them together. */
export interface LoadedWorld {
  /** One for each provider, in the order of names; the same object as long as nothing of it changed. */
  readonly terms: readonly ProviderTerms[];
  readonly state: WorldState;
}

/**
 * The world of one moment. The queue is read outside of it: a job's placement is guarded by the job's own version, so
 * it may be of another moment.
 *
 * @param cache of this process; what it read before is not read again
 */
export function loadWorld(store: Store, cache: TermsCache, asked: WorldAsked): Promise<LoadedWorld> {
  return snapshot(store, async (tx) => {
    const rows = await loadWorldProviders(tx);
    const terms = await loadTerms(tx, cache, rows);
    return { terms, state: await loadState(tx, asked, rows) };
  });
}

/** How things stand, without what is sold. */
export function loadStateAt(store: Store, asked: WorldAsked): Promise<WorldState> {
  return snapshot(store, async (tx) => loadState(tx, asked, await loadWorldProviders(tx)));
}
