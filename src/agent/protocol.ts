import type { Exit, Started } from './folders.ts';
import type { Limits } from './cage.ts';
import type { Inventory } from '../core/order.ts';

/**
 * What the agent and its warden say to each other: one JSON object a line over `<data>/warden.sock`.
 * All moments (`deadlineMs`) are upMs() of the same machine, so a line that waited in a frozen process means what
 * it meant when it was written.
 */
export type Command =
  | { readonly t: 'hello'; readonly version: number }
  | { readonly t: 'ping'; readonly n: number }
  | { readonly t: 'start'; readonly launch: Launch; readonly deadlineMs: number }
  | { readonly t: 'lease'; readonly deadlines: readonly (readonly [id: string, deadlineMs: number])[] }
  /** Never shortens what was said before. */
  | { readonly t: 'paid'; readonly paid: readonly (readonly [id: string, paidMs: number])[] }
  | { readonly t: 'stop'; readonly id: string; readonly graceMs: number }
  | { readonly t: 'drop'; readonly id: string }
  | { readonly t: 'shutdown' };

export type Report =
  | {
      readonly t: 'welcome';
      readonly pid: number;
      readonly limits: Inventory['limits'];
      readonly detail: string;
      readonly jobs: readonly Held[];
    }
  | { readonly t: 'busy'; readonly detail: string }
  | { readonly t: 'pong'; readonly n: number }
  | { readonly t: 'started'; readonly id: string; readonly started: Started }
  | { readonly t: 'output'; readonly id: string; readonly written: number }
  | { readonly t: 'ended'; readonly id: string; readonly exit: Exit; readonly written: number };

/** Raised when the lines change their meaning; a warden of another version is waited out, then replaced. */
export const PROTOCOL_VERSION = 2;

/** What the warden needs to know to run one job. Everything else about it is the agent's. */
export interface Launch {
  readonly id: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: Limits;
  /** So long its run is paid for; null: no end. */
  readonly paidMs: number | null;
  /** Between SIGTERM and SIGKILL, when that time comes to its end. */
  readonly graceMs: number;
}

/** One job that the warden has, ended ones until they are dropped. */
export interface Held {
  readonly id: string;
  readonly started: Started | null;
  readonly exit: Exit | null;
  readonly written: number;
}

/** Splits a byte stream into lines and parses each; `onLine` is never called with half of one. */
export function lineReader<T>(onLine: (message: T) => void): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(JSON.parse(line) as T);
  };
}

export function toLine(message: Command | Report): string {
  return `${JSON.stringify(message)}\n`;
}
