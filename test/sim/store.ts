import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import * as schema from '../../src/store/schema.ts';
import type { Db, Store, Tx } from '../../src/store/store.ts';
import type { Proc, Scheduler } from './scheduler.ts';

const WRITES =
  /(insert into|update|delete from)\s+"?(jobs|allocations|offers|events|provider_health|budgets|accounts|holds|ledger|cost_days|closed_months|budget_exceptions)\b/i;
const ADVISORY = 'pg_advisory_xact_lock';

class Dead extends Error {}

/**
 * Makes the real pool's work visible to the scheduler: what is under way, and what wrote. Once per pool.
 * Connections are made before the first step, so that making one is never part of a step.
 */
export async function instrument(
  pool: pg.Pool,
  scheduler: () => Scheduler | null,
  connections: number,
): Promise<void> {
  const wrap = (client: pg.PoolClient) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    (client as { query: unknown }).query = (...args: unknown[]) => {
      const at = scheduler();
      if (at === null) return query(...args);
      const text =
        typeof args[0] === 'string' ? args[0] : ((args[0] as { text?: string } | null)?.text ?? '');
      if (WRITES.test(text)) at.dirty = true;
      const over = at.io();
      const answer = query(...args);
      if (answer instanceof Promise) answer.then(over, over);
      else over();
      return answer;
    };
  };
  pool.on('connect', wrap);
  const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
  for (const client of clients) client.release();
}

/** Names of locks → who holds them, and who waits: PostgreSQL's own would block a step that nobody could end. */
export class VirtualLocks {
  readonly #held = new Map<string, (() => void)[]>();

  async take(name: string): Promise<() => void> {
    const waiting = this.#held.get(name);
    if (waiting === undefined) this.#held.set(name, []);
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return () => this.#release(name);
  }

  #release(name: string): void {
    const next = this.#held.get(name)?.shift();
    if (next === undefined) this.#held.delete(name);
    else next();
  }
}

/** The locks of one transaction: gone with it, also one that it was still waiting for. */
class Held {
  readonly #releases: (() => void)[] = [];
  #over = false;

  add(release: () => void): void {
    if (this.#over) release();
    else this.#releases.push(release);
  }

  end(): void {
    this.#over = true;
    for (const release of this.#releases) release();
  }
}

/**
 * The store as one process sees it: the real one, with a gate before every statement and every transaction. A
 * transaction is one step; what it does to the store from outside itself (a pass that runs under a lock) are steps
 * of their own. A process that dies in a transaction has it rolled back; one that dies after the commit never
 * learns of it.
 */
export function simStore(real: Store, proc: Proc, scheduler: Scheduler, locks: VirtualLocks): Store {
  const pool = poolOf(real);
  const died = new Promise<never>((_, reject) => proc.onDeath.push(() => reject(new Dead('died'))));
  died.catch(() => undefined);
  class GatedClient {
    query(config: { text: string }, params: unknown[]): Promise<unknown> {
      return scheduler.gate(proc, nameOf(config.text), async () => {
        if (WRITES.test(config.text)) scheduler.dirty = true;
        const over = scheduler.io();
        try {
          return await pool.query(config as never, params);
        } finally {
          over();
        }
      });
    }
  }
  const transaction = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    const held = new Held();
    const begun = scheduler.io();
    try {
      return await real.transaction((tx) => {
        begun();
        return Promise.race([work(lockable(tx, locks, held)), died]);
      });
    } finally {
      begun();
      held.end();
    }
  };
  return {
    db: drizzle(new GatedClient() as never, { schema }),
    transaction: (work) => scheduler.gate(proc, `tx ${callerOf()}`, () => transaction(work)),
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** A transaction whose advisory locks are ours. */
function lockable(tx: Tx, locks: VirtualLocks, held: Held): Tx {
  return new Proxy(tx, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== 'execute') return typeof value === 'function' ? value.bind(target) : value;
      return async (query: { queryChunks?: unknown[] }) => {
        const text = (query.queryChunks ?? []).map(wordsOf).join('');
        if (!text.includes(ADVISORY)) return target.execute(query as never);
        held.add(await locks.take(text));
        return { rows: [] };
      };
    },
  });
}

/** The text of a template's part, or a value in it as it is. */
function wordsOf(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk;
  const { value } = chunk as { value?: unknown };
  return Array.isArray(value) ? value.join('') : '';
}

/** drizzle keeps the pool that it was made with. */
export function poolOf(store: Store): pg.Pool {
  return (store.db as Db & { readonly $client: pg.Pool }).$client;
}

function nameOf(text: string): string {
  const verb = /^\s*(\w+)/.exec(text)?.[1] ?? '?';
  const tables = [...text.matchAll(/(?:from|join|into|update)\s+"?([a-z_]+)"?/gi)].map((match) => match[1]);
  return `${verb} ${[...new Set(tables)].join(' ')}`;
}

/** Which flow asked, for a trace that can be read. */
function callerOf(): string {
  for (const line of (new Error().stack ?? '').split('\n').slice(3)) {
    const found = /at (?:async )?(?:Object\.)?(\S+) \(.*\/(?:src|test\/sim)\/(.+?)\.ts/.exec(line);
    if (found) return `${found[2]}:${found[1]}`;
  }
  return 'unknown';
}
