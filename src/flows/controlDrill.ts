import type { Actor } from '../core/access.ts';
import { takesHold } from '../core/drill/drill.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { changeDrill, lockDrill, type DrillRow } from '../store/apply/drills.ts';
import type { Tx } from '../store/store.ts';
import { confirmation, refuseSecond } from './createDrill.ts';
import { restore } from './drillEnd.ts';

/**
 * Lets a planned drill begin. Who planned it may also confirm it; its report says so.
 *
 * Problems: `not-found`; `state-conflict` where there is nothing to confirm, a job in scope would fail, or another
 * drill holds one of its providers.
 */
export async function confirmDrill(
  deps: Deps,
  actor: Actor,
  id: string,
  requestId: string | null,
): Promise<DrillRow> {
  const now = deps.clock.now();
  return deps.store.transaction(async (tx) => {
    const drill = await found(tx, id);
    if (drill.state !== 'planned') throw new Problem('state-conflict', `The drill is ${drill.state}.`);
    if (drill.startsAt !== null && drill.startsAt <= now)
      throw new Problem('state-conflict', 'It starts already.');
    const fatal = drill.plan?.jobs.find(({ mode }) => mode === 'none');
    if (fatal !== undefined && drill.spec.scenario.kind !== 'degradation')
      throw new Problem('state-conflict', `The job ${fatal.jobId} would fail: its continuity.mode is none.`);
    if (takesHold(drill.spec)) await refuseSecond(tx, now, id, drill.providers);
    const row = await changeDrill(tx, id, 'planned', { startsAt: now, ...confirmation(actor, now) });
    await appendAudit(tx, now, [{ actor, action: 'drill.confirm', target: id, requestId, data: {} }]);
    return row ?? drill;
  });
}

/**
 * Ends a drill: what is cut off is heard again at once, its canaries are cancelled by the engine. A planned one is
 * over; a series ends with it. Again while it is being restored: nothing happens.
 *
 * Problems: `not-found`; `state-conflict` for one that is over.
 */
export async function cancelDrill(
  deps: Deps,
  actor: Actor,
  id: string,
  requestId: string | null,
): Promise<DrillRow> {
  const now = deps.clock.now();
  const row = await deps.store.transaction(async (tx) => {
    const drill = await found(tx, id);
    const entry = { actor, action: 'drill.cancel', target: id, requestId, data: { state: drill.state } };
    if (drill.state === 'planned') {
      const set = { state: 'cancelled', endsAs: 'cancelled', finishedAt: now, startsAt: null } as const;
      const ended = await changeDrill(tx, id, 'planned', set);
      await appendAudit(tx, now, [entry]);
      return ended ?? drill;
    }
    if (drill.state === 'running')
      return restore(tx, now, drill, { as: 'cancelled', reason: `${actor.id} cancelled it` }, [entry]);
    if (drill.state === 'restoring') return drill;
    throw new Problem('state-conflict', `The drill is over: ${drill.state}.`);
  });
  deps.watch.changed();
  return row;
}

async function found(tx: Tx, id: string): Promise<DrillRow> {
  const drill = await lockDrill(tx, id);
  if (drill === null) throw new Problem('not-found', 'There is no such drill.');
  return drill;
}
