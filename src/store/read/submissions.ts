import { and, eq } from 'drizzle-orm';
import type { JobRow, Reader } from '../store.ts';
import { idempotency, jobs } from '../schema.ts';

/** What was first submitted with this key; null where the key is not known. `job` is null for other requests' keys. */
export async function readSubmission(
  reader: Reader,
  principal: string,
  key: string,
): Promise<{ fingerprint: string; job: JobRow | null } | null> {
  const [row] = await reader
    .select({ fingerprint: idempotency.fingerprint, job: jobs })
    .from(idempotency)
    .leftJoin(jobs, eq(jobs.id, idempotency.jobId))
    .where(and(eq(idempotency.principal, principal), eq(idempotency.key, key)));
  return row ?? null;
}
