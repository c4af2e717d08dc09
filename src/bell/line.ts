import { setTimeout as wait } from 'node:timers/promises';

/** An open connection to a queue. It may break; it is then replaced, never repaired. */
export interface Line<T> {
  send(hint: T): Promise<void>;
  /** Takes hints from the queue, from now on. A second call changes nothing. */
  listen(onHint: (hint: T) => void): Promise<void>;
  /** Rejects when the other side does not answer. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** `onBroken` may be called at any time, any number of times. */
export type OpenLine<T> = (onBroken: (reason: string) => void) => Promise<Line<T>>;

export interface KeptLine<T> {
  /** The line, or null while there is none. */
  current(): Line<T> | null;
  /** Says that it does not work. */
  broken(reason: string): void;
  close(): Promise<void>;
}

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;
const PROBE_MS = 3_000;
const PATIENCE_MS = 5_000;

/**
 * Keeps one line open: opens it, looks after it, and opens another when it breaks. Replacing it as a whole is the
 * same for both backends and for every way of breaking; a client that repairs itself does so differently in each.
 * `up` is called with each new line, and must not take long.
 */
export function keepOpen<T>(
  open: OpenLine<T>,
  on: { up(line: Line<T>): Promise<void>; down(reason: string): void },
): KeptLine<T> {
  let line: Line<T> | null = null;
  let closed = false;
  const stop = new AbortController();
  let breakIt: (reason: string) => void = () => {};

  const serve = async (): Promise<void> => {
    let why = '';
    const broken = new Promise<void>((resolve) => {
      breakIt = (reason) => {
        why ||= reason;
        resolve();
      };
    });
    const opened = await open((reason) => breakIt(reason));
    try {
      line = opened;
      await within(on.up(opened));
      await Promise.race([broken, probeUntilSilent(opened, stop.signal)]);
    } finally {
      line = null;
      // A broken one may never finish closing.
      await within(opened.close()).catch(() => {});
    }
    if (!closed) throw new Error(why);
  };

  const loop = async () => {
    for (let waitMs = RETRY_FIRST_MS; !closed; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      const since = performance.now();
      await serve().catch((error: unknown) => !closed && on.down(reasonOf(error)));
      if (performance.now() - since > PROBE_MS * 2) waitMs = RETRY_FIRST_MS;
      await wait(waitMs, undefined, { signal: stop.signal, ref: false }).catch(() => {});
    }
  };
  const looping = loop();

  return {
    current: () => line,
    broken: (reason) => breakIt(reason),
    async close() {
      closed = true;
      stop.abort();
      breakIt('closed');
      await looping;
    },
  };
}

/** Rejects when the other side has stopped answering, resolves when told to stop. */
async function probeUntilSilent(line: Line<unknown>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await wait(PROBE_MS, undefined, { signal: stop, ref: false }).catch(() => {});
    if (!stop.aborted) await within(line.probe());
  }
}

/** Rejects after 5 s, whatever becomes of the promise. */
export async function within<R>(promise: Promise<R>): Promise<R> {
  const done = new AbortController();
  promise.catch(() => {});
  const late = wait(PATIENCE_MS, undefined, { signal: done.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${PATIENCE_MS / 1000} s`);
  });
  late.catch(() => {});
  return Promise.race([promise, late]).finally(() => done.abort());
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
