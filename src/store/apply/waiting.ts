import { sql } from 'drizzle-orm';
import type { Tx } from '../store.ts';
import { linesOf } from './lines.ts';

/** A queued job's reason for waiting, where it changed; with the decision that explains it. */
export interface WaitingRow {
  readonly jobId: string;
  readonly jobVersion: number;
  readonly reason: string;
  readonly detail: string;
  readonly decisionId: string;
  /** JSON text, in one line. */
  readonly decision: string;
  /** Of decision_inputs: what it was decided from. */
  readonly inputId: string;
}

/**
 * Stores why jobs wait. Only a new *reason* is an event and a kept decision; a changed detail only replaces the
 * shown one: a job that waits for a week must not fill the store with "3 of 4 are in use".
 */
export async function applyWaiting(tx: Tx, now: Date, rows: readonly WaitingRow[]): Promise<void> {
  if (rows.length === 0) return;
  const column = (pick: (row: WaitingRow) => unknown) => sql.param(rows.map(pick));
  const at = now.toISOString();
  await tx.execute(sql`
    with wanted as (
      select * from unnest(
        ${column((r) => r.jobId)}::text[], ${column((r) => r.jobVersion)}::int[], ${column((r) => r.reason)}::text[],
        ${column((r) => r.detail)}::text[], ${column((r) => r.decisionId)}::text[], ${linesOf(rows.map((r) => r.decision))},
        ${column((r) => r.inputId)}::text[])
        as w(id, version, reason, detail, decision_id, decision, input_id)
    ), before as (
      select w.*, j.waiting from jobs j join wanted w using (id)
      where j.state = 'queued' and j.version = w.version order by j.id for update of j
    ), changed as (
      update jobs j set waiting = jsonb_build_object('reason', w.reason, 'detail', w.detail)
      from before w where j.id = w.id
      returning j.id, w.reason, w.detail, w.decision_id, w.decision, w.input_id,
        w.waiting ->> 'reason' is distinct from w.reason as news
    ), told as (
      insert into events (job_id, at, type, reason, detail)
      select id, ${at}::timestamptz, 'job.waiting', reason, detail from changed where news
    )
    insert into decisions (id, job_id, at, body, input_id)
    select decision_id, id, ${at}::timestamptz, decision::jsonb, input_id from changed where news`);
}
