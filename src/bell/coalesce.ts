/** Many rings become few sends. */
export interface Coalescer {
  ring(): void;
  close(): void;
}

/**
 * Sends at once when it was quiet, then at most once per `gapMs`; one send is under way at a time, and a ring during
 * it leads to another one afterwards (the one under way may have come too early for what the ring is about).
 * `send` must not reject.
 */
export function coalesce(send: () => Promise<void>, gapMs: number): Coalescer {
  let wanted = false;
  let busy = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const run = async () => {
    busy = true;
    wanted = false;
    const started = performance.now();
    await send();
    timer = setTimeout(
      () => {
        busy = false;
        if (wanted && !closed) void run();
      },
      Math.max(0, gapMs - (performance.now() - started)),
    ).unref();
  };

  return {
    ring() {
      wanted = true;
      if (!busy && !closed) void run();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
