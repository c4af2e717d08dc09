import type { Deps } from '../deps.ts';
import { noteListening } from '../store/apply/health.ts';

const EVERY_MS = 500;
/** Nobody of ours noted anything for this long: agents could not have been heard. */
export const LISTENING_GAP_MS = 1_500;

/**
 * Says, again and again until `signal`, that this process takes agents' calls. Without it the engine judges nobody:
 * silence while we were away is our own.
 */
export async function listen(deps: Deps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await noteOnce(deps).catch((error: unknown) =>
      deps.log.warn({ err: error }, 'could not note that we listen'),
    );
    await deps.clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}

/** One note. */
export async function noteOnce(deps: Deps): Promise<void> {
  const now = deps.clock.now();
  await deps.store.transaction((tx) => noteListening(tx, now, LISTENING_GAP_MS));
}
