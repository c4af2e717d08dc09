import { eq, sql } from 'drizzle-orm';
import type { PoolTerms } from '../../core/offer-set.ts';
import { pools } from '../schema.ts';
import type { Tx } from '../store.ts';
import { bumpOffersVersion } from './providers.ts';

/** All pools of a provider, also those that no offer draws on any more. */
export function poolsOf(tx: Tx, provider: string): Promise<PoolTerms[]> {
  return tx.select().from(pools).where(eq(pools.provider, provider));
}

/**
 * New pools, and new totals for those that are there; what is held of them is never touched, and may be more than the
 * totals from then on. A pool is never deleted: allocations hold parts of it, withdrawn offers refer to it. One that
 * no offer on sale draws on keeps its last totals, which mean nothing until an offer names it again, and says them
 * again. The provider's row is locked by the caller.
 */
export async function putPools(tx: Tx, provider: string, terms: readonly PoolTerms[]): Promise<void> {
  if (terms.length === 0) return;
  // In the order of names, as everybody who writes several pools does: no deadlock among them.
  const rows = [...terms]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, gpus, cpuMillis, memoryMiB }) => ({ provider, name, gpus, cpuMillis, memoryMiB }));
  await tx
    .insert(pools)
    .values(rows)
    .onConflictDoUpdate({ target: [pools.provider, pools.name], set: NEW_TOTALS });
  await bumpOffersVersion(tx, provider);
}

const NEW_TOTALS = {
  gpus: sql`excluded.gpus`,
  cpuMillis: sql`excluded.cpu_millis`,
  memoryMiB: sql`excluded.memory_mib`,
};
