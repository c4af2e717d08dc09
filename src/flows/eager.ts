import { isEager, moveEagerly, responseTo, type Condition } from '../core/response.ts';
import { ANY, isClosed, nameOf, type Scope } from '../core/scope.ts';
import type { Deps } from '../deps.ts';
import { applyChanges } from '../store/apply/changes.ts';
import type { ContactRow } from '../store/load/health.ts';
import {
  anybodyElse,
  loadMovable,
  loadScopes,
  type MovableKind,
  type ScopeRow,
} from '../store/load/scopes.ts';
import type { Standing } from './health.ts';

/** Of one provider and pass: those who take them in are not trampled. */
const AT_ONCE = 50;

/** What leaves in good order, and why. */
interface Leaving {
  readonly provider: string;
  readonly scope: Scope;
  readonly which: MovableKind;
  readonly detail: string;
}

/**
 * Moves out of places that are being hurt what must not stop, before those places are given up; and out of places that
 * start nothing what waits there for its start. Both are told to stop and save, as by an operator's move; nothing else
 * that runs is touched. Only where somebody else takes work.
 */
export async function moveOut(deps: Deps, { now, contacts }: Standing): Promise<void> {
  const scopes = await loadScopes(deps.store.db);
  const leaving = [
    ...contacts.flatMap((contact) => byWord(deps, contact, now)),
    ...scopes.flatMap((row) => byScope(deps, row, now)),
  ];
  for (const one of leaving) {
    if (await anybodyElse(deps.store.db, one.provider)) await lead(deps, now, one);
  }
}

/** The vendor says that running work is in danger, or will be. */
function byWord(deps: Deps, contact: ContactRow, now: Date): Leaving[] {
  const { provider, vendorWord: word } = contact;
  if (word === null || contact.health !== 'degraded') return [];
  const cause = word.level === 'degraded' ? 'hint' : 'harm';
  const condition: Condition = { ...contact, data: 'degraded', cause, lastedMs: since(word.since, now) };
  if (responseTo(condition, deps.timing) !== 'move-eager') return [];
  const detail = `the vendor of ${provider} says ${word.level}: ${word.note}`.slice(0, 500);
  return [{ provider, scope: { region: ANY, gpuModel: ANY }, which: { kind: 'eager' }, detail }];
}

function byScope(deps: Deps, row: ScopeRow, now: Date): Leaving[] {
  const { provider, region, gpuModel, plane, state, reason } = row;
  if (!isClosed(state)) return [];
  const scope = { region, gpuModel };
  const detail = `${nameOf(scope)} at ${provider} is ${state}: ${reason}`.slice(0, 500);
  if (plane === 'control') {
    const late = new Date(now.getTime() - deps.timing.launchMs);
    return [{ provider, scope, which: { kind: 'overdue', late }, detail }];
  }
  const condition = { control: 'unknown', data: state, cause: 'harm', mode: 'active' } as const;
  const response = responseTo({ ...condition, lastedMs: since(row.since, now) }, deps.timing);
  return response === 'move-eager' ? [{ provider, scope, which: { kind: 'eager' }, detail }] : [];
}

const since = (then: Date, now: Date): number => now.getTime() - then.getTime();

async function lead(deps: Deps, now: Date, { provider, scope, which, detail }: Leaving): Promise<void> {
  const moved = await deps.store.transaction(async (tx) => {
    const held = await loadMovable(tx, provider, scope, which, AT_ONCE);
    const going = which.kind === 'eager' ? held.filter(isEager) : held;
    const changes = going.flatMap((one) => moveEagerly(one, detail, now, deps.timing));
    const applied = await applyChanges(tx, now, deps.terms, changes);
    return applied.moved;
  });
  if (moved === 0) return;
  deps.log.warn({ provider, moved }, `work leaves ${provider}: ${detail}`);
  deps.metrics.countMoves('provider-degraded', moved);
  deps.watch.changed();
  deps.bell.ring('place');
}
