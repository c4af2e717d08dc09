import { asc } from 'drizzle-orm';
import { movesOf, type Move } from '../../src/core/moves.ts';
import type { Timing } from '../../src/core/timing.ts';
import { readLegs } from '../../src/store/read/moves.ts';
import { jobs } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';

/**
 * What is told of moves and cannot have been so. Empty: all of it can. `stalled`: replicas stood still between looking
 * at the clock and writing what it said, so what comes after what is told by two of them.
 */
export async function untrueMoves(
  store: Store,
  nowMs: number,
  timing: Timing,
  stalled: boolean,
): Promise<string[]> {
  const untrue: string[] = [];
  for (const { id, kind, startedAt, spec } of await store.db.select().from(jobs).orderBy(asc(jobs.id))) {
    const { rtoSeconds, rpoSeconds } = spec.continuity;
    const legs = await readLegs(store.db, id);
    const moves = movesOf({ kind, startedAt, rtoSeconds, rpoSeconds }, legs, new Date(nowMs), timing);
    for (const move of moves) {
      const what = untrueOf(move, timing, stalled);
      if (what !== null) untrue.push(`the move of ${id} from ${move.from.allocationId}: ${what}`);
    }
  }
  return untrue;
}

function untrueOf(move: Move, { downAfterMs }: Timing, stalled: boolean): string | null {
  const { faultAt, suspectedAt, downAt, fencedAt, decidedAt, startedAt } = move;
  // A copy that ran already: nothing was waited for.
  const ranAlready = startedAt !== null && startedAt < faultAt;
  if (!inOrder(faultAt, suspectedAt, downAt)) return `told out of order: ${JSON.stringify(move)}`;
  // Fenced before decided is "never twice", as a tenant can read it. (A lease may be over before the verdict.)
  if (
    !stalled &&
    !ranAlready &&
    !(inOrder(faultAt, fencedAt, decidedAt, startedAt) && inOrder(downAt, decidedAt))
  )
    return `told out of order: ${JSON.stringify(move)}`;
  if (move.to !== null && fencedAt === null && !ranAlready)
    return 'it has a next place, and the old one is not fenced';
  if (move.cause !== 'provider-down')
    return downAt === null ? null : 'a verdict that has nothing to do with it';
  if (downAt === null) return 'its provider was given up without a verdict';
  // Its GPUs were gone, and it was heard all the time.
  if (move.detail?.includes('XID') === true) return null;
  const silentMs = downAt.getTime() - faultAt.getTime();
  return silentMs < downAfterMs ? `given up after a silence of ${silentMs} ms` : null;
}

/** Clocks of replicas differ, and a flow looks at its own once, before it looks at the database. */
const SLACK_MS = 100;

function inOrder(...moments: readonly (Date | null)[]): boolean {
  const told = moments.filter((at) => at !== null);
  return told.every(
    (at, index) => index === 0 || at.getTime() + SLACK_MS >= (told[index - 1] ?? at).getTime(),
  );
}
