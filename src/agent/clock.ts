import { openSync, readFileSync, readSync } from 'node:fs';

/**
 * Time for leases. Milliseconds since the machine booted, suspend included, the same in every process of the
 * machine: so a deadline can be handed from the agent to the warden as a moment, and a message that was stuck in a
 * frozen process cannot stretch it. CLOCK_MONOTONIC (hrtime) was rejected where /proc/uptime exists, because it
 * stands still while a machine sleeps and the lease does not.
 */
export function upMs(): number {
  if (uptimeFd === null) return Number(process.hrtime.bigint() / 1_000_000n);
  const length = readSync(uptimeFd, buffer, 0, buffer.length, 0);
  return Math.round(Number.parseFloat(buffer.toString('latin1', 0, length)) * 1000);
}

/** The wall clock, for comparison with the times of files. Never for leases. */
export const wallMs = (): number => Date.now();

const buffer = Buffer.alloc(64);
const uptimeFd = open('/proc/uptime');
/** Names this boot of the machine. */
export const bootId = readBootId();

function open(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

/** A moment that can be written to disk: exact within one boot, by the wall clock across boots. */
export interface Stamp {
  readonly boot: string;
  readonly upMs: number;
  readonly wallMs: number;
}

export function stamp(): Stamp {
  return { boot: bootId, upMs: upMs(), wallMs: Date.now() };
}

/** The moment so many milliseconds ago. */
export function before(ms: number): Stamp {
  const now = stamp();
  return { ...now, upMs: now.upMs - ms, wallMs: now.wallMs - ms };
}

/** Milliseconds since `then`, never negative. */
export function ageMs(then: Stamp): number {
  const age = then.boot === bootId ? upMs() - then.upMs : Date.now() - then.wallMs;
  return Math.max(0, Math.round(age));
}

export function sameBoot(then: Stamp): boolean {
  return then.boot === bootId;
}
