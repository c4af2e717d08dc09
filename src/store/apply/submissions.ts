import { sql } from 'drizzle-orm';
import type { JobSpec } from '../../core/job.ts';
import type { Approval } from '../../core/ledger/approval.ts';
import { maxCostMicros } from '../../core/ledger/submission.ts';
import { protectionOf } from '../../core/protection.ts';
import { queueRankOf } from '../../core/queue-rank.ts';
import type { HeldQuote } from '../../core/quote.ts';
import type { JobRow, Tx } from '../store.ts';

/** One submission as it is to be written. */
export interface SubmissionRow {
  readonly row: JobRow;
  /** The spec as JSON text, made once per submission. */
  readonly specText: string;
  /** The account that `limits.maxCost` is kept in; null: it has none. */
  readonly costAccountId: string | null;
  readonly idempotency: {
    readonly principal: string;
    readonly key: string;
    readonly fingerprint: string;
  } | null;
}

/**
 * Inserts a whole group of submissions in one statement: their idempotency rows first, then the jobs whose key was
 * not used before, and their first events. A key that another transaction is just using is waited for.
 *
 * @returns the ids of the jobs that were made; the others' keys had been used
 */
export async function insertSubmissions(
  tx: Tx,
  now: Date,
  rows: readonly SubmissionRow[],
): Promise<Set<string>> {
  const column = (pick: (row: SubmissionRow) => unknown) => sql.param(rows.map(pick));
  const at = now.toISOString();
  const made = await tx.execute<{ id: string }>(sql`
    with wanted as (
      select * from unnest(
        ${column((r) => r.row.id)}::text[], ${column((r) => r.row.organization)}::text[], ${column((r) => r.row.project)}::text[],
        ${column((r) => r.row.name)}::text[], ${column((r) => r.row.kind)}::text[], ${column((r) => r.specText)}::text[],
        ${column((r) => r.row.priority)}::int[], ${column((r) => r.row.spares)}::int[], ${column((r) => r.row.queueRank)}::bigint[],
        ${column((r) => (r.row.quote === null ? null : JSON.stringify(r.row.quote)))}::text[],
        ${column((r) => (r.row.approval === null ? null : JSON.stringify(r.row.approval)))}::text[],
        ${column((r) => r.row.deadlineAt)}::timestamptz[],
        ${column((r) => r.row.createdBy)}::text[], ${column((r) => r.idempotency?.principal ?? null)}::text[],
        ${column((r) => r.idempotency?.key ?? null)}::text[], ${column((r) => r.idempotency?.fingerprint ?? null)}::text[])
        as w(id, organization, project, name, kind, spec, priority, spares, queue_rank, quote, approval, deadline_at, created_by, principal, key, fingerprint)
    ), firsts as (
      insert into idempotency (principal, key, fingerprint, status, job_id, created_at)
      select principal, key, fingerprint, 201, id, ${at}::timestamptz from wanted where key is not null order by principal, key
      on conflict do nothing
      returning job_id
    ), made as (
      insert into jobs (id, organization, project, name, kind, spec, priority, spares, queue_rank, quote, approval, state, reason,
        created_at, queued_at, deadline_at, created_by)
      select id, organization, project, name, kind, spec::jsonb, priority, spares, queue_rank, quote::jsonb, approval::jsonb, 'queued',
        'submitted', ${at}::timestamptz, ${at}::timestamptz, deadline_at, created_by
      from wanted where key is null or id in (select job_id from firsts)
      returning id
    ), told as (
      insert into events (job_id, at, type, reason)
      select id, ${at}::timestamptz, 'job.queued', 'submitted' from made
    )
    select id from made`);
  const ids = new Set(made.rows.map((row) => row.id));
  await insertCostAccounts(
    tx,
    now,
    rows.filter(({ row, costAccountId }) => costAccountId !== null && ids.has(row.id)),
  );
  return ids;
}

/** What each of these jobs may cost, as money that can be held against: few of many jobs say it. */
async function insertCostAccounts(tx: Tx, now: Date, rows: readonly SubmissionRow[]): Promise<void> {
  if (rows.length === 0) return;
  const column = (pick: (row: SubmissionRow) => unknown) => sql.param(rows.map(pick));
  const at = now.toISOString();
  await tx.execute(sql`
    with wanted as (
      select * from unnest(${column((r) => r.costAccountId)}::text[], ${column((r) => r.row.id)}::text[],
        ${column((r) => maxCostMicros(r.row.spec) ?? 0n)}::bigint[], ${column((r) => r.row.createdBy)}::text[])
        as w(id, job_id, micros, actor)
    ), made as (
      insert into accounts (id, job_id, starts_at, cap_micros, allotted_micros, created_at)
      select id, job_id, ${at}::timestamptz, micros, micros, ${at}::timestamptz from wanted
    )
    insert into ledger (at, kind, debit, credit, account_id, amount_micros, job_id, reason, actor)
    select ${at}::timestamptz, 'appropriate', 'appropriation', 'available', id, micros, job_id, 'limits.maxCost', actor
    from wanted order by id`);
}

/**
 * A job as it is the moment that it is submitted: what is inserted, and what a repeated request is answered with.
 *
 * @param quote what the quote that `spec.quoteId` names holds for it; null: it names none
 * @param approval why somebody has to approve it first; null: nobody has to
 */
export function submittedJob(
  id: string,
  organization: string,
  spec: JobSpec,
  createdBy: string,
  now: Date,
  quote: HeldQuote | null,
  approval: Approval | null = null,
): JobRow {
  return {
    id,
    organization,
    project: spec.project,
    name: spec.name,
    kind: spec.kind,
    spec,
    priority: spec.priority,
    queueRank: queueRankOf(now, spec.priority),
    quote,
    state: 'queued',
    reason: 'submitted',
    reasonDetail: null,
    waiting: null,
    stoppingTo: null,
    currentAllocationId: null,
    attempts: 0,
    failedStarts: 0,
    notBefore: null,
    moveTo: null,
    spares: protectionOf(spec)?.count ?? 0,
    spareWaiting: null,
    home: null,
    avoid: {},
    exitCode: null,
    createdAt: now,
    queuedAt: now,
    startedAt: null,
    finishedAt: null,
    deadlineAt: spec.limits.deadline === null ? null : new Date(spec.limits.deadline),
    createdBy,
    approval,
    drillId: null,
    version: 1,
  };
}
