import { isTerminal } from '../src/core/job.ts';
import type { Deps } from '../src/deps.ts';
import { eventsAfter, type EventRow } from '../src/store/read/events.ts';
import { jobStates } from '../src/store/read/jobs.ts';

/** How soon a change is told: one query each so often, for all who follow together, and none when nobody does. */
const EVERY_MS = 200;
const RETRY_MS = 1_000;
const BATCH = 1_000;

export interface EventFeed {
  /**
   * A job's events after `seq`, as they happen; ends when the job has ended and all of them are told. Yields an
   * empty batch when nothing has happened for `quietMs`. Stop by aborting `signal`.
   */
  follow(
    jobId: string,
    seq: number,
    quietMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly EventRow[]>;
}

interface Watcher {
  readonly jobId: string;
  seq: number;
  waiting: EventRow[];
  ended: boolean;
  wake: () => void;
}

/**
 * NOTIFY would be quicker by a tenth of a second and cost every writing transaction its group commit (a committing
 * transaction that used it takes a lock on the whole database), so this looks instead.
 */
export function makeEventFeed(deps: Pick<Deps, 'store' | 'clock' | 'log'>, stopping: AbortSignal): EventFeed {
  const watchers = new Set<Watcher>();
  let looking = false;

  const look = async (): Promise<void> => {
    looking = true;
    while (watchers.size > 0 && !stopping.aborted) {
      const ok = await tell(deps, [...watchers]).then(
        () => true,
        (error: unknown) => deps.log.warn({ err: error }, 'looking for events failed; trying again'),
      );
      await deps.clock.sleep(ok === true ? EVERY_MS : RETRY_MS, stopping).catch(() => {});
    }
    looking = false;
  };

  return {
    async *follow(jobId, seq, quietMs, signal) {
      const watcher: Watcher = { jobId, seq, waiting: [], ended: false, wake: () => {} };
      watchers.add(watcher);
      if (!looking) void look();
      const stop = AbortSignal.any([signal, stopping]);
      try {
        while (!stop.aborted) {
          if (watcher.waiting.length === 0 && !watcher.ended) await woken(deps, watcher, quietMs, stop);
          const batch = watcher.waiting;
          watcher.waiting = [];
          if (batch.length > 0 || !watcher.ended) yield batch;
          else return;
        }
      } finally {
        watchers.delete(watcher);
      }
    },
  };
}

/** Resolves when there is something to tell, when it has been quiet for long, or when it is over. */
async function woken(
  deps: Pick<Deps, 'clock'>,
  watcher: Watcher,
  quietMs: number,
  stop: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const news = new Promise<void>((resolve) => (watcher.wake = resolve));
  const quiet = deps.clock.sleep(quietMs, AbortSignal.any([stop, done.signal])).catch(() => {});
  await Promise.race([news, quiet]);
  done.abort();
}

/** One look for all. The states are read first: a job that had ended by then has no event that is not found after. */
async function tell(deps: Pick<Deps, 'store'>, watchers: readonly Watcher[]): Promise<void> {
  const ids = [...new Set(watchers.map((watcher) => watcher.jobId))];
  const states = await jobStates(deps.store.db, ids);
  const marks = ids.map((jobId) => ({
    jobId,
    seq: Math.min(...watchers.filter((one) => one.jobId === jobId).map((one) => one.seq)),
  }));
  const rows = await eventsAfter(deps.store.db, marks, BATCH);
  const complete = rows.length < BATCH;
  for (const watcher of watchers) {
    const state = states.get(watcher.jobId);
    hand(watcher, rows, complete && (state === undefined || isTerminal(state)));
  }
}

function hand(watcher: Watcher, rows: readonly EventRow[], ended: boolean): void {
  const news = rows.filter((row) => row.jobId === watcher.jobId && row.seq > watcher.seq);
  watcher.seq = news.at(-1)?.seq ?? watcher.seq;
  watcher.waiting.push(...news);
  watcher.ended = ended;
  if (news.length > 0 || ended) watcher.wake();
}
