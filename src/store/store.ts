import type { NodePgDatabase, NodePgQueryResultHKT } from 'drizzle-orm/node-postgres';
import type { ExtractTablesWithRelations } from 'drizzle-orm';
import type { PgTransaction } from 'drizzle-orm/pg-core';
import type * as schema from './schema.ts';

export type Db = NodePgDatabase<typeof schema>;
export type Tx = PgTransaction<NodePgQueryResultHKT, typeof schema, ExtractTablesWithRelations<typeof schema>>;
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
