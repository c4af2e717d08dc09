import { sql } from 'drizzle-orm';
import type { Store } from './store.ts';

/**
 * Runs `work` while no other process runs work of that name: a pass that waits here starts with a fresh look
 * instead of planning against what another is just changing. Thrift, not safety: every write is guarded all the
 * same. The lock is a transaction's, so it ends with a process that dies.
 */
export async function exclusively<T>(store: Store, name: string, work: () => Promise<T>): Promise<T> {
  return store.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`naru:${name}`}, 0))`);
    return work();
  });
}
