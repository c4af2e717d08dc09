import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A piece of a job's output: the bytes at `startByte`. What was lost before it shows as a gap to the piece before;
 * an empty piece says only that everything up to there was lost.
 */
export interface Piece {
  readonly startByte: number;
  readonly bytes: Buffer;
}

interface Segment {
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

/**
 * The next piece of the output that the warden keeps in `dir`, from byte `from`, at most `limit` bytes; null when
 * there is none. `written` is how much the job wrote in all, where that is known: then a missing end is a cut, too.
 * A character that is cut in two by `limit` waits for the next piece.
 */
export function readPiece(dir: string, from: number, limit: number, written: number | null): Piece | null {
  for (const segment of segmentsOf(dir)) {
    const end = segment.start + segment.size;
    if (end <= from) continue;
    const start = Math.max(from, segment.start);
    const bytes = readAt(segment.path, start - segment.start, Math.min(limit, end - start));
    // The warden removed it between the listing and now; the next look finds what is left.
    if (bytes === null) return null;
    const whole = end - start > limit ? withoutHalfCharacter(bytes) : bytes;
    return { startByte: start, bytes: whole };
  }
  if (written !== null && written > from) {
    return { startByte: written, bytes: Buffer.alloc(0) };
  }
  return null;
}

/** How far the segments reach. */
export function endOf(dir: string): number {
  const last = segmentsOf(dir).at(-1);
  return last === undefined ? 0 : last.start + last.size;
}

function segmentsOf(dir: string): Segment[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return [];
  }
  const segments: Segment[] = [];
  for (const name of names.sort()) {
    const path = join(dir, name);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size !== undefined && /^\d{16}$/.test(name)) segments.push({ path, start: Number(name), size });
  }
  return segments;
}

function readAt(path: string, offset: number, length: number): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
  } finally {
    closeSync(fd);
  }
}

/** Leaves off at most three bytes that begin a UTF-8 character and do not finish it. */
export function withoutHalfCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length - 1); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
