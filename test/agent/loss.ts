import { eq } from 'drizzle-orm';
import type { Deps } from '../../src/deps.ts';
import { allocations, jobs } from '../../src/store/schema.ts';

/**
 * The job as it is after its provider was given up and it was placed elsewhere, written directly: how that comes
 * about is the engine's own matter and tested there.
 * @returns the new allocation
 */
export async function judgeProviderLoss(
  deps: Deps,
  jobId: string,
  lost: string,
  to: string,
): Promise<string> {
  const now = deps.clock.now();
  const id = deps.ids.next('alc', now);
  await deps.store.transaction(async (tx) => {
    const [old] = await tx
      .update(allocations)
      .set({ state: 'releasing', releasingAt: now, endReason: 'provider-down' })
      .where(eq(allocations.id, lost))
      .returning();
    if (old === undefined) throw new Error(`no allocation ${lost}`);
    await tx.insert(allocations).values({
      ...old,
      id,
      provider: to,
      attempt: old.attempt + 1,
      // Not seen there yet, so that the provider's silence about it means nothing.
      state: 'submitting',
      releasingAt: null,
      endReason: null,
    });
    await tx
      .update(jobs)
      .set({ currentAllocationId: id, attempts: old.attempt + 1 })
      .where(eq(jobs.id, jobId));
  });
  return id;
}
