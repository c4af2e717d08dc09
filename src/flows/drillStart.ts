import { SYSTEM } from '../core/access.ts';
import { canarySpec } from '../core/drill/canary.ts';
import { PAPER_MODES, takesHold } from '../core/drill/drill.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { cutOff, type CutWrite } from '../store/apply/cuts.ts';
import {
  changeDrill,
  insertCanaries,
  insertDrillJobs,
  lockDrill,
  otherDrillOn,
  type Canary,
  type DrillRow,
} from '../store/apply/drills.ts';
import { loadLastContact } from '../store/load/drills.ts';
import { readPolicies } from '../store/read/policies.ts';
import { restore } from './drillEnd.ts';
import { planDrill, type Planned } from './drillPlan.ts';
import type { Tx } from '../store/store.ts';

/**
 * Begins a drill whose time has come, as the world is now: queues its canaries, or cuts off what it is about. While
 * another drill holds one of its providers it waits. Throws the Problem for which it cannot be held.
 */
export async function startDrill(deps: Deps, now: Date, { id, spec }: DrillRow): Promise<void> {
  const planned = await planDrill(deps, now, spec);
  refuseFatal(spec.scenario.kind, planned);
  const canaries = await canariesOf(deps, now, id, spec, planned);
  const started = await deps.store.transaction(async (tx) => {
    const drill = await lockDrill(tx, id);
    if (drill?.state !== 'planned' || drill.startsAt === null || drill.startsAt > now) return false;
    const providers = [...planned.providers];
    if (takesHold(spec) && (await otherDrillOn(tx, id, providers, null)) !== null) return false;
    const set = { providers, plan: planned.plan, startedAt: now };
    if (PAPER_MODES.includes(spec.mode)) {
      const row = await changeDrill(tx, id, 'planned', set);
      if (row !== null && spec.mode === 'simulation') await insertDrillJobs(tx, scopeRows(id, planned.scope));
      if (row !== null) await restore(tx, now, row, { as: 'passed', reason: null }, [entry(id, planned, [])]);
      return true;
    }
    await changeDrill(tx, id, 'planned', { ...set, state: 'running' });
    await insertCanaries(tx, now, id, drill.createdBy, canaries);
    const cuts = spec.mode === 'full' ? await cutForReal(deps, tx, now, drill, planned) : [];
    await appendAudit(tx, now, [
      entry(
        id,
        planned,
        canaries.map(({ jobId, provider }) => ({ jobId, provider })),
      ),
      ...(cuts.length > 0 ? [cutEntry(id, cuts)] : []),
    ]);
    return true;
  });
  if (!started) return;
  deps.watch.changed();
  deps.bell.ring('place');
  deps.log.info({ drill: id, mode: spec.mode, providers: planned.providers }, 'a drill begins');
}

function scopeRows(drillId: string, scope: Planned['scope']) {
  return scope.map(({ jobId, provider, allocationId }) => ({
    drillId,
    jobId,
    provider,
    allocationId,
    canary: false,
  }));
}

/** In the planned state, with what it found running. */
async function cutForReal(
  deps: Deps,
  tx: Tx,
  now: Date,
  { id, spec }: DrillRow,
  { providers, scope }: Planned,
): Promise<CutWrite[]> {
  await insertDrillJobs(tx, scopeRows(id, scope));
  const untilAt = new Date(now.getTime() + spec.limits.abortAfterSeconds * 1000);
  const cuts =
    spec.jobs === null
      ? await Promise.all(
          providers.map(async (provider) => ({
            drillId: id,
            provider,
            allocationId: null,
            untilAt: spec.scenario.kind === 'degradation' ? await briefly(deps, tx, now, provider) : untilAt,
          })),
        )
      : scope.map(({ provider, allocationId }) => ({ drillId: id, provider, allocationId, untilAt }));
  await cutOff(tx, now, deps.timing.leaseSeconds, cuts);
  return cuts;
}

/** Long enough to be called degraded, and short enough not to be given up, with the time that it takes to call again. */
const BEYOND_DEGRADED_MS = 700;
async function briefly({ timing }: Deps, tx: Tx, now: Date, provider: string): Promise<Date> {
  const last = (await loadLastContact(tx, provider)) ?? now;
  return new Date(last.getTime() + timing.degradedAfterMs + BEYOND_DEGRADED_MS);
}

async function canariesOf(
  deps: Deps,
  now: Date,
  drillId: string,
  spec: DrillRow['spec'],
  { plan, providers }: Planned,
): Promise<Canary[]> {
  const { capacityClasses } = await readPolicies(deps.store.db);
  return plan.canaries.flatMap(({ provider, count, gpu }) =>
    Array.from({ length: count }, (_, index) => ({
      jobId: deps.ids.next('job', now),
      provider,
      spec: canarySpec({
        name: `${drillId} ${provider} ${index + 1}`,
        gpu,
        capacityClasses,
        deny: providers.filter((name) => name !== provider),
        rtoSeconds: spec.rtoSeconds,
        rpoSeconds: spec.rpoSeconds,
        abortAfterSeconds: spec.limits.abortAfterSeconds,
      }),
    })),
  );
}

function refuseFatal(scenario: string, { scope }: Planned): void {
  const fatal = scope.find(({ mode }) => mode === 'none');
  if (fatal === undefined || scenario === 'degradation') return;
  throw new Problem(
    'state-conflict',
    `the job ${fatal.jobId} would have failed: its continuity.mode is none`,
  );
}

function entry(id: string, { providers, scope }: Planned, canaries: readonly object[]) {
  const data = { providers, canaries, jobs: scope.length };
  return { actor: SYSTEM, action: 'drill.start', target: id, requestId: null, data };
}

/** So many are named in an audit record; all of them are with the drill. */
const NAMED = 100;

function cutEntry(id: string, cuts: readonly CutWrite[]) {
  const named = cuts.slice(0, NAMED).map(({ provider, allocationId }) => ({ provider, allocationId }));
  const data = { cuts: named, count: cuts.length, until: cuts[0]?.untilAt.toISOString() };
  return { actor: SYSTEM, action: 'drill.cut', target: id, requestId: null, data };
}
