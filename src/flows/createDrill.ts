import type { Actor } from '../core/access.ts';
import { takesHold, type DrillSpec } from '../core/drill/drill.ts';
import { Problem, type ProblemType } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertDrill, otherDrillOn, type DrillRow } from '../store/apply/drills.ts';
import type { Tx } from '../store/store.ts';
import { planDrill } from './drillPlan.ts';
import { once, type Answer, type Ask } from './once.ts';

/**
 * Plans a drill. All but `full` are started at once by the engine; `full` waits for its confirmation,
 * unless that is given with it.
 *
 * Problems: those of planDrill; `not-yet-supported`, `impossible-spec`; `state-conflict` while another drill holds one
 * of its providers.
 */
export async function createDrill<Body>(
  deps: Deps,
  actor: Actor,
  spec: DrillSpec,
  confirm: boolean,
  ask: Ask<DrillRow, Body>,
): Promise<Answer<Body>> {
  refuseContradictions(deps, spec);
  const now = deps.clock.now();
  // A refusal counts only where the same request was not taken before: the world has gone on since.
  const planned = await planDrill(deps, now, spec).catch((error: unknown) => {
    if (error instanceof Problem) return error;
    throw error;
  });
  const id = deps.ids.next('drl', now);
  const confirmed = spec.mode === 'full' && confirm;
  const answer = await once(deps, actor, ask, now, async (tx) => {
    if (planned instanceof Problem) throw planned;
    const { providers, plan } = planned;
    if (takesHold(spec)) await refuseSecond(tx, now, id, providers);
    const row = await insertDrill(tx, {
      id,
      state: 'planned',
      mode: spec.mode,
      spec,
      providers: [...providers],
      plan,
      createdBy: actor.id,
      createdRole: actor.role,
      createdAt: now,
      startsAt: spec.mode !== 'full' || confirmed ? now : null,
      ...(confirmed ? confirmation(actor, now) : {}),
    });
    const { scenario, mode, jobs, limits, everyDays } = spec;
    const entry = { actor, target: id, requestId: ask.requestId };
    const data = { scenario, mode, jobs, limits, everyDays, providers, planned: plan.jobsInScope };
    await appendAudit(tx, now, [
      { ...entry, action: 'drill.create', data },
      ...(confirmed ? [{ ...entry, action: 'drill.confirm', data: {} }] : []),
    ]);
    return row;
  });
  deps.bell.ring('effects');
  return answer;
}

/** Whose word it was. */
export function confirmation(actor: Actor, now: Date) {
  return { confirmedBy: actor.id, confirmedRole: actor.role, confirmedAt: now };
}

/** One at a time for each provider. */
export async function refuseSecond(
  tx: Tx,
  now: Date,
  id: string,
  providers: readonly string[],
): Promise<void> {
  const other = await otherDrillOn(tx, id, providers, now);
  if (other !== null)
    throw new Problem('state-conflict', `The drill ${other} is going on at one of these providers.`);
}

function refuseContradictions({ config }: Deps, { mode, scenario, jobs, limits }: DrillSpec): void {
  if (scenario.kind === 'degradation' && (mode === 'parallel' || mode === 'simulation'))
    throw refusal('not-yet-supported', '/mode', 'A degradation is drilled as tabletop or full.');
  if (mode === 'parallel' && Array.isArray(jobs))
    throw refusal('impossible-spec', '/jobs', 'A parallel drill moves canaries of its own, not these.');
  if (scenario.kind === 'degradation' && jobs !== null)
    throw refusal('impossible-spec', '/jobs', 'A degradation is of the whole provider.');
  if (limits.maxCost !== null && limits.maxCost.currency !== config.currency)
    throw refusal('impossible-spec', '/limits/maxCost/currency', `It has to be in ${config.currency}.`);
}

function refusal(type: ProblemType, pointer: string, detail: string): Problem {
  return new Problem(type, detail, { errors: [{ pointer, detail }] });
}
