import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { urlOf } from './postmaster.ts';

/** `ownr` in hexadecimal. Held in the cluster's maintenance database. */
const OWNER_LOCK = 0x6f776e72;

/** The session that holds the ownership: as long as it lives, nobody else owns the server. */
export interface Ownership {
  /** Resolves when the session was lost (the server went away); never after `release`. */
  readonly lost: Promise<void>;
  release(): Promise<void>;
}

/**
 * A data folder has one owner: the process that starts and stops its server. The server itself keeps the claim, as
 * a lock of a session: it ends with its process, however that ended, so there is no stale lock file to judge.
 * Resolves with null when another process owns it, after trying for `withinMs`: a killed one's session is about to end.
 */
export async function claimOwnership(sockets: string, withinMs: number): Promise<Ownership | null> {
  const client = new pg.Client({
    connectionString: urlOf(sockets, 'postgres'),
    application_name: `naru owner ${process.pid}`,
    keepAlive: true,
  });
  let onLost = () => {};
  const lost = new Promise<void>((resolve) => (onLost = resolve));
  client.on('error', () => {});
  client.on('end', () => onLost());
  await client.connect();
  const until = performance.now() + withinMs;
  while (!(await tryLock(client))) {
    if (performance.now() > until) {
      await client.end();
      return null;
    }
    await wait(50);
  }
  return {
    lost,
    async release() {
      onLost = () => {};
      await client.end().catch(() => {});
    },
  };
}

/** Process id of who owns it, for a message; null where that cannot be said. */
export async function ownerOf(sockets: string): Promise<string | null> {
  const client = new pg.Client({ connectionString: urlOf(sockets, 'postgres') });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
       where l.locktype = 'advisory' and l.objid = $1 and l.granted`,
      [OWNER_LOCK],
    );
    return /\d+$/.exec(rows[0]?.name ?? '')?.[0] ?? null;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => {});
  }
}

async function tryLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
    OWNER_LOCK,
  ]);
  return rows[0]?.locked === true;
}
