import type { Deps } from '../deps.ts';
import { meterRunning } from '../store/apply/meter.ts';

/** Brings the seconds and the cost of everything that runs up to date, in one statement. The bill is final at release. */
export async function meterPass(deps: Deps): Promise<number> {
  const now = deps.clock.now();
  return deps.store.transaction((tx) => meterRunning(tx, now, deps.timing.leaseSeconds));
}
