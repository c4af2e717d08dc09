import { isNull } from 'drizzle-orm';
import { StartError } from '../../core/start-error.ts';
import { installation } from '../schema.ts';
import type { Store } from '../store.ts';

/**
 * Says what this database is for, once and for ever: all its money is in `currency`, and its days are `timeZone`'s. A
 * later start must name the same ones. Throws StartError otherwise.
 */
export async function claimInstallation(
  { db }: Store,
  { currency, timeZone }: { readonly currency: string; readonly timeZone: string },
  now: Date,
): Promise<void> {
  await db.insert(installation).values({ id: 1, currency, timeZone, createdAt: now }).onConflictDoNothing();
  // One from before there was a zone is of the first that is named.
  await db.update(installation).set({ timeZone }).where(isNull(installation.timeZone));
  const [row] = await db.select().from(installation);
  if (row === undefined) return;
  if (row.currency !== currency)
    throw new StartError(
      `NARU_CURRENCY is ${currency}, but this database keeps its accounts in ${row.currency} and cannot be converted`,
    );
  if (row.timeZone !== timeZone)
    throw new StartError(
      `NARU_TIME_ZONE is ${timeZone}, but the days of this database's accounts are those of ${row.timeZone}`,
    );
}
