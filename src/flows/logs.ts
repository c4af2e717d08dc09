import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { refuseWhileCut } from './cut.ts';
import { insertLogChunk, jobOfAllocation, loggedUntil, trimLog } from '../store/apply/logs.ts';

type Needs = Pick<Deps, 'clock' | 'store' | 'config'>;

/** Since the last trim of a job by this process, in bytes. Forgotten at a restart, which costs one trim too many. */
const untrimmed = new Map<string, number>();
const REMEMBERED_JOBS = 10_000;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Stores a piece of an allocation's output that begins at its byte `startByte`. The same bytes again, also in other
 * pieces, are stored once: what is known already is cut off the front. A piece that begins later than what is known
 * leaves a gap, which readers are told of. Problem: `not-found` where the allocation is not this provider's.
 */
export async function appendLog(
  deps: Needs,
  provider: string,
  allocationId: string,
  startByte: number,
  bytes: Buffer,
): Promise<void> {
  const at = deps.clock.now();
  await refuseWhileCut(deps, provider, allocationId);
  const { db } = deps.store;
  const jobId = await jobOfAllocation(db, provider, allocationId);
  if (jobId === null) throw new Problem('not-found', 'There is no such allocation at this provider.');
  for (;;) {
    const known = await loggedUntil(db, allocationId);
    const from = Math.max(startByte, known);
    const rest = bytes.subarray(from - startByte);
    // Nothing new; an empty piece beyond what is known only says how much was lost.
    if (rest.length === 0 && (bytes.length > 0 || startByte <= known)) return;
    const chunk = { jobId, allocationId, startByte: from, bytes: rest.length, text: toText(rest), at };
    // Taken meanwhile by the same call sent twice: look again for what is left of it.
    if (await insertLogChunk(db, chunk)) break;
  }
  await keepWithin(deps, jobId, bytes.length);
}

/** What PostgreSQL can hold: invalid UTF-8 and NUL become U+FFFD. */
export function toText(bytes: Buffer): string {
  return decoder.decode(bytes).replaceAll('\0', '\ufffd');
}

/** Trims the job's log now and then, not with every line: a job may have an eighth more than its share. */
async function keepWithin(deps: Needs, jobId: string, bytes: number): Promise<void> {
  const { logLimitBytes } = deps.config;
  const since = (untrimmed.get(jobId) ?? logLimitBytes) + bytes;
  untrimmed.set(jobId, since);
  if (since < logLimitBytes / 8) return;
  await deps.store.transaction((tx) => trimLog(tx, jobId, logLimitBytes));
  if (untrimmed.size > REMEMBERED_JOBS) untrimmed.clear();
  untrimmed.set(jobId, 0);
}
