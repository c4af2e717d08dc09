import { StartError } from '../../core/start-error.ts';
import { installation } from '../schema.ts';
import type { Store } from '../store.ts';

/**
 * Says what this database is for, once and for ever: all its money is in `currency`. A later start must name the
 * same one. Throws StartError otherwise.
 */
export async function claimInstallation(store: Store, currency: string, now: Date): Promise<void> {
  await store.db.insert(installation).values({ id: 1, currency, createdAt: now }).onConflictDoNothing();
  const [row] = await store.db.select().from(installation);
  if (row === undefined || row.currency === currency) return;
  throw new StartError(
    `NARU_CURRENCY is ${currency}, but this database keeps its accounts in ${row.currency} and cannot be converted`,
  );
}
