import { sql } from 'drizzle-orm';
import type { Reader } from '../store.ts';

/**
 * Jobs that were stopped for want of money wait a while before they are looked at again; where there is more of it, they
 * need not. Lost with a crash, it is only that while.
 *
 * @param organization null: of all
 */
export async function wakeUnpaid(db: Reader, organization: string | null): Promise<void> {
  await db.execute(sql`
    update jobs set not_before = null
    where state = 'queued' and reason = 'budget' and not_before is not null
      and (${organization}::text is null or organization = ${organization})`);
}
