import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { pack } from './archive.ts';
import type { Folders } from './folders.ts';
import { fingerprint, snapshot } from './snapshot.ts';
import { UplinkRefused, type Uplink } from './uplink.ts';

/** Packing and sending are work for disk and line; the jobs' own work goes first. */
const AT_ONCE = 2;

export interface Saver {
  /** Saves every `everySeconds` from now on, whenever something changed. */
  schedule(id: string, everySeconds: number): void;
  /**
   * Ends the schedule and saves once more, trying for at most `withinMs`. Never rejects; false where something
   * could not be saved.
   */
  finish(id: string, withinMs: number): Promise<boolean>;
  /** Ends everything about it at once. */
  cancel(id: string): void;
}

interface Task {
  timer: NodeJS.Timeout | null;
  abort: AbortController;
  running: Promise<Verdict>;
}

/** `again`: it could work later. `never`: it will not. */
type Verdict = 'done' | 'again' | 'never';

export function createSaver(folders: Folders, uplink: Uplink, log: Logger): Saver {
  const tasks = new Map<string, Task>();
  const turn = turnstile(AT_ONCE);

  const task = (id: string): Task => {
    const known = tasks.get(id);
    if (known !== undefined) return known;
    const fresh: Task = { timer: null, abort: new AbortController(), running: Promise.resolve('done') };
    tasks.set(id, fresh);
    return fresh;
  };
  /** One save of a job at a time; the next begins where the one before ended. */
  const run = (id: string, one: Task): Promise<Verdict> => {
    one.running = one.running.then((before) =>
      before === 'never' || one.abort.signal.aborted
        ? before
        : turn(() => saveOnce(folders, uplink, id, one.abort.signal)).catch((error: unknown) =>
            judge(log, id, error),
          ),
    );
    return one.running;
  };

  return {
    schedule: (id, everySeconds) => {
      const one = task(id);
      if (one.timer !== null || everySeconds <= 0) return;
      let busy = false;
      one.timer = setInterval(() => {
        if (busy) return;
        busy = true;
        void run(id, one).then((verdict) => {
          busy = false;
          if (verdict === 'never') clearInterval(one.timer ?? undefined);
        });
      }, everySeconds * 1000);
    },
    finish: async (id, withinMs) => {
      const one = task(id);
      clearInterval(one.timer ?? undefined);
      const until = performance.now() + withinMs;
      const limit = setTimeout(() => one.abort.abort(), withinMs);
      try {
        for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
          const verdict = await run(id, one);
          if (verdict !== 'again') return verdict === 'done' && !one.abort.signal.aborted;
          if (one.abort.signal.aborted || performance.now() + pauseMs > until) return false;
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      } finally {
        clearTimeout(limit);
        tasks.delete(id);
      }
    },
    cancel: (id) => {
      const one = tasks.get(id);
      clearInterval(one?.timer ?? undefined);
      one?.abort.abort();
      tasks.delete(id);
    },
  };
}

/** Looks, and saves what has changed since the last time. */
async function saveOnce(folders: Folders, uplink: Uplink, id: string, signal: AbortSignal): Promise<Verdict> {
  const dir = folders.checkpointDir(id);
  const now = await fingerprint(dir);
  if (now === null || now === folders.read(id, 'saved.json')?.fingerprint) return 'done';
  const copy = join(folders.of(id), 'snapshot');
  const spool = join(folders.of(id), 'snapshot.tar');
  try {
    await snapshot(dir, copy);
    // Of the copy's moment: what changes from here on makes the next save.
    const taken = (await fingerprint(dir)) ?? now;
    const body = await pack(copy, spool, signal);
    await rm(copy, { recursive: true, force: true });
    const verdict = await uplink.saveCheckpoint(id, body, signal);
    if (verdict === 'fenced') return 'never';
    folders.write(id, 'saved.json', { fingerprint: taken === now ? now : `${now} and then more` });
    return 'done';
  } finally {
    await rm(copy, { recursive: true, force: true });
    await rm(spool, { force: true });
  }
}

function judge(log: Logger, id: string, error: unknown): Verdict {
  if (error instanceof UplinkRefused) {
    log.warn({ allocationId: id, err: error }, 'checkpoints of this allocation are not accepted any more');
    return 'never';
  }
  log.warn({ allocationId: id, err: error }, 'a checkpoint could not be saved; it will be tried again');
  return 'again';
}

/** Lets `n` in at a time, in order of arrival. */
export function turnstile(n: number): <T>(work: () => Promise<T>) => Promise<T> {
  let inside = 0;
  const queue: (() => void)[] = [];
  return async (work) => {
    if (inside >= n) await new Promise<void>((resolve) => queue.push(resolve));
    else inside += 1;
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}
