/** The only reader of time. A flow samples `now()` once and hands it on as data. */
export interface Clock {
  /** Wall time, UTC. */
  now(): Date;
  /** Resolves after at least `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A clock that follows a database's; `stop` ends the following. */
export interface DatabaseClock extends Clock {
  stop(): void;
}

const SAMPLE_EVERY_MS = 10_000;
/** An answer that took longer than this says too little about what time it is. */
const SAMPLE_WITHIN_MS = 2_000;
/** The longest that one timer of Node can wait; anything longer would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** For programs without a database. */
export function systemClock(): Clock {
  return { now: () => new Date(), sleep };
}

/**
 * Follows the database's clock, so that all replicas agree and a step of the local clock changes nothing: an
 * offset sampled at the start and every 10 s, carried on by this process's monotonic time, never going backwards.
 * Where a sample says that we are ahead, time goes on at half its speed until the two agree: standing still would
 * freeze every lease for as long as the difference.
 *
 * `readDatabaseTime` answers the database's time now. Rejects when the first sample fails; later failures are
 * survived on the last offset.
 */
export async function createClock(
  readDatabaseTime: () => Promise<Date>,
  monotonicMs: () => number = () => performance.now(),
): Promise<DatabaseClock> {
  let offsetMs = await sampleOffset(readDatabaseTime, monotonicMs);
  let shown = { ms: 0, at: 0 };

  const resample = async () => {
    const before = monotonicMs();
    const sampled = await sampleOffset(readDatabaseTime, monotonicMs).catch(() => offsetMs);
    if (monotonicMs() - before <= SAMPLE_WITHIN_MS) offsetMs = sampled;
  };
  const following = setInterval(() => void resample(), SAMPLE_EVERY_MS).unref();

  return {
    now() {
      const at = monotonicMs();
      shown = { ms: Math.max(at + offsetMs, shown.ms + (at - shown.at) / 2), at };
      return new Date(Math.floor(shown.ms));
    },
    sleep,
    stop: () => clearInterval(following),
  };
}

/** What to add to monotonic time; the answer is taken to be of the middle of the round trip. */
async function sampleOffset(
  readDatabaseTime: () => Promise<Date>,
  monotonicMs: () => number,
): Promise<number> {
  const asked = monotonicMs();
  const time = await readDatabaseTime();
  return time.getTime() - (asked + monotonicMs()) / 2;
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= TIMER_MAX_MS) await timer(Math.min(left, TIMER_MAX_MS), signal);
  signal?.throwIfAborted();
}

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const abort = () => {
      clearTimeout(handle);
      reject(signal?.reason as Error);
    };
    const handle = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
