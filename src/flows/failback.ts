import { SYSTEM } from '../core/access.ts';
import { Session } from '../core/placement/decide.ts';
import { stateFrom } from '../core/placement/record.ts';
import { sendBack } from '../core/requeue.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { loadAway, type AwayRow } from '../store/load/away.ts';
import { currentMarket } from './market.ts';

/** Going back is no emergency: a few at a time, so that a provider which fails again has little. */
const AT_ONCE = 10;

/**
 * Sends jobs back to where a disaster took them from (`continuity.failback: auto`), once that has been well for
 * `failbackAfterMs` and has room for them now: nothing is stopped for a place that is not there. They are stopped with
 * their grace, saved, and go on there as after any move.
 *
 * @returns how many were told to go
 */
export async function failbackPass(deps: Deps): Promise<number> {
  const now = deps.clock.now();
  const since = new Date(now.getTime() - deps.timing.failbackAfterMs);
  const away = await loadAway(deps.store.db, since, AT_ONCE);
  if (away.length === 0) return 0;
  const going = await withRoomAtHome(deps, now, away);
  for (const job of going) await sendHome(deps, now, job);
  if (going.length > 0) {
    deps.watch.changed();
    deps.bell.ring('place');
  }
  return going.length;
}

/** Each is given its place at home before the next is asked about, so that two do not count on one. */
async function withRoomAtHome(deps: Deps, now: Date, away: readonly AwayRow[]): Promise<AwayRow[]> {
  const { market, state } = await currentMarket(deps, now);
  const session = new Session(market, stateFrom(state));
  for (const job of away) session.consider(job);
  const placedAt = new Map(session.settle().placements.map(({ jobId, provider }) => [jobId, provider]));
  return away.filter(({ id, moveTo }) => placedAt.get(id) === moveTo);
}

async function sendHome(deps: Deps, now: Date, { id, runId, runAt, moveTo }: AwayRow): Promise<void> {
  const detail = `${moveTo} is well again`;
  const changes = sendBack({ jobId: id, allocationId: runId, reason: 'failback', detail }, { moveTo });
  await deps.store.transaction(async (tx) => {
    const applied = await applyChanges(tx, now, deps.terms, changes);
    if (applied.releasing === 0) return;
    deps.metrics.countMoves('failback', 1);
    const data = { from: runAt, to: moveTo };
    await appendAudit(tx, now, [
      { actor: SYSTEM, action: 'job.failback', target: id, requestId: null, data },
    ]);
  });
}
