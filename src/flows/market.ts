import type { Market } from '../core/placement/market.ts';
import { marketOf, stateOf } from '../core/placement/decide.ts';
import type { State } from '../core/placement/pass.ts';
import type { Deps } from '../deps.ts';
import { loadWorld } from '../store/load/placement.ts';

/** What can be bought at `now`, and who has taken what: all that a decision about one job needs. */
export async function currentMarket(
  deps: Deps,
  now: Date,
): Promise<{ readonly market: Market; readonly state: State }> {
  const loaded = await loadWorld(deps.store.db, now);
  const world = { now, currency: deps.config.currency, ...loaded };
  return { market: marketOf(world), state: stateOf(world) };
}
