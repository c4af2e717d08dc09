import { judgeProviderDown } from '../core/failover.ts';
import { isOurOwnSilence, judgeHealth, type Verdict } from '../core/health.ts';
import { SYSTEM } from '../core/access.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { applyVerdict, readListening } from '../store/apply/health.ts';
import { loadContacts, type ContactRow } from '../store/load/health.ts';
import { loadHeld } from '../store/load/sync.ts';
import { LISTENING_GAP_MS } from './listen.ts';

/**
 * Judges every provider, and gives up what runs on those that are down: verdict, fence and requeue are one
 * transaction, so no crash can leave a provider down with its jobs waiting on it.
 */
export async function healthPass(deps: Deps): Promise<void> {
  const now = deps.clock.now();
  const listening = await deps.store.transaction((tx) => readListening(tx));
  // Nobody takes agents' calls just now (or only just): their silence says nothing about them.
  if (listening === null || now.getTime() - listening.at.getTime() > LISTENING_GAP_MS) return;
  const contacts = await loadContacts(deps.store.db, now);
  const judging = { listeningSince: listening.since, now, timing: deps.timing };
  const doubt = isOurOwnSilence(contacts, judging);
  deps.metrics.setOwnSilence(doubt);
  for (const contact of contacts) {
    deps.metrics.setProviderHealth(contact.provider, contact.health);
    const verdict = judgeHealth(contact, { ...judging, doubt });
    if (verdict !== null) await enforce(deps, now, contact, verdict);
  }
}

async function enforce(deps: Deps, now: Date, contact: ContactRow, verdict: Verdict): Promise<void> {
  const { provider, health: from, lastContactAt } = contact;
  const moved = await deps.store.transaction(async (tx) => {
    const written = await applyVerdict(tx, now, {
      provider,
      from,
      to: verdict.health,
      reason: verdict.reason,
      lastContactAt,
    });
    if (!written) return null;
    const lost = verdict.health === 'down' ? await loadHeld(tx, provider, []) : [];
    const changes = lost.flatMap((held) => judgeProviderDown(held, now, deps.timing));
    const applied = await applyChanges(tx, now, deps.timing.leaseSeconds, changes);
    const data = { from, to: verdict.health, reason: verdict.reason, requeued: applied.jobs.queued ?? 0 };
    await appendAudit(tx, now, [
      { actor: SYSTEM, action: 'provider.verdict', target: provider, requestId: null, data },
    ]);
    return applied.jobs.queued ?? 0;
  });
  if (moved === null) return;
  deps.metrics.setProviderHealth(provider, verdict.health);
  const level = verdict.health === 'healthy' ? 'info' : 'warn';
  deps.log[level](
    { provider, from, to: verdict.health, requeued: moved },
    `provider is ${verdict.health}: ${verdict.reason}`,
  );
  if (moved > 0) deps.metrics.countMoves('provider-down', moved);
  deps.watch.changed();
  deps.bell.ring('place');
}
