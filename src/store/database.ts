import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { StartError } from '../core/start-error.ts';
import { startEmbedded } from './embedded.ts';

/** Where the embedded server's folder is, below the data folder. */
export const embeddedFolder = (dataDir: string): string => join(dataDir, 'postgres');

/** The configured database: DATABASE_URL's, else the embedded one, started if need be. Throws StartError. */
export async function openDatabase(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  log: Pick<Logger, 'info' | 'warn'>,
  how: { readonly join: boolean; readonly mustExist?: boolean },
): Promise<{ readonly url: string; close(): Promise<void> }> {
  if (config.databaseUrl !== null) return { url: config.databaseUrl, close: async () => {} };
  const dir = embeddedFolder(config.dataDir);
  if ((how.mustExist ?? false) && !existsSync(dir)) {
    throw new StartError(
      `NARU_DATA_DIR: there is no database in ${config.dataDir} (and DATABASE_URL names none)`,
    );
  }
  const server = await startEmbedded({ dir, log, join: how.join });
  return { url: await server.url(), close: () => server.stop() };
}
