import type { Deps } from '../deps.ts';
import { expireIdempotency } from '../store/apply/idempotency.ts';
import { dropOldQuotes } from '../store/apply/quotes.ts';
import { dropOldGpuFaults } from '../store/apply/scopes.ts';
import { dropOldDeliveries } from '../store/apply/webhooks.ts';
import { sweepCheckpoints } from './checkpoint.ts';

const DAY_MS = 86_400_000;
/** Long enough to look at what a job was promised when its bill is asked about. */
const QUOTE_KEPT_MS = 7 * DAY_MS;

/** Verdicts keep what they were made from; this is for whoever looks at a machine. */
const GPU_FAULTS_KEPT_MS = 30 * DAY_MS;

/** As long as a quarter's budget may be asked about. */
const DELIVERIES_KEPT_MS = 90 * DAY_MS;

/** Housekeeping: what nobody can ask for any more goes. */
export async function tidy(deps: Deps): Promise<void> {
  const now = deps.clock.now();
  await expireIdempotency(deps.store, new Date(now.getTime() - DAY_MS));
  await dropOldQuotes(deps.store, new Date(now.getTime() - QUOTE_KEPT_MS));
  await deps.store.transaction((tx) => dropOldGpuFaults(tx, new Date(now.getTime() - GPU_FAULTS_KEPT_MS)));
  await dropOldDeliveries(deps.store, new Date(now.getTime() - DELIVERIES_KEPT_MS));
  await sweepCheckpoints(deps);
}
