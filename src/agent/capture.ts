import { closeSync, mkdirSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

/**
 * A job's output on disk: segments `log/<first byte>` of half the limit each, the newest two kept. A position is a
 * byte of what the job wrote, whether or not it was kept; so a gap between segments is a cut whose size is known.
 */
export interface Capture {
  /** Bytes that the job has written so far. */
  readonly position: () => number;
  /** Resolves when every writer has closed its end, or after `waitMs`. */
  close(waitMs: number): Promise<void>;
}

export const LOG_LIMIT_BYTES = 8 * 1024 * 1024;
/** A job that floods is held back rather than let it take the machine: it blocks in write, as on a slow terminal. */
const BYTES_PER_SECOND = 256 * 1024 * 1024;

export function segmentName(startByte: number): string {
  return String(startByte).padStart(16, '0');
}

/** Takes over `fd`, the reading end of a pipe. `onOutput` is called after every write. */
export function capture(fd: number, dir: string, limitBytes: number, onOutput: () => void): Capture {
  mkdirSync(dir, { recursive: true });
  const log = openLog(dir, limitBytes);
  const socket = new Socket({ fd, readable: true, writable: false });
  let second = 0;
  let inSecond = 0;
  socket.on('data', (chunk) => {
    log.append(chunk);
    onOutput();
    const now = Math.floor(performance.now() / 1000);
    inSecond = now === second ? inSecond + chunk.length : chunk.length;
    second = now;
    if (inSecond > BYTES_PER_SECOND) {
      socket.pause();
      setTimeout(() => socket.resume(), 1000 - (performance.now() % 1000));
    }
  });
  const ended = new Promise<void>((resolve) => {
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
  return {
    position: log.position,
    close: async (waitMs) => {
      const timer = setTimeout(() => socket.destroy(), waitMs);
      await ended;
      clearTimeout(timer);
      log.close();
    },
  };
}

interface Log {
  readonly position: () => number;
  append(chunk: Buffer): void;
  close(): void;
}

function openLog(dir: string, limitBytes: number): Log {
  let position = 0;
  let segment: { fd: number; size: number } | null = null;
  const rotate = (): void => {
    if (segment !== null) closeSync(segment.fd);
    segment = null;
    const names = readdirSync(dir).sort();
    for (const name of names.slice(0, Math.max(0, names.length - 1))) unlinkSync(join(dir, name));
    segment = { fd: openSync(join(dir, segmentName(position)), 'w', 0o600), size: 0 };
  };
  const append = (chunk: Buffer): void => {
    try {
      if (segment === null || segment.size + chunk.length > limitBytes / 2) rotate();
      const written = segment === null ? 0 : writeSync(segment.fd, chunk);
      if (segment !== null) segment.size += written;
      if (written < chunk.length) drop();
    } catch {
      // The disk is full: what does not fit is dropped, and the next segment begins after it.
      drop();
    }
    position += chunk.length;
  };
  const drop = (): void => {
    if (segment !== null) closeSync(segment.fd);
    segment = null;
  };
  return { position: () => position, append, close: drop };
}
