import { sql } from 'drizzle-orm';
import { snapshot } from '../snapshot.ts';
import type { Store, Tx } from '../store.ts';

/**
 * A read that groups many lines: with memory enough to do so at once. With PostgreSQL's usual 4 MB it sorts them on the
 * disk first, which takes a report of 400,000 lines three times as long.
 */
export function roomy<T>(store: Store, read: (tx: Tx) => Promise<T>): Promise<T> {
  return snapshot(store, async (tx) => {
    await tx.execute(sql`set local work_mem = '64MB'`);
    return read(tx);
  });
}
