import type { Waiting } from '../job.ts';
import type { Entry } from './choose.ts';
import type { Request } from './request.ts';
import type { Decision, QueuedJob } from './types.ts';

/** Everything that jobs of a pass share which ask the same. */
export interface Ask {
  readonly request: Request;
  /** Pass.given when nothing was left: while nothing is given back, nothing will be. Null: something may be. */
  deadSince: number | null;
  /** Why, once a page has been settled with it dead; kept while it stays so. */
  waiting: Explained | null;
}

export interface Explained {
  readonly waiting: () => Waiting;
  readonly decision: () => Decision;
}

/** A job that has had its turn. */
export interface Turn {
  readonly job: QueuedJob;
  readonly ask: Ask;
  /** The best that there were in its turn, best first; empty: it waits. */
  readonly found: readonly Entry[];
  /** What it has; null: nothing. */
  taken: Entry | null;
  /** What an exchange between jobs of the page had to do with it, for people. */
  note: string | null;
  /** There was room for it, and no money; null otherwise. */
  readonly poor: Waiting | null;
}
