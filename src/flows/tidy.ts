import type { Deps } from '../deps.ts';
import { expireIdempotency } from '../store/apply/idempotency.ts';
import { sweepCheckpoints } from './checkpoint.ts';

const DAY_MS = 86_400_000;

/** Housekeeping: what nobody can ask for any more goes. */
export async function tidy(deps: Deps): Promise<void> {
  const now = deps.clock.now();
  await expireIdempotency(deps.store, new Date(now.getTime() - DAY_MS));
  await sweepCheckpoints(deps);
}
