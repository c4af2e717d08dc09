import { setTimeout as sleep } from 'node:timers/promises';
import type { Folders } from './folders.ts';
import { readPiece } from './segments.ts';
import { turnstile } from './saver.ts';
import { UplinkRefused, type Uplink } from './uplink.ts';

const CHUNK_BYTES = 256 * 1024;
/** Of all jobs together: a flood must not take the vendor's line, nor the service's database. */
const BYTES_PER_SECOND = 8 * 1024 * 1024;
const AT_ONCE = 4;

export interface Shipper {
  /** There may be new output. */
  note(id: string): void;
  /** No more will come after `written` bytes. Resolves when all is sent, or nothing went through for `patienceMs`. */
  finish(id: string, written: number | null, patienceMs: number): Promise<void>;
  drop(id: string): void;
}

interface Stream {
  byte: number;
  written: number | null;
  dirty: boolean;
  refused: boolean;
  failedSince: number | null;
  running: Promise<void> | null;
  readonly abort: AbortController;
}

/**
 * Sends the jobs' output as it comes. Resumes at the byte after the last one that was accepted, also in another
 * process; the service takes the same bytes twice without harm.
 */
export function createShipper(folders: Folders, uplink: Uplink): Shipper {
  const streams = new Map<string, Stream>();
  const turn = turnstile(AT_ONCE);
  const pace = pacer(BYTES_PER_SECOND);

  const stream = (id: string): Stream => {
    const known = streams.get(id);
    if (known !== undefined) return known;
    const byte = folders.read(id, 'shipped.json')?.byte ?? 0;
    const fresh: Stream = {
      byte,
      written: null,
      dirty: false,
      refused: false,
      failedSince: null,
      running: null,
      abort: new AbortController(),
    };
    streams.set(id, fresh);
    return fresh;
  };

  const drain = async (id: string, one: Stream): Promise<void> => {
    let pauseMs = 100;
    while (!one.refused && !one.abort.signal.aborted) {
      one.dirty = false;
      try {
        const sent = await turn(() => sendNext(id, one));
        pauseMs = 100;
        one.failedSince = null;
        if (!sent && !one.dirty) return;
      } catch (error) {
        if (error instanceof UplinkRefused) one.refused = true;
        one.failedSince ??= performance.now();
        await sleep(pauseMs, undefined, { signal: one.abort.signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, 5_000);
      }
    }
  };

  const sendNext = async (id: string, one: Stream): Promise<boolean> => {
    const piece = readPiece(folders.logDir(id), one.byte, CHUNK_BYTES, one.written);
    if (piece === null) return false;
    await pace(piece.bytes.length, one.abort.signal);
    await uplink.appendLog(id, piece, one.abort.signal);
    one.byte = piece.startByte + piece.bytes.length;
    folders.write(id, 'shipped.json', { byte: one.byte });
    return true;
  };

  const note = (id: string): Promise<void> => {
    const one = stream(id);
    one.dirty = true;
    one.running ??= drain(id, one).finally(() => {
      one.running = null;
      // Noted between drain's last look and here.
      if (one.dirty && !one.refused && !one.abort.signal.aborted) void note(id);
    });
    return one.running;
  };

  return {
    note: (id) => void note(id),
    finish: async (id, written, patienceMs) => {
      const one = stream(id);
      one.written = written;
      const watch = setInterval(() => {
        if (one.failedSince !== null && performance.now() - one.failedSince > patienceMs) one.abort.abort();
      }, 500);
      await note(id);
      await one.running;
      clearInterval(watch);
    },
    drop: (id) => {
      streams.get(id)?.abort.abort();
      streams.delete(id);
    },
  };
}

/** Waits as long as it takes to stay under the rate; a second's worth may go at once. */
function pacer(bytesPerSecond: number): (bytes: number, signal: AbortSignal) => Promise<void> {
  let freeAt = 0;
  return async (bytes, signal) => {
    const now = performance.now();
    freeAt = Math.max(freeAt, now - 1_000) + (bytes / bytesPerSecond) * 1_000;
    if (freeAt > now) await sleep(freeAt - now, undefined, { signal });
  };
}
