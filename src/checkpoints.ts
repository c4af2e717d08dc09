import { join } from 'node:path';
import type { Logger } from 'pino';
import { diskStorage } from './checkpoints/disk.ts';
import { s3Storage } from './checkpoints/s3.ts';
import type { CheckpointStorage } from './checkpoints/storage.ts';
import type { Config } from './config.ts';

export { StorageFull, type CheckpointStorage } from './checkpoints/storage.ts';

/** `NARU_CHECKPOINTS=s3://…`, else the data folder's own disk. Throws ConfigError where the setting is wrong. */
export function createCheckpointStorage(config: Config, log: Logger): CheckpointStorage {
  if (config.checkpointsUrl !== null) return s3Storage(config.checkpointsUrl);
  return diskStorage(join(config.dataDir, 'checkpoints'), log);
}
