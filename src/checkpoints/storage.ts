import type { Readable } from 'node:stream';

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
