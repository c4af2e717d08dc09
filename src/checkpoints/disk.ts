import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from 'pino';
import { StorageFull, type CheckpointStorage } from './storage.ts';

const SCHEME = 'file:';
const PART = '.part';
/** An upload that was cut off by the service's end leaves a part behind; no upload takes this long. */
const PART_KEPT_MS = 24 * 3_600_000;

/** A folder of the service's own. Bytes are written aside, brought to the disk, and only then given their name. */
export function diskStorage(root: string, log: Logger): CheckpointStorage {
  const pathOf = (location: string): string => {
    const path = normalize(location.slice(SCHEME.length));
    if (!location.startsWith(SCHEME) || path.startsWith('..') || path.startsWith('/')) {
      throw new Error(`not a place on this disk: ${location}`);
    }
    return join(root, path);
  };
  removeParts(root).catch((error: unknown) => log.warn({ err: error }, 'old parts of checkpoints stay'));
  return {
    kind: 'disk',
    locationFor: (jobId, checkpointId) => `${SCHEME}${jobId}/${checkpointId}.tar`,
    putUrl: async () => null,
    getUrl: async () => null,
    write: (location, body) => write(pathOf(location), body),
    stat: async (location) => {
      const found = await stat(pathOf(location)).catch(orNull);
      return found === null ? null : { sizeBytes: found.size };
    },
    read: async (location) => {
      const handle = await open(pathOf(location), 'r');
      return handle.createReadStream({ highWaterMark: 256 * 1024 });
    },
    remove: async (location) => {
      await rm(pathOf(location), { force: true });
      // The job's folder goes with its last one.
      await rmdir(dirname(pathOf(location))).catch(() => undefined);
    },
  };
}

async function write(path: string, body: Readable): Promise<{ sizeBytes: number; sha256: string }> {
  const part = `${path}.${randomUUID()}${PART}`;
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // `flush`: fsync before close, so that the name never stands for bytes that a power cut takes away.
    await pipeline(body, count, createWriteStream(part, { mode: 0o600, flush: true }));
    await rename(part, path);
    await syncFolder(dirname(path));
    return { sizeBytes, sha256: hash.digest('hex') };
  } catch (error) {
    body.destroy();
    await rm(part, { force: true });
    throw isFull(error) ? new StorageFull('the disk for checkpoints is full') : error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeParts(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith(PART)) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(orNull);
    // Files have no other clock than the wall's.
    if (found !== null && Date.now() - found.mtimeMs > PART_KEPT_MS) await rm(path, { force: true });
  }
}

function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function orNull(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}
