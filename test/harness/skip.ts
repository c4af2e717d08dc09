import { appendFileSync } from 'node:fs';
import { inject } from 'vitest';

/** Notes what this machine could not run, with what to install; named at the end of the run. */
export function noteSkipped(what: string, remedy: string): void {
  appendFileSync(inject('skippedFile'), `${what}: ${remedy}\n`);
}
