import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { copyFile, link, lstat, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What is in a folder, by names, sizes, times and inodes, as one hash; null where there is nothing. Contents are
 * not read: a file that is replaced by rename, which is how a job is told to write, has another inode.
 */
export async function fingerprint(dir: string): Promise<string | null> {
  const hash = createHash('sha256');
  let entries = 0;
  for await (const { path, entry } of walk(dir, '')) {
    const stat = await lstat(join(dir, path)).catch(() => null);
    if (stat === null) continue;
    entries += 1;
    hash.update(`${path}\0${entry.isDirectory() ? 'd' : `${stat.size}:${stat.mtimeMs}:${stat.ino}`}\n`);
  }
  return entries === 0 ? null : hash.digest('hex');
}

/**
 * A copy of the folder's tree whose files are hard links, so that it costs no space and takes no time, and stays
 * as it was when the job replaces its files. Where links are not possible it copies.
 */
export async function snapshot(dir: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true, mode: 0o700 });
  for await (const { path, entry } of walk(dir, '')) {
    try {
      await replicate(join(dir, path), join(to, path), entry);
    } catch (error) {
      // The job removed it in this moment, or wrote it under another name: the next snapshot has it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

async function replicate(from: string, to: string, entry: Dirent): Promise<void> {
  if (entry.isDirectory()) await mkdir(to);
  else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
  else if (entry.isFile()) await link(from, to).catch(() => copyFile(from, to));
}

/** Folders before what is in them; sorted, so that the same tree gives the same walk. */
async function* walk(root: string, below: string): AsyncGenerator<{ path: string; entry: Dirent }> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(below, entry.name);
    yield { path, entry };
    if (entry.isDirectory()) yield* walk(root, path);
  }
}
