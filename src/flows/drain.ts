import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import type { ProviderMode } from '../core/provider.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { setProviderMode } from '../store/apply/health.ts';

/** Nothing new is placed on a draining provider; what runs there goes on. Draining already: nothing happens. */
export async function drainProvider(
  deps: Deps,
  actor: Actor,
  name: string,
  requestId: string | null,
): Promise<void> {
  await setMode(deps, actor, name, 'draining', requestId);
}

/** Takes a drain back. */
export async function resumeProvider(
  deps: Deps,
  actor: Actor,
  name: string,
  requestId: string | null,
): Promise<void> {
  await setMode(deps, actor, name, 'active', requestId);
  deps.bell.ring('place');
}

async function setMode(
  deps: Deps,
  actor: Actor,
  name: string,
  mode: ProviderMode,
  requestId: string | null,
): Promise<void> {
  const now = deps.clock.now();
  await deps.store.transaction(async (tx) => {
    const outcome = await setProviderMode(tx, name, mode);
    if (outcome === 'unknown') throw new Problem('not-found', 'There is no such provider.');
    if (outcome === 'same') return;
    const action = mode === 'draining' ? 'provider.drain' : 'provider.resume';
    await appendAudit(tx, now, [{ actor, action, target: name, requestId, data: {} }]);
  });
}
