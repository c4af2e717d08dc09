import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import type { VendorLevel } from '../core/provider-status.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertHealth, lockProvider } from '../store/apply/providers.ts';
import type { HealthRow } from '../store/read/providers.ts';
import { once, type Answer, type Ask } from './once.ts';

export interface VendorWord {
  readonly level: VendorLevel;
  readonly from: Date | null;
  readonly until: Date | null;
  readonly note: string;
}

/**
 * Records what a vendor itself says of its provider. It stands beside our own verdict and does not replace it.
 * Problems: not-found, impossible-spec (`until` is not after `from`).
 */
export function recordVendorStatus<Body>(
  deps: Deps,
  actor: Actor,
  provider: string,
  word: VendorWord,
  ask: Ask<HealthRow, Body>,
): Promise<Answer<Body>> {
  const now = deps.clock.now();
  const from = word.from ?? now;
  if (word.until !== null && word.until <= from) {
    const errors = [{ pointer: '/until', detail: 'It has to be after `from`.' }];
    throw new Problem('impossible-spec', 'The span ends before it begins.', { errors });
  }
  return once(deps, actor, ask, now, async (tx) => {
    if ((await lockProvider(tx, provider)) === null)
      throw new Problem('not-found', 'There is no such provider.');
    const row = await insertHealth(tx, {
      provider,
      at: now,
      source: 'vendor',
      state: word.level,
      reason: word.note,
      validFrom: from,
      validUntil: word.until,
    });
    const data = { level: word.level, from, until: word.until, note: word.note };
    await appendAudit(tx, now, [
      { actor, action: 'provider.status', target: provider, requestId: ask.requestId, data },
    ]);
    return row;
  });
}
