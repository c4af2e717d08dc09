import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from '../../src/store/embedded.ts';

/**
 * One PostgreSQL for everything in a run, so that what is compared stands on the same disk and the same server.
 * Durable: an embedded one with fsync, or whatever DATABASE_URL names.
 */
export interface BenchDatabase {
  /** Version and kind, for the record. */
  readonly about: string;
  /** PostgreSQL's own main process, where it is ours. */
  readonly pid: number | null;
  /** A new, empty database of ours: its URL. */
  create(): Promise<string>;
  drop(url: string): Promise<void>;
  /** Drops what is left and stops the server, where it is ours. */
  close(): Promise<void>;
}

export async function openDatabase(folder: string, given: string | undefined): Promise<BenchDatabase> {
  const server = given === undefined || given === '' ? await embedded(folder) : null;
  const url = server?.url ?? given ?? '';
  const made = new Set<string>();
  const drop = async (name: string) => {
    await onServer(url, `drop database if exists ${name} with (force)`);
    made.delete(name);
  };
  return {
    about: await describe(url, server === null),
    pid: server === null ? null : await postmasterOf(server.folder),
    async create() {
      const name = `naru_bench_${randomBytes(5).toString('hex')}`;
      await onServer(url, `create database ${name}`);
      made.add(name);
      return withDatabase(url, name);
    },
    drop: (one) => drop(new URL(one).pathname.slice(1)),
    async close() {
      for (const name of made) await drop(name).catch(() => undefined);
      await server?.stop();
    },
  };
}

async function embedded(folder: string) {
  const dir = join(folder, 'postgres');
  const quiet = { info() {}, warn: (line: unknown) => console.error(line) };
  const server = await startEmbedded({ dir, log: quiet as never });
  return { url: await server.url('postgres'), folder: dir, stop: () => server.stop() };
}

async function postmasterOf(folder: string): Promise<number | null> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(join(folder, 'cluster', 'postmaster.pid'), 'utf8').catch(() => null);
  return text === null ? null : Number.parseInt(text, 10);
}

async function describe(url: string, given: boolean): Promise<string> {
  const [row] = await onServer(
    url,
    `select current_setting('server_version') as version, current_setting('fsync') as fsync,
      current_setting('synchronous_commit') as commit, current_setting('shared_buffers') as buffers`,
  );
  const { version, fsync, commit, buffers } = row as Record<string, string>;
  return `PostgreSQL ${version} (${given ? 'DATABASE_URL' : 'embedded'}; fsync ${fsync}, synchronous_commit ${commit}, shared_buffers ${buffers})`;
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

/** One statement on a connection of its own. */
export async function onServer(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}
