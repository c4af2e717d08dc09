import { Problem } from '../core/problem.ts';
import type { Actor } from '../core/access.ts';
import type { JobSpec } from '../core/job.ts';
import type { Approval } from '../core/ledger/approval.ts';
import { toWire } from '../core/money.ts';
import type { HeldQuote } from '../core/quote.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertSubmissions, submittedJob, type SubmissionRow } from '../store/apply/submissions.ts';
import { tellAll, type News } from '../store/apply/webhooks.ts';
import { judgeMoney } from './submitMoney.ts';
import { readSubmission } from '../store/read/submissions.ts';
import type { JobRow } from '../store/store.ts';

export interface Submission {
  readonly spec: JobSpec;
  /** Of the project; the door knows it from checking that the project is the caller's. */
  readonly organization: string;
  /** What the quote that the spec names holds for it; null: it names none. */
  readonly quote: HeldQuote | null;
  readonly idempotencyKey: string | null;
  /** Hex SHA-256 of method, path and body. */
  readonly fingerprint: string;
  readonly requestId: string | null;
}

export interface Submitted {
  readonly row: JobRow;
  readonly replayed: boolean;
}

interface Pending {
  readonly actor: Actor;
  readonly submission: Submission;
  readonly resolve: (submitted: Submitted) => void;
  readonly reject: (error: unknown) => void;
}

/** Submissions that share one commit. More in one group gains nothing and makes the last one wait. */
const GROUP = 500;
/** Groups in flight: one is being committed while the next is written. */
const IN_FLIGHT = 2;

/**
 * Takes a job in: durable, with its idempotency row, its first event and its audit record, before it answers.
 * Callers that come at the same time share a commit (group commit): whatever gathers while a group is being
 * written goes into the next one, so there is no timer and an idle service answers at once.
 *
 * Throws Problem: `idempotency-mismatch` for a key that was used with another body.
 */
export function submitJob(deps: Deps, actor: Actor, submission: Submission): Promise<Submitted> {
  return new Promise((resolve, reject) => {
    const intake = intakeOf(deps);
    intake.waiting.push({ actor, submission, resolve, reject });
    setImmediate(() => pump(deps, intake));
  });
}

interface Intake {
  readonly waiting: Pending[];
  inFlight: number;
}
const intakes = new WeakMap<object, Intake>();

function intakeOf(deps: Deps): Intake {
  let intake = intakes.get(deps.store);
  if (intake === undefined) intakes.set(deps.store, (intake = { waiting: [], inFlight: 0 }));
  return intake;
}

function pump(deps: Deps, intake: Intake): void {
  while (intake.inFlight < IN_FLIGHT && intake.waiting.length > 0) {
    const group = intake.waiting.splice(0, GROUP);
    intake.inFlight += 1;
    void writeGroup(deps, group).finally(() => {
      intake.inFlight -= 1;
      pump(deps, intake);
    });
  }
}

/** Writes a group; if that fails, one by one, so that a single bad row fails only its own caller. */
async function writeGroup(deps: Deps, group: readonly Pending[]): Promise<void> {
  try {
    const results = await write(deps, group);
    group.forEach((pending, index) => settle(pending, results[index]));
  } catch (error) {
    if (group.length === 1) group[0]?.reject(error);
    else for (const pending of group) await writeGroup(deps, [pending]);
  }
}

function settle(pending: Pending, result: Submitted | Problem | undefined): void {
  if (result === undefined) pending.reject(new Error('a submission without an outcome'));
  else if (result instanceof Problem) pending.reject(result);
  else pending.resolve(result);
}

/** What the budgets above it do not let in is refused; the rest of the group is written. */
async function write(deps: Deps, group: readonly Pending[]): Promise<(Submitted | Problem)[]> {
  const now = deps.clock.now();
  const judged = await judgeMoney(
    deps,
    now,
    group.map(({ submission }) => submission),
  );
  const admitted = group.flatMap((pending, index) => {
    const verdict = judged[index];
    return verdict instanceof Problem ? [] : [{ pending, approval: verdict ?? null }];
  });
  const written = (await writeRows(deps, now, admitted)).values();
  return judged.flatMap((verdict) => (verdict instanceof Problem ? verdict : (written.next().value ?? [])));
}

async function writeRows(
  deps: Deps,
  now: Date,
  group: readonly { readonly pending: Pending; readonly approval: Approval | null }[],
): Promise<(Submitted | Problem)[]> {
  if (group.length === 0) return [];
  const rows = group.map(({ pending, approval }) => submissionRow(deps, now, pending, approval));
  const made = await deps.store.transaction(async (tx) => {
    const ids = await insertSubmissions(tx, now, rows);
    await tellAll(tx, now, () => deps.ids.next('dlv', now), approvalNews(deps, rows, ids));
    const audited = group.flatMap(({ pending: { actor, submission } }, index) => {
      const id = rows[index]?.row.id ?? '';
      if (!ids.has(id)) return [];
      const { name, project, kind } = submission.spec;
      return {
        actor,
        action: 'job.submit',
        target: id,
        requestId: submission.requestId,
        data: { name, project, kind },
      };
    });
    if (audited.length > 0) await appendAudit(tx, now, audited);
    return ids;
  });
  if (made.size > 0) {
    deps.metrics.countIntake(made.size);
    deps.bell.ring('place');
  }
  return Promise.all(
    rows.map(async (row) => (made.has(row.row.id) ? { row: row.row, replayed: false } : replay(deps, row))),
  );
}

/** Whoever can approve has to know that somebody waits. */
function approvalNews({ config }: Deps, rows: readonly SubmissionRow[], made: ReadonlySet<string>): News[] {
  return rows.flatMap(({ row }) => {
    if (row.approval === null || !made.has(row.id)) return [];
    const { id, name, project, organization, createdBy, approval, spec } = row;
    const limit = toWire(BigInt(approval.aboveMicros), config.currency);
    const data = {
      job: id,
      name,
      project,
      budget: approval.budgetId,
      limit,
      maxCost: spec.limits.maxCost ?? null,
    };
    return [{ event: 'job.approval-needed', organization, data: { ...data, requestedBy: createdBy } }];
  });
}

function submissionRow(
  deps: Deps,
  now: Date,
  { actor, submission }: Pending,
  approval: Approval | null,
): SubmissionRow {
  const { spec, organization, quote, idempotencyKey, fingerprint } = submission;
  return {
    row: submittedJob(deps.ids.next('job', now), organization, spec, actor.id, now, quote, approval),
    specText: JSON.stringify(spec),
    costAccountId: spec.limits.maxCost == null ? null : deps.ids.next('acc', now),
    idempotency: idempotencyKey === null ? null : { principal: actor.id, key: idempotencyKey, fingerprint },
  };
}

/** The key was used before: the same request gets the first answer again, another one is refused. */
async function replay(deps: Deps, { idempotency }: SubmissionRow): Promise<Submitted | Problem> {
  if (idempotency === null) throw new Error('a submission without a key was not inserted');
  const first = await firstAnswer(deps, idempotency.principal, idempotency.key, idempotency.fingerprint);
  return first ?? new Problem('idempotency-mismatch', 'this Idempotency-Key was used with another request');
}

/** The first answer to this very request, where its key says that there was one; null otherwise. */
export async function repeatedJob(
  deps: Deps,
  actor: Actor,
  { idempotencyKey, fingerprint }: Pick<Submission, 'idempotencyKey' | 'fingerprint'>,
): Promise<Submitted | null> {
  return idempotencyKey === null ? null : firstAnswer(deps, actor.id, idempotencyKey, fingerprint);
}

async function firstAnswer(
  deps: Deps,
  principal: string,
  key: string,
  fingerprint: string,
): Promise<Submitted | null> {
  const first = await readSubmission(deps.store.db, principal, key);
  if (first === null || first.fingerprint !== fingerprint || first.job === null) return null;
  const { id, organization, spec, createdBy, createdAt, quote, approval } = first.job;
  // As it was then: nobody had approved it yet.
  const asked = approval && { ...approval, approvedBy: null, approvedAt: null, note: null };
  return { row: submittedJob(id, organization, spec, createdBy, createdAt, quote, asked), replayed: true };
}
