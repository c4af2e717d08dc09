import { setTimeout as wait } from 'node:timers/promises';
import type { ExtractTablesWithRelations } from 'drizzle-orm';
import { drizzle, type NodePgDatabase, type NodePgQueryResultHKT } from 'drizzle-orm/node-postgres';
import type { PgTransaction } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { assertMigrated } from './migrate.ts';
import * as schema from './schema.ts';
import { DEADLOCK_DETECTED, SERIALIZATION_FAILURE, sqlState } from './sqlstate.ts';

export type Db = NodePgDatabase<typeof schema>;
export type Tx = PgTransaction<
  NodePgQueryResultHKT,
  typeof schema,
  ExtractTablesWithRelations<typeof schema>
>;
/** What a read function takes: a pool or the transaction that it should see. */
export type Reader = Db | Tx;

/**
 * The memory. Everything else in this room is a free function that takes one of these; the simulation wraps the
 * two members, so that every use of the store is a point where it may crash or let somebody else go first.
 */
export interface Store {
  /** Single statements and reads, each on a connection of the pool. */
  readonly db: Db;
  /**
   * One transaction, read committed; begun anew (at most 5 times) when PostgreSQL says deadlock or serialization
   * failure, so `work` must have no effect outside it.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Answers, and migrated to what this program needs? Throws otherwise. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export type JobRow = typeof schema.jobs.$inferSelect;
export type AllocationRow = typeof schema.allocations.$inferSelect;
export type OfferRow = typeof schema.offers.$inferSelect;
export type ProviderRow = typeof schema.providers.$inferSelect;
export type KeyRow = typeof schema.keys.$inferSelect;

export interface StoreOptions {
  /** Connections at most. */
  readonly max?: number;
  /** A statement that takes longer is ended by the server; also what bounds the wait for a lock. */
  readonly statementTimeoutMs?: number;
  /** Told when an idle connection is lost. The pool makes new ones by itself. */
  readonly onConnectionLost?: (error: Error) => void;
}

const ATTEMPTS = 5;
const AGAIN: readonly (string | null)[] = [SERIALIZATION_FAILURE, DEADLOCK_DETECTED];

/** Opens the store of a migrated database. Connects when first used, so it throws nothing itself. */
export function openStore(url: string, options: StoreOptions = {}): Store {
  const pool = createPool(url, options);
  const db = drizzle(pool, { schema });
  return {
    db,
    transaction: (work) => transact(db, work),
    check: () => assertMigrated(pool),
    close: () => pool.end(),
  };
}

/** The database server's clock: what every replica agrees on. */
export async function readDatabaseTime(store: Store): Promise<Date> {
  const { rows } = await store.db.execute<{ ms: string }>(
    `select (extract(epoch from clock_timestamp()) * 1000)::text as ms`,
  );
  return new Date(Number(rows[0]?.ms));
}

function createPool(url: string, options: StoreOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 20,
    application_name: 'naru',
    // A request must not hang for as long as a lost server needs to come back.
    connectionTimeoutMillis: 10_000,
    statement_timeout: options.statementTimeoutMs ?? 30_000,
    // A transaction whose process was stopped in the middle must not hold its locks for ever.
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
  });
  // Without listeners, a connection that the server closes ends the process: an idle one tells the pool, one that
  // is checked out (between two statements of a transaction) only itself.
  pool.on('error', (error) => options.onConnectionLost?.(error));
  pool.on('connect', (client) => void client.on('error', () => {}));
  return pool;
}

async function transact<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction(work, { isolationLevel: 'read committed' });
    } catch (error) {
      if (attempt === ATTEMPTS || !AGAIN.includes(sqlState(error))) throw error;
      // A moment for the one that won; the same for all, as one loser of a deadlock is one waiter less.
      await wait(attempt * 5);
    }
  }
}
