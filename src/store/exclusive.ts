import { sql } from 'drizzle-orm';
import type { Store } from './store.ts';

/**
 * Runs `work` while no other process runs work of that name: a pass that waits here starts with a fresh look
 * instead of planning against what another is just changing. Thrift, not safety: every write is guarded all the
 * same. The lock is a transaction's, so it ends with a process that dies.
 */
export async function exclusively<T>(store: Store, name: string, work: () => Promise<T>): Promise<T> {
  return store.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${keyOf(name)})`);
    return work();
  });
}

/** The same for those who come again anyway: null at once where another is at it, instead of waiting behind it. */
export async function unlessBusy<T>(store: Store, name: string, work: () => Promise<T>): Promise<T | null> {
  return store.transaction(async (tx) => {
    const { rows } = await tx.execute<{ mine: boolean }>(
      sql`select pg_try_advisory_xact_lock(${keyOf(name)}) as mine`,
    );
    return rows[0]?.mine === true ? work() : null;
  });
}

const keyOf = (name: string) => sql`hashtextextended(${`naru:${name}`}, 0)`;
