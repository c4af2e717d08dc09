import { sql } from 'drizzle-orm';
import { GENESIS, chain, type AuditEntry, type AuditHead, type AuditLink } from '../../core/audit.ts';
import { audit, engineFacts } from '../schema.ts';
import type { Tx } from '../store.ts';

/** The row of `engine_facts` that holds the chain's end. Locking it is what puts writers in line. */
export const AUDIT_HEAD = 'audit-head';
const ROWS_PER_INSERT = 1_000;

/**
 * Adds the entries to the chain, in order. Holds the chain's lock until the transaction ends, so it is called
 * LAST in a transaction. Two round trips for up to a thousand entries.
 * An advisory lock and `max(seq)` was the other way: one more round trip, and a cut-off tail would go unnoticed.
 */
export async function appendAudit(tx: Tx, now: Date, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const links = chain(await lockHead(tx, now), now, entries);
  for (let from = 0; from < links.length; from += ROWS_PER_INSERT) {
    await insertLinks(tx, now, links.slice(from, from + ROWS_PER_INSERT));
  }
}

/** After waiting for the row, READ COMMITTED gives its newest version: the true end of the chain. */
async function lockHead(tx: Tx, now: Date): Promise<AuditHead> {
  const select = sql`select ${engineFacts.value} as value from ${engineFacts} where ${engineFacts.name} = ${AUDIT_HEAD} for update`;
  const found = await tx.execute<{ value: AuditHead }>(select);
  if (found.rows[0] !== undefined) return found.rows[0].value;
  await tx
    .insert(engineFacts)
    .values({ name: AUDIT_HEAD, value: GENESIS, updatedAt: now })
    .onConflictDoNothing();
  const made = await tx.execute<{ value: AuditHead }>(select);
  return made.rows[0]?.value ?? GENESIS;
}

/** The rows and the new head in one statement. One JSON parameter, so that the statement is the same for any count. */
async function insertLinks(tx: Tx, now: Date, links: readonly AuditLink[]): Promise<void> {
  const last = links.at(-1);
  if (last === undefined) return;
  const rows = JSON.stringify(links.map((link) => ({ ...link, at: link.at.toISOString() })));
  const head: AuditHead = { seq: last.seq, hash: last.hash };
  await tx.execute(sql`
    with added as (
      insert into ${audit} (seq, at, actor, role, action, target, request_id, data, previous_hash, hash)
      select seq, at, actor, role, action, target, "requestId", data, "previousHash", hash
      from jsonb_to_recordset(${rows}::jsonb) as r(seq bigint, at timestamptz, actor text, role text, action text,
        target text, "requestId" text, data jsonb, "previousHash" text, hash text)
    )
    update ${engineFacts} set value = ${JSON.stringify(head)}::jsonb, updated_at = ${now.toISOString()}
    where name = ${AUDIT_HEAD}`);
}
