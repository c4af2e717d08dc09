import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { bootId, upMs } from './clock.ts';
import { writeJson } from './folders.ts';

/** A line of the kernel's log with a name of its own. */
export interface LogLine {
  /** The same line read twice has the same one, also by another process. */
  readonly id: string;
  /** Milliseconds since it was written; 0 where the log does not say (a file: it is read as it grows). */
  readonly agoMs: number;
  readonly text: string;
}

export interface KernelLog {
  /** What is new since the last look. */
  read(): LogLine[];
  /** What was read so far is done with: a successor goes on from here. */
  commit(): void;
  close(): void;
}

/** Where the reading is: in the ring of one boot, or in one file. */
interface Position {
  readonly of: string;
  /** A sequence number of the ring, or a byte of the file: of what comes next. */
  readonly next: number;
}

/** At most, of one look: a log that is written faster than this is read a little later. */
const READ_BYTES = 1 << 20;

/**
 * Opens a kernel's log: `/dev/kmsg` (a ring with sequence numbers and times since boot) or a file that grows line by line.
 * `stateFile` keeps the position. A file that was never read is read from its end: what it holds has no time that could
 * be trusted. Throws where `path` cannot be opened.
 */
export function openKernelLog(path: string, stateFile: string): KernelLog {
  const kept = readPosition(stateFile);
  const ring = statSync(path).isCharacterDevice();
  const log = ring ? openRing(path, kept) : openFile(path, kept);
  return {
    read: () => log.read(),
    commit: () => writeJson(stateFile, log.position()),
    close: () => log.close(),
  };
}

interface Source {
  read(): LogLine[];
  position(): Position;
  close(): void;
}

/** `6,1842,5678901,-;NVRM: …`: priority, sequence, microseconds since boot; lines that go on begin with a space. */
const RECORD = /^\d+,(\d+),(\d+),[^;]*;([^\n]*)/;

function openRing(path: string, kept: Position | null): Source {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(8_192);
  let next = kept?.of === bootId ? kept.next : 0;
  return {
    read: () => {
      const lines: LogLine[] = [];
      for (let record = readRecord(fd, buffer); record !== null; record = readRecord(fd, buffer)) {
        const [, sequence, micros, text] = RECORD.exec(record) ?? [];
        if (sequence === undefined || text === undefined || Number(sequence) < next) continue;
        next = Number(sequence) + 1;
        const agoMs = Math.max(0, upMs() - Number(micros) / 1_000);
        lines.push({ id: `${bootId}:${sequence}`, agoMs, text });
      }
      return lines;
    },
    position: () => ({ of: bootId, next }),
    close: () => closeSync(fd),
  };
}

/** Null: there is nothing more just now. '' where the ring was faster than we were: the next read goes on. */
function readRecord(fd: number, buffer: Buffer): string | null {
  try {
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, null));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPIPE' ? '' : null;
  }
}

function openFile(path: string, kept: Position | null): Source {
  let fd = openSync(path, 'r');
  let position = positionIn(fd, kept);
  return {
    read: () => {
      const lines = readLines(fd, position);
      position = lines.position;
      if (!isReplaced(path, position)) return lines.found;
      // Rotated: the rest of the old one was read just now, the new one is read from its beginning.
      closeSync(fd);
      fd = openSync(path, 'r');
      position = { of: inodeOf(fd), next: 0 };
      const rest = readLines(fd, position);
      position = rest.position;
      return [...lines.found, ...rest.found];
    },
    position: () => position,
    close: () => closeSync(fd),
  };
}

function positionIn(fd: number, kept: Position | null): Position {
  const of = inodeOf(fd);
  const { size } = fstatSync(fd);
  if (kept === null) return { of, next: size };
  return { of, next: kept.of === of && kept.next <= size ? kept.next : 0 };
}

/** Whole lines only: the last one may still be being written. */
function readLines(fd: number, { of, next }: Position): { found: LogLine[]; position: Position } {
  const { size } = fstatSync(fd);
  const from = size < next ? 0 : next;
  const buffer = Buffer.alloc(Math.min(READ_BYTES, size - from));
  const length = buffer.length === 0 ? 0 : readSync(fd, buffer, 0, buffer.length, from);
  const full = length === READ_BYTES;
  const end = buffer.lastIndexOf(10, length - 1) + 1 || (full ? length : 0);
  const found: LogLine[] = [];
  let at = 0;
  while (at < end) {
    const stop = buffer.indexOf(10, at);
    const to = stop < 0 ? end : stop;
    const text = buffer.toString('utf8', at, to);
    found.push({ id: idOf(of, from + at, text), agoMs: 0, text });
    at = to + 1;
  }
  return { found, position: { of, next: from + end } };
}

/** With what it says: a file that is emptied and written anew has other lines at the same bytes. */
function idOf(of: string, byte: number, text: string): string {
  return `${of}:${byte}:${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
}

function isReplaced(path: string, { of }: Position): boolean {
  try {
    return `file-${statSync(path).ino}` !== of;
  } catch {
    return false;
  }
}

const inodeOf = (fd: number): string => `file-${fstatSync(fd).ino}`;

function readPosition(stateFile: string): Position | null {
  try {
    const { of, next } = JSON.parse(readFileSync(stateFile, 'utf8')) as Partial<Position>;
    return typeof of === 'string' && typeof next === 'number' ? { of, next } : null;
  } catch {
    return null;
  }
}
