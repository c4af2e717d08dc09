import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckpointRef } from '../core/order.ts';
import { Damaged, downloadPath, receive, unpack } from './archive.ts';
import type { Folders } from './folders.ts';
import { fingerprint } from './snapshot.ts';
import { UplinkRefused, type Uplink } from './uplink.ts';

/** A download that is not what was stored is tried this often. */
const DAMAGED_MAX = 3;

/** It cannot be restored, and another try would not change that. */
export class NotRestorable extends Error {
  override readonly name = 'NotRestorable';
}

/** Puts a checkpoint into the job's folder, verified; see `fetchInto`. */
export async function restore(
  folders: Folders,
  uplink: Uplink,
  id: string,
  ref: CheckpointRef,
  signal: AbortSignal,
): Promise<void> {
  await fetchInto(folders, uplink, id, ref, folders.checkpointDir(id), signal);
  await noteSaved(folders, id);
}

/** What lies in the job's folder now is what the service has: it need not be saved. */
export async function noteSaved(folders: Folders, id: string): Promise<void> {
  const now = await fingerprint(folders.checkpointDir(id));
  if (now !== null) folders.write(id, 'saved.json', { fingerprint: now });
}

/**
 * Puts a checkpoint into a folder, verified. An unreachable service is tried again until `signal` says no
 * (the lease does); rejects with NotRestorable where there is no use in that.
 */
export async function fetchInto(
  folders: Folders,
  uplink: Uplink,
  id: string,
  ref: CheckpointRef,
  dir: string,
  signal: AbortSignal,
): Promise<void> {
  const path = downloadPath(folders.of(id));
  let damaged = 0;
  for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
    try {
      await receive(await uplink.fetchCheckpoint(ref, signal), path, ref, signal);
      break;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Damaged) damaged += 1;
      const hopeless = error instanceof UplinkRefused || damaged >= DAMAGED_MAX || isFull(error);
      if (hopeless)
        throw new NotRestorable(`checkpoint ${ref.id} cannot be restored: ${(error as Error).message}`);
      await sleep(pauseMs, undefined, { signal });
    }
  }
  try {
    await unpack(path, dir, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new NotRestorable(`checkpoint ${ref.id} cannot be unpacked: ${(error as Error).message}`);
  } finally {
    await rm(path, { force: true });
  }
}

function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
