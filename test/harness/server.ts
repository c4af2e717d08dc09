import pg from 'pg';
import type { RedisChoice } from './find-redis.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Any database of the shared server; and the migrated one that the others are copied from. */
    database: { readonly url: string; readonly template: string };
    redis: RedisChoice;
    /** What was skipped is noted here, a line each. */
    skippedFile: string;
  }
}

/** One statement on a connection of its own. */
export async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The same server's URL for another of its databases. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
