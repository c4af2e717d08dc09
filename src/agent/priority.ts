import { getPriority, setPriority } from 'node:os';
import { readText, write } from './cgroups.ts';
import { parseStat } from './tree.ts';

/**
 * Who speaks for the jobs and ends them comes before them: a job that takes every core must not make its agent fall
 * silent, for then it would be moved, nor make its warden miss the end of a lease. So agent, warden and sentinel take
 * RAISED where they may (root, CAP_SYS_NICE, a limit on `nice`), whatever they were started with, because they need
 * little; jobs keep what the agent was started with, or run STEP below it where it could not be raised.
 */
const RAISED = -5;
const STEP = 5;
/** The kernel knows none that is higher. */
const LOWEST = 19;

/** The nice value that this process was started with. */
export const givenNice = getPriority();

/** Of this process and of what it starts from now on; stays as it is where that is not allowed. */
export function raisePriority(): void {
  const nice = Math.min(RAISED, givenNice);
  try {
    setPriority(nice);
  } catch {
    return;
  }
  // Where the kernel groups processes by session, nice counts only within the group, and the group has its own.
  const leads = parseStat(readText('/proc/self/stat'))?.session === process.pid;
  if (leads) write('/proc/self/autogroup', String(nice));
}

/** The nice value of jobs, and how far above their warden's that is. */
export interface JobNice {
  readonly value: number;
  readonly above: number;
}

/** @param given what the agent was started with; `own`: what its warden has */
export function niceOfJobs(given: number, own: number): JobNice {
  const value = Math.min(LOWEST, Math.max(given, own + STEP));
  return { value, above: value - own };
}
