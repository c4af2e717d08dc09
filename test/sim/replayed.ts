import { asc, isNotNull } from 'drizzle-orm';
import { replayDecision } from '../../src/flows/replay.ts';
import { decisions } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';

/** At most so many of a world: each is a whole pass made again. */
const REPLAYED = 60;

/** Decisions, spread over the whole run, that come out otherwise when they are made again. Empty: none. */
export async function unlikeDecisions(store: Store): Promise<string[]> {
  const { id, jobId } = decisions;
  // Who went on where it stood by was not decided from a market.
  const made = await store.db
    .select({ id, jobId })
    .from(decisions)
    .where(isNotNull(decisions.inputId))
    .orderBy(asc(decisions.at), asc(id));
  const every = Math.max(1, Math.floor(made.length / REPLAYED));
  const unlike: string[] = [];
  for (const one of made.filter((_, index) => index % every === 0)) {
    const { same } = await replayDecision({ store }, one.jobId, one.id);
    if (!same) unlike.push(`${one.id} of ${one.jobId} is decided otherwise when it is made again`);
  }
  return unlike;
}
