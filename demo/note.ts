import { appendFileSync } from 'node:fs';

/**
 * A witness that neither the service nor the agents can touch: every job of the demo writes down itself when it
 * started and when it came to its end, in one file outside everybody's sandbox. One short O_APPEND write a line, so
 * lines of different processes never mix. Without DEMO_LEDGER nothing is written.
 */
export function note(what: string, facts: Readonly<Record<string, unknown>> = {}): void {
  const { DEMO_LEDGER, DEMO_NAME, NARU_JOB_ID, NARU_ALLOCATION_ID, NARU_ATTEMPT } = process.env;
  if (!DEMO_LEDGER) return;
  const who = {
    name: DEMO_NAME,
    job: NARU_JOB_ID,
    allocation: NARU_ALLOCATION_ID,
    attempt: Number(NARU_ATTEMPT),
  };
  appendFileSync(DEMO_LEDGER, `${JSON.stringify({ atMs: Date.now(), what, ...who, ...facts })}\n`);
}
