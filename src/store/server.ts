import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { StartError } from '../core/start-error.ts';
import { CANNOT_CONNECT_NOW, sqlState } from './sqlstate.ts';

const OLDEST_MAJOR = 15;
const STARTING_UP_MS = 30_000;

/**
 * One dedicated connection, outside any pool. Waits up to 30 s for a server that says that it is starting.
 * Throws StartError, without the password that the URL may hold.
 */
export async function connectTo(url: string, applicationName: string): Promise<pg.Client> {
  const until = performance.now() + STARTING_UP_MS;
  for (;;) {
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    // Without a listener, a connection that is lost while idle ends the process.
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      if (sqlState(error) !== CANNOT_CONNECT_NOW || performance.now() > until) throw cannotConnect(error);
      await wait(100);
    }
  }
}

/** Throws StartError when the server is older than what the SQL of this program needs. */
export async function assertServerVersion(client: Pick<pg.Client, 'query'>): Promise<void> {
  const { rows } = await client.query<{ number: string; name: string }>(
    `select current_setting('server_version_num') as number, current_setting('server_version') as name`,
  );
  const { number = '0', name = 'unknown' } = rows[0] ?? {};
  if (Number(number) >= OLDEST_MAJOR * 10_000) return;
  throw new StartError(`DATABASE_URL: PostgreSQL ${OLDEST_MAJOR} or newer is needed, this one is ${name}`);
}

function cannotConnect(error: unknown): StartError {
  return new StartError(`DATABASE_URL: cannot connect to PostgreSQL: ${reasonOf(error)}`, { cause: error });
}

/** `localhost` tried on both of its addresses gives an AggregateError, whose own message is empty. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
