import { judgeProviderDown } from '../core/failover.ts';
import { isOurOwnSilence, judgeHealth, type Judging, type Verdict } from '../core/health.ts';
import { SYSTEM } from '../core/access.ts';
import { responseTo } from '../core/response.ts';
import type { KeptSample } from '../core/scope.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { applyVerdict, readListening } from '../store/apply/health.ts';
import { loadContacts, type ContactRow } from '../store/load/health.ts';
import { loadHeld } from '../store/load/sync.ts';
import { LISTENING_GAP_MS } from './listen.ts';

/** Everybody's contact at one moment, and what it is judged by. */
export interface Standing {
  readonly now: Date;
  readonly contacts: readonly ContactRow[];
  readonly judging: Judging;
}

/** Null: nobody takes agents' calls just now (or only just), so their silence says nothing about them. */
export async function lookAround(deps: Deps): Promise<Standing | null> {
  const now = deps.clock.now();
  const listening = await deps.store.transaction((tx) => readListening(tx));
  if (listening === null || now.getTime() - listening.at.getTime() > LISTENING_GAP_MS) return null;
  const contacts = await loadContacts(deps.store.db, now);
  const judging = { listeningSince: listening.since, now, timing: deps.timing };
  return { now, contacts, judging: { ...judging, doubt: isOurOwnSilence(contacts, judging) } };
}

/**
 * Judges every provider's data plane, and gives up what runs on those that are down: verdict, fence and requeue are one
 * transaction, so no crash can leave a provider down with its jobs waiting on it.
 */
export async function healthPass(deps: Deps): Promise<void> {
  const standing = await lookAround(deps);
  if (standing === null) return;
  const { now, contacts, judging } = standing;
  deps.metrics.setOwnSilence(judging.doubt);
  for (const contact of contacts) {
    deps.metrics.setProviderHealth(contact.provider, contact.health);
    const verdict = judgeHealth(contact, judging);
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
      samples: samplesOf(contact, verdict),
    });
    if (!written) return null;
    const condition = { ...contact, data: verdict.health, cause: 'silence', lastedMs: 0 } as const;
    const lost = responseTo(condition, deps.timing) === 'move-all' ? await loadHeld(tx, provider, []) : [];
    const why = contact.parts === null ? undefined : `${provider} is down: ${verdict.reason}`.slice(0, 500);
    const changes = lost.flatMap((held) => judgeProviderDown(held, now, deps.timing, why));
    const applied = await applyChanges(tx, now, deps.terms, changes);
    const data = {
      from,
      to: verdict.health,
      reason: verdict.reason,
      requeued: applied.moved,
    };
    await appendAudit(tx, now, [
      { actor: SYSTEM, action: 'provider.verdict', target: provider, requestId: null, data },
    ]);
    return applied.moved;
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

/** What a verdict over a whole provider was made from: when it was heard, what its vendor says, and its parts' samples. */
function samplesOf(contact: ContactRow, verdict: Verdict): KeptSample[] {
  const { lastContactAt, vendorWord, parts } = contact;
  const common = { allocationId: null, good: verdict.health === 'healthy' };
  const heard =
    lastContactAt === null ? [] : [{ at: lastContactAt, kind: 'contact' as const, detail: 'last heard' }];
  const said =
    vendorWord === null
      ? []
      : [{ at: vendorWord.since, kind: 'word' as const, detail: `${vendorWord.level}: ${vendorWord.note}` }];
  const own = [...heard, ...said].map(({ at, kind, detail }) => ({
    ...common,
    at: at.toISOString(),
    kind,
    detail: detail.slice(0, 200),
  }));
  return [...own, ...(parts?.samples ?? [])].slice(0, 20);
}
