import type { Clock } from './clock.ts';

/** Reads the orders' versions of these providers, all at once. */
type ReadVersions = (providers: readonly string[]) => Promise<ReadonlyMap<string, number>>;

interface Waiter {
  readonly provider: string;
  readonly version: number;
  readonly wake: () => void;
}

/**
 * Lets held syncs sleep until there are newer orders. One query for all of them every `periodMs`, whatever their
 * number (a LISTEN connection and a NOTIFY per placement were rejected: NOTIFY serialises commits), and at once
 * when this process itself changed orders.
 */
export class OrdersWatch {
  readonly #waiters = new Set<Waiter>();
  readonly #read: ReadVersions;
  readonly #clock: Clock;
  readonly #periodMs: number;
  #looking = false;
  #again = false;

  constructor(read: ReadVersions, clock: Clock, periodMs = 50) {
    this.#read = read;
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  /** Resolves when the provider's version differs from `version`, after `ms`, or when the signal says so. */
  async wait(provider: string, version: number, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const done = new AbortController();
    const waiter: Waiter = { provider, version, wake: () => done.abort() };
    this.#waiters.add(waiter);
    void this.#loop();
    try {
      await this.#clock.sleep(ms, AbortSignal.any([signal, done.signal])).catch(() => undefined);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** This process changed somebody's orders: look now. */
  changed(): void {
    if (this.#waiters.size > 0) void this.#look();
  }

  async #loop(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (this.#waiters.size > 0) {
        await this.#clock.sleep(this.#periodMs);
        await this.#look();
      }
    } finally {
      this.#looking = false;
    }
  }

  async #look(): Promise<void> {
    if (this.#again) return;
    this.#again = true;
    try {
      const waiting = [...this.#waiters];
      if (waiting.length === 0) return;
      const versions = await this.#read([...new Set(waiting.map((waiter) => waiter.provider))]);
      for (const waiter of waiting) {
        const now = versions.get(waiter.provider);
        if (now !== undefined && now !== waiter.version) waiter.wake();
      }
    } catch {
      // The database is away for a moment: every waiter's own time limit answers it.
    } finally {
      this.#again = false;
    }
  }
}
