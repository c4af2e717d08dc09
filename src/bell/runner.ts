/** Runs a handler once for any number of wishes, one at a time per name. */
export interface Runner<T> {
  /** The handler will start after this moment (again, if it is running now). */
  wake(name: T): void;
  /** No new runs; resolves when those under way have ended. */
  close(): Promise<void>;
}

/** `onError` hears of a handler that rejected: it is the handler's loss, the next wish runs it again. */
export function createRunner<T>(
  handler: (name: T) => Promise<void>,
  onError: (error: unknown) => void,
): Runner<T> {
  const running = new Map<T, Promise<void>>();
  const wanted = new Set<T>();
  let closed = false;

  const run = async (name: T) => {
    while (wanted.delete(name) && !closed) {
      // A microtask later, so that `wake` returns to its caller first.
      await Promise.resolve();
      await handler(name).catch(onError);
    }
    running.delete(name);
  };

  return {
    wake(name) {
      if (closed) return;
      wanted.add(name);
      if (!running.has(name)) running.set(name, run(name));
    },
    async close() {
      closed = true;
      await Promise.all(running.values());
    },
  };
}
