import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { loadCuts } from '../store/load/cuts.ts';

/**
 * The door that a drill closes: what it has cut off is answered as if the network were gone. What is behind it is
 * kept and sent again later, as after a real outage.
 */
export async function refuseWhileCut(
  deps: Pick<Deps, 'clock' | 'store'>,
  provider: string,
  allocationId: string | null,
): Promise<void> {
  const { whole, cut } = await loadCuts(deps.store.db, deps.clock.now(), provider);
  if (whole || (allocationId !== null && cut.has(allocationId))) throw cutOff();
}

export function cutOff(): Problem {
  return new Problem('unavailable', 'A drill is going on: this provider is cut off.', {
    retryAfterSeconds: 1,
  });
}

/** Those of which a word is believed. */
export function heardOnly<T extends { readonly allocationId: string }>(
  held: readonly T[],
  cut: ReadonlySet<string>,
): T[] {
  return held.filter(({ allocationId }) => !cut.has(allocationId));
}
