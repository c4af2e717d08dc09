import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '../../src/store/embedded.ts';
import { migrate } from '../../src/store/migrate.ts';
import { quiet } from '../harness/log.ts';
import { onServer, withDatabase } from '../harness/server.ts';

/** A server with a migrated template: what a seed's world is copied from. */
export interface Ground {
  /** Any database of the server. */
  readonly url: string;
  readonly template: string;
}

let made = 0;

/** Lends `work` an empty migrated database of its own. */
export async function withFreshDatabase<T>(ground: Ground, work: (url: string) => Promise<T>): Promise<T> {
  const name = `naru_sim_${process.pid}_${(made += 1)}`;
  await onServer(ground.url, `create database ${name} template ${ground.template} strategy file_copy`);
  try {
    return await work(withDatabase(ground.url, name));
  } finally {
    await onServer(ground.url, `drop database if exists ${name} with (force)`);
  }
}

/** For the command line: SIM_DATABASE_URL and SIM_TEMPLATE where a parent made them, else a server of its own. */
export async function openGround(): Promise<{ ground: Ground; close(): Promise<void> }> {
  const { SIM_DATABASE_URL: url, SIM_TEMPLATE: template } = process.env;
  if (url !== undefined && template !== undefined)
    return { ground: { url, template }, close: async () => {} };
  const folder = mkdtempSync(join(tmpdir(), 'naru-sim-'));
  chmodSync(folder, 0o711);
  const server = await startEmbedded({ dir: join(folder, 'postgres'), log: quiet, fsync: false });
  const ground = { url: await server.url('postgres'), template: 'naru_sim_template' };
  await onServer(ground.url, `create database ${ground.template}`);
  await migrate(withDatabase(ground.url, ground.template));
  const close = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().then(() => process.exit(1)));
  return { ground, close };
}
