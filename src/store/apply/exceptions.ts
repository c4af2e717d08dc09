import { sql } from 'drizzle-orm';
import type { Tx } from '../store.ts';

/** Work that must not stop, and the account that has no money for it. */
export interface ExceptionRow {
  readonly id: string;
  readonly accountId: string;
  readonly jobId: string;
  readonly detail: string;
}

/**
 * Opens it, unless it is open: then nothing happens. While it is, its account pays for nothing else.
 *
 * @returns was it opened?
 */
export async function openException(tx: Tx, now: Date, row: ExceptionRow): Promise<boolean> {
  const made = await tx.execute(sql`
    insert into budget_exceptions (id, account_id, job_id, at, detail)
    values (${row.id}, ${row.accountId}, ${row.jobId}, ${now.toISOString()}::timestamptz, ${row.detail})
    on conflict (account_id, job_id) where closed_at is null do nothing returning id`);
  return made.rows.length > 0;
}

/**
 * What is left of the account pays for nothing that wants it, until there is more.
 *
 * @returns was it not known before?
 */
export async function noteExhausted(tx: Tx, now: Date, accountId: string): Promise<boolean> {
  const noted = await tx.execute(sql`
    update accounts set exhausted_at = ${now.toISOString()}::timestamptz
    where id = ${accountId} and exhausted_at is null returning id`);
  return noted.rows.length > 0;
}
