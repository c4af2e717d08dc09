import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/node-postgres';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator';
import type pg from 'pg';
import { StartError } from '../core/start-error.ts';
import { assertServerVersion, connectTo } from './server.ts';

const MIGRATIONS = join(import.meta.dirname, '../../migrations');
/** `naru` in hexadecimal: two programs that start together migrate one after the other. */
const ADVISORY_LOCK = 0x6e617275;

/**
 * Brings the database to what this program needs: creates it all in an empty one, changes nothing in one that is up
 * to date. Any number of programs may do this at once. Resolves with how many migrations were applied.
 *
 * Throws StartError when there is no connection, the server is too old, or a newer program has migrated it.
 */
export async function migrate(url: string): Promise<number> {
  const client = await connectTo(url, 'naru migrate');
  try {
    await assertServerVersion(client);
    // drizzle takes no lock: of six that start together on an empty database, five would fail.
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
    const before = await appliedMigrations(client);
    assertNotNewer(before);
    await applyMigrations(drizzle(client), { migrationsFolder: MIGRATIONS });
    return (await appliedMigrations(client)).length - before.length;
  } finally {
    // The lock ends with its session.
    await client.end().catch(() => {});
  }
}

/** Throws unless the database has exactly the migrations of this program. */
export async function assertMigrated(client: Pick<pg.Pool, 'query'>): Promise<void> {
  const applied = await appliedMigrations(client);
  assertNotNewer(applied);
  if (applied.length < neededMigrations().length) {
    throw new StartError('The database is not migrated to what this program needs: run `naru migrate`');
  }
}

function assertNotNewer(applied: readonly string[]): void {
  const known = new Set(neededMigrations());
  if (applied.every((hash) => known.has(hash))) return;
  throw new StartError(
    'The database was migrated by a newer version of this program; use that version (migrations only go forward)',
  );
}

let needed: readonly string[] | undefined;

/** Hashes of the files in migrations/, oldest first. */
function neededMigrations(): readonly string[] {
  return (needed ??= readMigrationFiles({ migrationsFolder: MIGRATIONS }).map(({ hash }) => hash));
}

/** Hashes of what was applied, oldest first; none in a database that was never migrated. */
async function appliedMigrations(client: Pick<pg.Pool, 'query'>): Promise<string[]> {
  const { rows: exists } = await client.query<{ name: string | null }>(
    `select to_regclass('drizzle.__drizzle_migrations') as name`,
  );
  if ((exists[0]?.name ?? null) === null) return [];
  const { rows } = await client.query<{ hash: string }>(
    'select hash from drizzle.__drizzle_migrations order by id',
  );
  return rows.map(({ hash }) => hash);
}
