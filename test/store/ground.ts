import { setTimeout as wait } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll } from 'vitest';
import { openStore, type Store, type Tx } from '../../src/store/store.ts';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';
import { insertGround } from './rows.ts';

/**
 * A database of this file's own with the ground that jobs stand on, opened before its first test and dropped after
 * its last. `use` is given the store.
 */
export function onGround(connections: number, use: (store: Store) => void): void {
  let database: TestDatabase | undefined;
  let store: Store | undefined;
  beforeAll(async () => {
    database = await createTestDatabase();
    store = openStore(database.url, { max: connections });
    await insertGround(store);
    use(store);
  });
  afterAll(async () => {
    await store?.close();
    await database?.drop();
  });
}

/** Until another connection to this database waits for a lock. Other files' databases are on the same server. */
export async function somebodyWaits(tx: Tx): Promise<void> {
  for (;;) {
    const { rows } = await tx.execute<{ n: number }>(sql`
      select count(*)::int as n from pg_locks w where not w.granted and w.pid <> pg_backend_pid() and exists (
        select from pg_locks l where l.pid = w.pid
          and l.database = (select oid from pg_database where datname = current_database()))`);
    if ((rows[0]?.n ?? 0) > 0) return;
    await wait(5);
  }
}
