import { setImmediate as turn } from 'node:timers/promises';
import { hash, type Random } from './random.ts';

/** Something that runs: a replica of the service, an agent, a machine. Dead ones never act again. */
export interface Proc {
  readonly name: string;
  alive: boolean;
  /** Stands still until then (SIGSTOP, a long garbage collection, a starved host). Virtual milliseconds. */
  pausedUntilMs: number;
  /** Asked at each of its steps: die now, and on which side of the step? */
  crash: 'before' | 'after' | null;
  /** Stand still for so long when the next step of this name comes up: between having looked and acting on it. */
  stall: { readonly before: string; readonly ms: number } | null;
  /** Told when it dies. */
  readonly onDeath: (() => void)[];
}

export function makeProc(name: string): Proc {
  return { name, alive: true, pausedUntilMs: 0, crash: null, stall: null, onDeath: [] };
}

export function kill(proc: Proc): void {
  if (!proc.alive) return;
  proc.alive = false;
  for (const told of proc.onDeath) told();
}

interface Step {
  readonly proc: Proc;
  readonly label: string;
  readonly run: () => void;
}

export interface Timer {
  atMs: number;
  readonly order: number;
  readonly proc: Proc | null;
  readonly fire: () => void;
  cancelled: boolean;
}

/** 2027-01-01: a whole second, so that times in a trace are easy to read. */
export const START_MS = Date.UTC(2027, 0, 1);
const STUCK_MS = 25_000;
const NEVER = new Promise<never>(() => {});

/**
 * Who goes next, and what time it is. Everything that touches the outside waits at a gate; one gate is opened at a
 * time, chosen by the seed, when nothing else moves. Time stands still while something can go on, unless the seed
 * says that it is slow today.
 */
export class Scheduler {
  /** When the world begins. */
  readonly startMs: number;
  nowMs: number;
  steps = 0;
  traceHash = hash('');
  /** Set when a step wrote something that the invariants look at. */
  dirty = false;
  readonly trace: string[] = [];
  readonly #random: Random;
  readonly #print: ((line: string) => void) | null;
  #ready: Step[] = [];
  #timers: Timer[] = [];
  #timerCount = 0;
  #inFlight = 0;
  #idle: (() => void) | null = null;
  /** How often time goes on although somebody could. */
  slowness: number;

  constructor(
    random: Random,
    slowness: number,
    print: ((line: string) => void) | null,
    startMs: number = START_MS,
  ) {
    this.startMs = this.nowMs = startMs;
    this.#random = random;
    this.slowness = slowness;
    this.#print = print;
  }

  get elapsedMs(): number {
    return this.nowMs - this.startMs;
  }

  note(who: string, what: string): void {
    const line = `${(this.elapsedMs / 1000).toFixed(3).padStart(8)} ${who.padEnd(10)} ${what}`;
    this.traceHash = hash(line, this.traceHash);
    this.trace.push(line);
    this.#print?.(line);
  }

  /** Waits for its turn, then does `work`. A proc that died meanwhile waits for ever. */
  gate<T>(proc: Proc, label: string, work: () => Promise<T>): Promise<T> {
    if (!proc.alive) return NEVER;
    if (proc.stall !== null && label.includes(proc.stall.before)) {
      proc.pausedUntilMs = this.nowMs + proc.stall.ms;
      this.note(proc.name, `stands still for ${proc.stall.ms} ms before ${label}`);
      proc.stall = null;
    }
    return new Promise<T>((resolve, reject) => {
      const run = () => {
        const crash = proc.crash;
        if (crash === 'before') return this.#die(proc, `dies before ${label}`);
        work().then(
          (value) => {
            if (crash === 'after') this.#die(proc, `dies after ${label}`);
            if (proc.alive) resolve(value);
          },
          (error: Error) => {
            if (crash === 'after') this.#die(proc, `dies after ${label}`);
            if (proc.alive) reject(error);
          },
        );
      };
      this.#ready.push({ proc, label, run });
    });
  }

  #die(proc: Proc, how: string): void {
    proc.crash = null;
    this.note(proc.name, how);
    kill(proc);
  }

  /** Calls `fire` at or after that time; never when its proc is dead, later when it is paused. */
  at(atMs: number, proc: Proc | null, fire: () => void): Timer {
    const timer: Timer = {
      atMs: Math.max(atMs, this.nowMs),
      order: (this.#timerCount += 1),
      proc,
      fire,
      cancelled: false,
    };
    this.#timers.push(timer);
    return timer;
  }

  in(ms: number, proc: Proc | null, fire: () => void): Timer {
    return this.at(this.nowMs + ms, proc, fire);
  }

  sleep(proc: Proc | null, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const abort = () => {
        timer.cancelled = true;
        reject(signal?.reason as Error);
      };
      const timer = this.in(ms, proc, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Real I/O begins; call the answer when it is over. Nobody is chosen meanwhile. */
  io(): () => void {
    this.#inFlight += 1;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#idle?.();
    };
  }

  /** Nothing moves any more: no I/O under way and every promise that could go on has. */
  async quiet(): Promise<void> {
    for (let calm = 0; calm < 3; calm += 1) {
      while (this.#inFlight > 0) {
        calm = 0;
        await this.#ioOver();
      }
      await turn();
    }
  }

  /** Two steps never overlap, so nobody waits for a lock: what takes that long waits for ever. */
  #ioOver(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const stuck = setTimeout(
        () => reject(new Error(`stuck in: ${this.trace.at(-1) ?? 'nothing'}`)),
        STUCK_MS,
      );
      this.#idle = () => {
        clearTimeout(stuck);
        this.#idle = null;
        resolve();
      };
    });
  }

  /** One step: somebody goes on, or time does. */
  async step(): Promise<void> {
    this.steps += 1;
    this.#ready = this.#ready.filter(({ proc }) => proc.alive);
    const able = this.#ready.filter(({ proc }) => proc.pausedUntilMs <= this.nowMs);
    if (able.length === 0 || this.#random.chance(this.slowness)) this.#fireNext();
    else {
      const chosen = this.#random.pick(able);
      this.#ready.splice(this.#ready.indexOf(chosen), 1);
      this.note(chosen.proc.name, chosen.label);
      chosen.run();
    }
    await this.quiet();
  }

  #fireNext(): void {
    let first: Timer | null = null;
    const kept: Timer[] = [];
    for (const timer of this.#timers) {
      if (timer.cancelled || timer.proc?.alive === false) continue;
      const paused = timer.proc === null ? 0 : timer.proc.pausedUntilMs;
      if (timer.atMs < paused) timer.atMs = paused;
      kept.push(timer);
      if (
        first === null ||
        timer.atMs < first.atMs ||
        (timer.atMs === first.atMs && timer.order < first.order)
      )
        first = timer;
    }
    this.#timers = kept;
    if (first === null) throw new Error('nothing can ever happen again');
    first.cancelled = true;
    this.nowMs = Math.max(this.nowMs, first.atMs);
    first.fire();
  }
}
