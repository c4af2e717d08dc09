import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

/** A process of ours. Everything started here is ended by `endAll`, whatever happens. */
export interface Running {
  readonly child: ChildProcess;
  /** The part of the announcing line that was waited for. */
  readonly announced: string;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its first group, found in a line of standard output, is what `announced` holds. Absent: not waited for. */
  readonly announces?: RegExp;
  /** Where its standard error goes. */
  readonly log: string;
}

const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;
const started = new Set<ChildProcess>();

/** Starts a program and waits until it says that it is there. Its environment is ours, with `env` on top. */
export async function start({ command, env, announces, log }: StartOptions): Promise<Running> {
  const [program = '', ...args] = command;
  const stderr = openSync(log, 'a');
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', stderr],
  });
  closeSync(stderr);
  started.add(child);
  void once(child, 'exit').then(
    () => started.delete(child),
    () => started.delete(child),
  );
  child.stdout?.resume();
  const what = `${command.join(' ')} (its log: ${log})`;
  const announced = announces === undefined ? '' : await announcement(child, announces, what);
  return { child, announced, stop: () => end(child) };
}

async function announcement(child: ChildProcess, announces: RegExp, what: string): Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const found = new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const match = announces.exec(line);
      if (match !== null) resolve(match[1] ?? line);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it was ready: ${what}`)));
  });
  found.catch(() => undefined);
  const timeout = AbortSignal.timeout(START_WITHIN_MS);
  return Promise.race([
    found,
    once(timeout, 'abort').then((): never => {
      throw new Error(`not ready in time: ${what}`);
    }),
  ]);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const inTime = await Promise.race([gone.then(() => true), wait(STOP_WITHIN_MS, false, { ref: false })]);
  if (inTime) return;
  child.kill('SIGKILL');
  await gone;
}

export async function endAll(): Promise<void> {
  await Promise.allSettled([...started].map(end));
}
