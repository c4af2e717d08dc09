import { rm } from 'node:fs/promises';
import { sql, type SQL } from 'drizzle-orm';
import type { Logger } from 'pino';
import { startEmbedded } from './embedded.ts';
import { migrate } from './migrate.ts';
import { snapshot } from './snapshot.ts';
import { openStore, type Reader, type Store } from './store.ts';

/** A database beside the real one, for what must not touch it. */
export interface Scratch {
  readonly store: Store;
  /** Stops it and removes every trace. */
  close(): Promise<void>;
}

/**
 * A PostgreSQL of its own in `dir` (absolute, ours to remove), migrated and empty; without fsync, as nothing of it is to
 * outlive this process. What a process that was killed left there is removed first.
 */
export async function openScratch(dir: string, log: Pick<Logger, 'info' | 'warn'>): Promise<Scratch> {
  await rm(dir, { recursive: true, force: true });
  const server = await startEmbedded({ dir, log, fsync: false, maxConnections: 20 });
  const url = await server.url();
  await migrate(url);
  const store = openStore(url, { max: 8 });
  return {
    store,
    close: async () => {
      await store.close();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Of each table, which rows: everything that a decision looks at, and of work only what has not ended. */
const LIVE = sql`state in ('queued', 'provisioning', 'running')`;
const COPIED: readonly (readonly [table: string, where: SQL])[] = [
  ['installation', sql`true`],
  ['organizations', sql`true`],
  ['projects', sql`true`],
  ['policies', sql`true`],
  ['providers', sql`true`],
  ['pools', sql`true`],
  ['offers', sql`true`],
  ['exchange_rates', sql`true`],
  ['jobs', LIVE],
  ['allocations', sql`job_id in (select id from jobs where ${LIVE})`],
  ['drills', sql`state in ('planned', 'running', 'restoring')`],
  ['drill_jobs', sql`drill_id in (select id from drills where state in ('planned', 'running', 'restoring'))`],
  ['checkpoints', sql`complete and job_id in (select id from jobs where ${LIVE})`],
];

/** Copies the world as it is at one moment. No secret, log or audit record goes along; nor does a tenant's environment. */
export async function copyWorld(from: Store, to: Store): Promise<void> {
  const parts = await snapshot(from, async (tx) => {
    const read: (readonly [string, string])[] = [];
    for (const [table, where] of COPIED) read.push([table, await rowsOf(tx, table, where)]);
    return read;
  });
  await to.transaction(async (tx) => {
    for (const [table, rows] of parts)
      await tx.execute(
        sql`insert into ${sql.identifier(table)} select * from json_populate_recordset(null::${sql.identifier(table)}, ${rows}::json)`,
      );
    await tx.execute(sql`update jobs set spec = jsonb_set(spec, '{run,env}', '{}')`);
  });
}

async function rowsOf(reader: Reader, table: string, where: SQL): Promise<string> {
  const { rows } = await reader.execute<{ rows: string }>(
    sql`select coalesce(json_agg(t), '[]')::text as rows from ${sql.identifier(table)} t where ${where}`,
  );
  return rows[0]?.rows ?? '[]';
}

/** From now on everybody is an agent that is played (src/rehearsal); none of them has spoken yet. */
export async function makePlayable(store: Store, instance: string): Promise<void> {
  await store.db.execute(sql`
    update providers set broker_kind = 'agent', broker_settings = '{}', agent_instance = ${instance}, agent_sequence = 0`);
}
