import type { Clock } from '../src/clock.ts';

/** What was found lately. What was not found is asked for again every time. */
export interface Cache<Value> {
  get(name: string): Promise<Value | null>;
  forget(name: string): void;
}

interface Entry<Value> {
  readonly at: number;
  readonly found: Promise<Value | null>;
}

/**
 * Keeps at most `size` answers for `forMs` each. Callers that ask for the same at the same time share one query.
 * Bounded by forgetting the oldest, which a Map gives in its own order.
 */
export function makeCache<Value>(
  clock: Clock,
  forMs: number,
  size: number,
  find: (name: string) => Promise<Value | null>,
): Cache<Value> {
  const entries = new Map<string, Entry<Value>>();
  const ask = (name: string, at: number): Promise<Value | null> => {
    const entry = { at, found: find(name) };
    entries.delete(name);
    entries.set(name, entry);
    if (entries.size > size) entries.delete(entries.keys().next().value ?? '');
    const drop = () => entries.get(name) === entry && entries.delete(name);
    entry.found.then((value) => value === null && drop(), drop);
    return entry.found;
  };
  return {
    get(name) {
      const at = clock.now().getTime();
      const entry = entries.get(name);
      // A clock that was set back must not keep an answer alive.
      return entry !== undefined && Math.abs(at - entry.at) < forMs ? entry.found : ask(name, at);
    },
    forget: (name) => void entries.delete(name),
  };
}
