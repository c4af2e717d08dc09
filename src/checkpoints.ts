import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { diskStorage } from './checkpoints/disk.ts';
import { s3Storage } from './checkpoints/s3.ts';
import type { Config } from './config.ts';

/** Where the bytes of checkpoints are kept. */
export interface CheckpointStorage {
  readonly kind: 'disk' | 's3';
  /** A new place, for the row that is stored before anything is written. */
  locationFor(jobId: string, checkpointId: string): string;
  /**
   * Where the agent should PUT the bytes: null means "to us" (the service's own route, which calls `write`),
   * else a presigned URL good for at least an hour.
   */
  putUrl(location: string, now: Date): Promise<string | null>;
  getUrl(location: string, now: Date): Promise<string | null>;
  /** Atomic: a reader sees all of it or nothing. Resolves with what was written. Throws StorageFull when the disk is. */
  write(location: string, body: Readable): Promise<{ sizeBytes: number; sha256: string }>;
  /** Size as stored, or null where there is nothing. */
  stat(location: string): Promise<{ sizeBytes: number } | null>;
  read(location: string): Promise<Readable>;
  /** Unknown location: does nothing. */
  remove(location: string): Promise<void>;
}

export class StorageFull extends Error {
  override readonly name = 'StorageFull';
}

/** `NARU_CHECKPOINTS=s3://…`, else the data folder's own disk. Throws ConfigError where the setting is wrong. */
export function createCheckpointStorage(config: Config, log: Logger): CheckpointStorage {
  if (config.checkpointsUrl !== null) return s3Storage(config.checkpointsUrl);
  return diskStorage(join(config.dataDir, 'checkpoints'), log);
}
