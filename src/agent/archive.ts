import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { isAbsolute, join, posix } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { create, extract, type ReadEntry } from 'tar';
import type { Package } from './uplink.ts';

/**
 * Packs a folder into a tar file. Written to disk rather than sent as it is made: S3 wants the length first, a
 * failed upload can be repeated with the same bytes, and a job that goes on writing does not tear it.
 */
export async function pack(dir: string, path: string, signal: AbortSignal): Promise<Package> {
  const counted = counter();
  const source = create({ cwd: dir, portable: true, strict: true, maxReadSize: 1024 * 1024 }, ['.']);
  try {
    await pipeline(source, counted.stream, createWriteStream(path, { mode: 0o600 }), { signal });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return { path, ...counted.result() };
}

/** What was received is not what was stored: worth another try. */
export class Damaged extends Error {
  override readonly name = 'Damaged';
}

/** Writes a stream to `path`; throws Damaged, with nothing left there, where size or digest differ. */
export async function receive(
  source: Readable,
  path: string,
  expected: { readonly sizeBytes: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<void> {
  const counted = counter();
  try {
    await pipeline(source, counted.stream, createWriteStream(path, { mode: 0o600 }), { signal });
    const { sizeBytes, sha256 } = counted.result();
    if (sizeBytes !== expected.sizeBytes || sha256 !== expected.sha256) {
      throw new Damaged(
        `received ${sizeBytes} bytes, sha256 ${sha256}; stored were ${expected.sizeBytes}, ${expected.sha256}`,
      );
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Unpacks into `dir`, which appears whole or not at all. The archive is not trusted, although a job of the same
 * tenant made it: only plain files, folders and links that stay inside are unpacked, nobody's ownership, no set-uid.
 */
export async function unpack(path: string, dir: string, signal: AbortSignal): Promise<void> {
  const aside = `${dir}.part`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const sink = extract({
    cwd: aside,
    strict: true,
    preserveOwner: false,
    preservePaths: false,
    filter: (name, entry) => isHarmless(name, entry as ReadEntry),
    onReadEntry: (entry) => void (entry.mode = (entry.mode ?? 0o600) & 0o777),
  });
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), sink, { signal });
  await rm(dir, { recursive: true, force: true });
  await rename(aside, dir);
}

/** Exported for its test: what may be unpacked. */
export function isHarmless(name: string, entry: Pick<ReadEntry, 'type' | 'linkpath'>): boolean {
  if (isAbsolute(name) || name.split('/').includes('..')) return false;
  switch (entry.type) {
    case 'File':
    case 'OldFile':
    case 'ContiguousFile':
    case 'Directory':
      return true;
    case 'SymbolicLink':
      return staysInside(posix.join(posix.dirname(name), entry.linkpath ?? ''), entry.linkpath);
    case 'Link':
      return staysInside(entry.linkpath ?? '', entry.linkpath);
    default:
      return false;
  }
}

function staysInside(target: string, linkpath: string | undefined): boolean {
  if (linkpath === undefined || linkpath === '' || isAbsolute(linkpath)) return false;
  const normal = posix.normalize(target);
  return normal !== '..' && !normal.startsWith('../');
}

/** Where a download is kept until it is verified and unpacked. */
export function downloadPath(jobDir: string): string {
  return join(jobDir, 'restore.tar');
}

function counter(): { stream: Transform; result(): { sizeBytes: number; sha256: string } } {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  return { stream, result: () => ({ sizeBytes, sha256: hash.digest('hex') }) };
}
