import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Binaries } from '../../src/store/embedded/binaries.ts';
import { ensureCluster } from '../../src/store/embedded/cluster.ts';
import { prepareFolders } from '../../src/store/embedded/folder.ts';
import { serverIdentity } from '../../src/store/embedded/identity.ts';
import { ensureServer, stopServer, urlOf } from '../../src/store/embedded/postmaster.ts';
import { noteSkipped } from './skip.ts';

export interface SystemPostgres extends Binaries {
  readonly major: number;
}

/** The machine's own PostgreSQL, 15 or newer, or null (noted as skipped). To be asked while tests are collected. */
export function systemPostgres(what: string): SystemPostgres | null {
  const found = programFolders()
    .map((folder) => ({ initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') }))
    .filter(({ initdb, postgres }) => existsSync(initdb) && existsSync(postgres))
    .map((programs) => ({ ...programs, major: majorOf(programs.postgres) }))
    .filter(({ major }) => major >= 15)
    .sort((a, b) => b.major - a.major)[0];
  if (found === undefined) noteSkipped(what, 'install PostgreSQL 15 or newer (apt-get install postgresql)');
  return found ?? null;
}

/** A throw-away cluster of it; the URL is of its maintenance database. */
export async function startSystemPostgres(
  binaries: Binaries,
): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'naru-test-system-'));
  chmodSync(folder, 0o711);
  const identity = serverIdentity(join(folder, 'postgres', 'cluster'));
  const folders = prepareFolders(join(folder, 'postgres'), identity, () => {});
  await ensureCluster({ binaries, folders, identity, fsync: false });
  const { sockets } = await ensureServer({ binaries, folders, identity, fsync: false, maxConnections: 100 });
  return {
    url: urlOf(sockets, 'postgres'),
    async stop() {
      await stopServer(folders);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Programs on the PATH may be links, and a server finds its other files beside itself. */
function programFolders(): string[] {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian)
    ? readdirSync(debian).map((version) => join(debian, version, 'bin'))
    : [];
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'postgres'))
    .filter((program) => existsSync(program))
    .map((program) => dirname(realpathSync(program)));
  return [...new Set([...versions, ...onPath])];
}

function majorOf(postgres: string): number {
  try {
    return Number(/(\d+)/.exec(execFileSync(postgres, ['--version'], { encoding: 'utf8' }))?.[1]);
  } catch {
    return 0;
  }
}
