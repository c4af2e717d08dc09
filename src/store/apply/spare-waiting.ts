import { sql } from 'drizzle-orm';
import type { Tx } from '../store.ts';
import type { WaitingRow } from './waiting.ts';

/**
 * Stores why nothing stands by for jobs that want it, while they still lack it. As with queued jobs (waiting.ts), only a
 * new reason is an event and a kept decision.
 */
export async function applySpareWaiting(
  tx: Tx,
  now: Date,
  rows: readonly Omit<WaitingRow, 'jobVersion'>[],
): Promise<void> {
  if (rows.length === 0) return;
  const column = (pick: (row: (typeof rows)[number]) => unknown) => sql.param(rows.map(pick));
  const at = now.toISOString();
  await tx.execute(sql`
    with wanted as (
      select * from unnest(
        ${column((r) => r.jobId)}::text[], ${column((r) => r.reason)}::text[], ${column((r) => r.detail)}::text[],
        ${column((r) => r.decisionId)}::text[], ${column((r) => r.decision)}::text[], ${column((r) => r.inputId)}::text[])
        as w(id, reason, detail, decision_id, decision, input_id)
    ), before as (
      select w.*, j.spare_waiting from jobs j join wanted w using (id)
      where j.state in ('provisioning', 'running') order by j.id for update of j
    ), changed as (
      update jobs j set spare_waiting = jsonb_build_object('reason', w.reason, 'detail', w.detail)
      from before w where j.id = w.id
      returning j.id, w.reason, w.detail, w.decision_id, w.decision, w.input_id,
        w.spare_waiting ->> 'reason' is distinct from w.reason as news
    ), told as (
      insert into events (job_id, at, type, reason, detail)
      select id, ${at}::timestamptz, 'job.unguarded', reason, detail from changed where news
    )
    insert into decisions (id, job_id, at, body, input_id)
    select decision_id, id, ${at}::timestamptz, decision::jsonb, input_id from changed where news`);
}
