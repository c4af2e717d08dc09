import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/store/embedded.ts';
import { isAlive } from '../../src/store/embedded/cluster.ts';
import { migrate } from '../../src/store/migrate.ts';
import { findRedis } from './find-redis.ts';
import { onServer, withDatabase } from './server.ts';
import { quiet } from './log.ts';

const PREFIX = 'naru-test-run-';

/**
 * Once per run: one PostgreSQL for all test files (the embedded one without fsync, or TEST_DATABASE_URL), a migrated
 * template in it, and what the machine has of Redis. At the end everything is stopped and removed, and what had to
 * be skipped is named.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweepLeftovers();
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(folder, 'pid'), String(process.pid));
  // As root, the database runs as another user, who has to get in.
  chmodSync(folder, 0o711);
  const server = await sharedServer(folder);
  const template = await makeTemplate(server.url);
  const skippedFile = join(folder, 'skipped');
  project.provide('database', { url: server.url, template });
  project.provide('redis', findRedis());
  project.provide('skippedFile', skippedFile);
  return async () => {
    await onServer(server.url, `drop database if exists ${template} with (force)`);
    await server.stop();
    tellSkipped(skippedFile);
    rmSync(folder, { recursive: true, force: true });
  };
}

/** A run that was killed could not tidy up: its server is stopped and its folder removed by the next one. */
async function sweepLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name);
    const pid = existsSync(join(folder, 'pid')) ? Number(readFileSync(join(folder, 'pid'), 'utf8')) : null;
    if (pid === null || isAlive(pid)) continue;
    const dir = join(folder, 'postgres');
    if (existsSync(dir))
      await startEmbedded({ dir, log: quiet, fsync: false }).then(
        (server) => server.stop(),
        () => {},
      );
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sharedServer(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} };
  const server = await startEmbedded({ dir: join(folder, 'postgres'), log: quiet, fsync: false });
  return { url: await server.url('postgres'), stop: () => server.stop() };
}

async function makeTemplate(url: string): Promise<string> {
  const template = `naru_template_${process.pid}`;
  await onServer(url, `drop database if exists ${template} with (force)`);
  await onServer(url, `create database ${template}`);
  await migrate(withDatabase(url, template));
  return template;
}

function tellSkipped(file: string): void {
  if (!existsSync(file)) return;
  const lines = [...new Set(readFileSync(file, 'utf8').trim().split('\n'))];
  console.log(['', 'Skipped:', ...lines.map((line) => `  ${line}`), ''].join('\n'));
}
