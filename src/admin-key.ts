import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.ts';
import type { Deps } from './deps.ts';
import { ensureAdminKey, hasAdminKey } from './flows/ensureAdminKey.ts';

/**
 * Sees to it that there is an administrator: the key that the environment names, else the one in the data folder,
 * else a new one, kept there (mode 600) and printed once. A replica with an empty data folder beside an
 * installation that has its key makes none: a new one would end the old.
 */
export async function establishAdminKey(config: Config, deps: Deps): Promise<void> {
  if (config.adminKey !== null) return ensureAdminKey(deps, config.adminKey);
  const file = join(config.dataDir, 'admin-key');
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept !== null && kept.trim() !== '') return ensureAdminKey(deps, kept.trim());
  if (await hasAdminKey(deps)) {
    deps.log.warn('the admin key of this installation is kept elsewhere; `naru key` makes another key');
    return;
  }
  const secret = `naru_${deps.ids.secret()}`;
  await keep(config.dataDir, file, secret);
  await ensureAdminKey(deps, secret);
  process.stdout.write(`admin key (shown once, kept in ${file}): ${secret}\n`);
}

/** All of it or nothing, and readable by nobody else from the first byte on. */
async function keep(folder: string, file: string, secret: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = `${file}.draft`;
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${secret}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
