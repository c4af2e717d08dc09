import { afterAll, beforeAll } from 'vitest';
import { openStore, type Store } from '../../src/store/store.ts';
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
