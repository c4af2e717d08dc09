import { CANARIES, type DrillSpec } from '../core/drill/drill.ts';
import { PLANNED_MAX, touched, type DrillPlan, type PlannedJob } from '../core/drill/plan.ts';
import { struckBy } from '../core/drill/scope.ts';
import { toWire } from '../core/money.ts';
import { Problem, type ProblemDetailItem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { loadScope, loadSites, loadSmallest, type ScopeJob } from '../store/load/drills.ts';
import { readinessOf } from './readiness.ts';

export interface Planned {
  /** Those that the scenario strikes. */
  readonly providers: readonly string[];
  readonly plan: DrillPlan;
  /** The jobs that it is about; none for a parallel one. */
  readonly scope: readonly ScopeJob[];
}

/**
 * What the drill would do, were it started now. Used when it is asked for, and again when it starts.
 *
 * Problems: `not-found` (its provider), `impossible-spec` (it strikes nobody, or more than its limits allow),
 * `state-conflict` (a job that it names does not run there, or there is nothing to move).
 */
export async function planDrill(deps: Deps, now: Date, spec: DrillSpec): Promise<Planned> {
  const { db } = deps.store;
  const providers = struckBy(spec.scenario, await loadSites(db));
  if (providers.length === 0) throw strikesNobody(spec);
  const scope = spec.mode === 'parallel' ? [] : chosen(spec, await loadScope(db, providers));
  if (spec.mode === 'full' && scope.length === 0)
    throw new Problem('state-conflict', 'No job runs there, so there is nothing that could go elsewhere.');
  const smallest = spec.mode === 'parallel' ? await loadSmallest(db, providers) : new Map();
  const plan: DrillPlan = {
    at: now.toISOString(),
    canaries: canariesOf(spec, providers, smallest),
    jobsInScope: scope.length,
    jobs: await forecast(deps, providers, scope.slice(0, PLANNED_MAX)),
  };
  const { maxJobs } = spec.limits;
  if (maxJobs !== null && touched(plan, spec.mode === 'full') > maxJobs)
    throw impossible('/limits/maxJobs', `It would touch ${touched(plan, true)} jobs.`);
  return { providers, plan, scope };
}

/** Who would go where, all of them together: the standing readiness, of this loss. */
async function forecast(
  deps: Deps,
  down: readonly string[],
  scope: readonly ScopeJob[],
): Promise<PlannedJob[]> {
  const jobs = scope.map(({ jobId }) => jobId);
  const found = new Map((await readinessOf(deps, { down, jobs })).map((one) => [one.jobId, one]));
  return scope.map(({ jobId, provider, mode, rtoSeconds, rpoSeconds }) => {
    const { to = null, nowhere = null, expectedSeconds = null } = found.get(jobId) ?? {};
    return {
      jobId,
      from: provider,
      mode,
      rtoSeconds,
      rpoSeconds,
      expectedSeconds,
      to: to?.provider ?? null,
      pricePerHour: to === null ? null : toWire(to.priceMicrosPerHour, deps.config.currency),
      why: nowhere?.detail ?? null,
    };
  });
}

function chosen({ jobs }: DrillSpec, running: readonly ScopeJob[]): readonly ScopeJob[] {
  if (jobs === null) return running;
  if (typeof jobs === 'number') return running.slice(0, jobs);
  const there = new Map(running.map((job) => [job.jobId, job]));
  const errors = jobs.flatMap((id, index) =>
    there.has(id) ? [] : [{ pointer: `/jobs/${index}`, detail: 'It does not run there.' }],
  );
  if (errors.length > 0)
    throw new Problem('state-conflict', 'A job that it names does not run there.', { errors });
  return jobs.flatMap((id) => there.get(id) ?? []);
}

function canariesOf(
  { mode, jobs, scenario }: DrillSpec,
  providers: readonly string[],
  smallest: ReadonlyMap<string, DrillPlan['canaries'][number]['gpu']>,
): DrillPlan['canaries'] {
  if (mode !== 'parallel' || scenario.kind === 'degradation') return [];
  const count = typeof jobs === 'number' ? jobs : CANARIES;
  const sold = providers.filter((provider) => smallest.has(provider));
  if (sold.length === 0)
    throw new Problem('state-conflict', 'It sells nothing, so no canary could run there.');
  return sold.map((provider) => ({ provider, count, gpu: smallest.get(provider) ?? null }));
}

function strikesNobody({ scenario }: DrillSpec): Problem {
  if (scenario.kind === 'site-disaster') return impossible('/scenario/radiusKm', 'No provider is so near.');
  const errors = [{ pointer: '/scenario/provider', detail: 'There is no such provider.' }];
  return new Problem('not-found', 'There is no such provider.', { errors });
}

function impossible(pointer: string, detail: string): Problem {
  const errors: ProblemDetailItem[] = [{ pointer, detail }];
  return new Problem('impossible-spec', detail, { errors });
}
