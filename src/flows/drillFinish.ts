import { SYSTEM } from '../core/access.ts';
import { storableJson } from '../core/canonical.ts';
import { DAY_MS, type DrillSpec } from '../core/drill/drill.ts';
import { evidenceOf } from '../core/drill/evidence.ts';
import { provedBy } from '../core/drill/prove.ts';
import { reportOf, type DrillEvidence, type DrillFacts, type DrillReport } from '../core/drill/report.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { changeDrill, insertDrill, lockDrill, type DrillRow } from '../store/apply/drills.ts';
import { insertVerifications } from '../store/apply/verifications.ts';
import { loadDrillFacts } from '../store/load/drillFacts.ts';
import { loadLeftovers } from '../store/load/drills.ts';
import type { Tx } from '../store/store.ts';
import { rehearsedFacts } from './rehearsedFacts.ts';
import { signingKey } from './signingKey.ts';

/** How long is waited for a provider that was cut off to be heard again; then the report says so. */
const RETURN_MS = 60_000;

/**
 * Ends a drill of which nothing is left: its report, the evidence, what it proved and its successor are one
 * transaction. Until then it comes again.
 */
export async function finishDrill(deps: Deps, now: Date, drill: DrillRow): Promise<void> {
  const { db } = deps.store;
  const left = await loadLeftovers(db, drill.id);
  const waited = now.getTime() - (drill.restoredAt ?? now).getTime();
  if (left.canaries > 0 || (left.unheard.length > 0 && waited < RETURN_MS)) return;
  const loaded =
    drill.mode === 'simulation'
      ? await rehearsedFacts(deps, drill)
      : await loadDrillFacts(db, now, deps.timing, drill);
  const facts: DrillFacts = {
    ...ofRow(drill),
    ...loaded,
    unreturned: left.unheard,
    nextDueAt: nextDue(drill, now),
    currency: deps.config.currency,
  };
  // As it will be read again: the hash is of what is stored.
  const report = storableJson(reportOf(facts)) as DrillReport;
  const evidence = evidenceOf(report, facts.records, await signingKey(deps), now);
  const proved = provedBy(facts, report, now);
  const finished = await deps.store.transaction(async (tx) => {
    if ((await lockDrill(tx, drill.id))?.state !== 'restoring') return false;
    await changeDrill(tx, drill.id, 'restoring', {
      state: report.result,
      endsAs: report.result,
      finishedAt: now,
      report,
      evidence,
    });
    await insertVerifications(tx, proved);
    const next = await planNext(deps, tx, now, drill, facts.nextDueAt);
    await appendAudit(tx, now, [finishEntry(drill.id, report, evidence, proved.length, next)]);
    return true;
  });
  if (finished) deps.log.info({ drill: drill.id, result: report.result }, 'a drill is over');
}

function ofRow(drill: DrillRow) {
  const { id, spec, plan, createdAt, dueAt, startedAt, restoredAt, reason } = drill;
  const confirmedBy =
    drill.confirmedBy === null ? null : { id: drill.confirmedBy, role: drill.confirmedRole ?? '' };
  return {
    id,
    spec,
    plan,
    createdAt,
    dueAt,
    startedAt,
    restoredAt,
    reason,
    confirmedBy,
    struck: drill.providers,
    createdBy: { id: drill.createdBy, role: drill.createdRole },
    endsAs: drill.endsAs ?? 'aborted',
  };
}

/** A series goes on whatever came of this one, unless somebody cancelled it. */
function nextDue({ spec, endsAs }: DrillRow, now: Date): Date | null {
  if (spec.everyDays === null || endsAs === 'cancelled') return null;
  return new Date(now.getTime() + spec.everyDays * DAY_MS);
}

/** The next of the series: a full one waits for its confirmation, the others start by themselves. */
async function planNext(
  deps: Deps,
  tx: Tx,
  now: Date,
  drill: DrillRow,
  dueAt: Date | null,
): Promise<string | null> {
  if (dueAt === null) return null;
  const spec: DrillSpec = drill.spec;
  const { id } = await insertDrill(tx, {
    id: deps.ids.next('drl', now),
    state: 'planned',
    mode: drill.mode,
    spec,
    providers: drill.providers,
    createdBy: drill.createdBy,
    createdRole: drill.createdRole,
    createdAt: now,
    previousId: drill.id,
    dueAt,
    startsAt: drill.mode === 'full' ? null : dueAt,
  });
  return id;
}

function finishEntry(
  id: string,
  { result, reason }: DrillReport,
  { reportSha256, kid }: DrillEvidence,
  verifications: number,
  next: string | null,
) {
  const data = { result, reason, reportSha256, kid, verifications, next };
  return { actor: SYSTEM, action: 'drill.finish', target: id, requestId: null, data };
}
