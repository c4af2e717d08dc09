import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { killAll, sweep } from './sweep.ts';

const NARU = fileURLToPath(new URL('../bin/naru', import.meta.url));
const GUARD = fileURLToPath(new URL('./guard.ts', import.meta.url));
/** A unix socket's path may be 107 bytes long, and PostgreSQL's goes below this folder. */
const PATH_MAX = 50;

/** A fresh folder that everything of one run lives in, and with which it ends. */
export interface Home {
  readonly folder: string;
  path(...names: string[]): string;
  /** Ends what still runs in it, removes it, and makes sure. */
  clear(): Promise<void>;
}

export async function openHome(): Promise<Home> {
  const base = realpathSync(tmpdir());
  const folder = mkdtempSync(join(base.length <= PATH_MAX ? base : '/tmp', 'naru-demo-'));
  // PostgreSQL may have to run as another user, who walks through.
  chmodSync(folder, 0o711);
  mkdirSync(join(folder, 'agents'));
  mkdirSync(join(folder, 'logs'));
  const guard = spawn(process.execPath, [GUARD], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  guard.stdin?.on('error', () => {}).write(`${folder}\n`);
  guard.on('error', () => {});
  return {
    folder,
    path: (...names) => join(folder, ...names),
    clear: async () => {
      await sweep(folder);
      guard.stdin?.end('bye\n');
      if (guard.exitCode === null && guard.pid !== undefined) await once(guard, 'exit');
    },
  };
}

/** `bin/naru …`, running. */
export interface Program {
  readonly name: string;
  readonly child: ChildProcess;
  /** Resolves with the first line of its output that matches; rejects with the end of its log when it ends first. */
  line(pattern: RegExp, withinMs: number): Promise<string>;
  /** SIGTERM; resolves when it has ended. @returns its exit code */
  stop(): Promise<number | null>;
}

/** Starts `bin/naru` in a process group of its own: Ctrl-C is for the demo, which then ends its children itself. */
export function startNaru(
  home: Home,
  name: string,
  args: readonly string[],
  env: Record<string, string>,
): Program {
  const { PATH = '', HOME = '/', LANG = 'C.UTF-8' } = process.env;
  const logFile = home.path('logs', `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(NARU, args, {
    cwd: home.folder,
    env: { PATH, HOME, LANG, ...env },
    stdio: ['ignore', 'pipe', log],
    detached: true,
  });
  closeSync(log);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output = (output + chunk).slice(-4096)));
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`naru ${args[0]} ended (${code ?? signal}): ${tail(logFile)}`)),
    );
  });
  failed.catch(() => {});
  return {
    name,
    child,
    line: (pattern, withinMs) =>
      Promise.race([
        failed,
        matching(child, () => output, pattern),
        tooLong(`naru ${args[0]} did not say ${pattern}`, withinMs),
      ]),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        await exit;
      }
      return child.exitCode;
    },
  };
}

/** Like a machine that loses its power: everything that belongs to the folder, in one blow. @returns how many processes */
export async function pullThePlug(program: Program, folder: string): Promise<number> {
  program.child.kill('SIGKILL');
  return 1 + (await killAll(folder));
}

function matching(child: ChildProcess, output: () => string, pattern: RegExp): Promise<string> {
  return new Promise((resolve) => {
    const look = () => {
      const match = pattern.exec(output());
      if (match === null) return;
      child.stdout?.off('data', look);
      resolve(match[1] ?? match[0]);
    };
    child.stdout?.on('data', look);
    look();
  });
}

function tooLong(what: string, ms: number): Promise<never> {
  return new Promise((_, reject) =>
    setTimeout(() => reject(new Error(`${what} within ${ms / 1000} s`)), ms).unref(),
  );
}

export function tail(file: string, lines = 8): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
