import { SYSTEM } from '../core/access.ts';
import { judgeProviderDown } from '../core/failover.ts';
import { probeSamples, WHOLE } from '../core/probe.ts';
import type { HealthState } from '../core/provider.ts';
import { responseTo } from '../core/response.ts';
import { gpuSamples, workSamples, type Judged } from '../core/samples.ts';
import { isClosed, judgeScope, nameOf, UNTRIED, type KnownScope } from '../core/scope.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { applyControl } from '../store/apply/health.ts';
import { applyScope, type ScopeWrite } from '../store/apply/scopes.ts';
import type { ContactRow } from '../store/load/health.ts';
import {
  idsInScope,
  loadDevices,
  loadGpuFaults,
  loadProbes,
  loadRollUps,
  loadScopes,
  loadStarters,
  loadWork,
  type ScopeRow,
} from '../store/load/scopes.ts';
import { loadHeld } from '../store/load/sync.ts';
import { moveOut } from './eager.ts';
import { lookAround, type Standing } from './health.ts';

/**
 * Judges the parts of providers by what becomes of work there, and does what the verdicts mean. Nothing at all while
 * everybody is silent at once: what is lost then is lost by our own network.
 */
export async function scopePass(deps: Deps): Promise<void> {
  const standing = await lookAround(deps);
  if (standing === null || standing.judging.doubt) return;
  const known = await loadScopes(deps.store.db);
  for (const write of verdictsOf(deps, standing, await gather(deps, standing, known), known))
    await enforce(deps, standing.now, write);
  await judgeControl(deps, standing);
  await moveOut(deps, standing);
}

async function gather(deps: Deps, { now, judging }: Standing, known: readonly ScopeRow[]): Promise<Judged[]> {
  const { db } = deps.store;
  const { sampleWindowMs, launchMs } = deps.timing;
  const window = now.getTime() - sampleWindowMs;
  const since = new Date(Math.max(window, judging.listeningSince.getTime()));
  const tried = known.filter(({ state }) => state === 'unknown').map(({ provider }) => provider);
  const work = await loadWork(db, now, since, launchMs, tried);
  const faults = await loadGpuFaults(db, new Date(window));
  const devices = await loadDevices(db, [...new Set(faults.map(({ provider }) => provider))]);
  const probes = [...(await loadProbes(db))].map(([provider, own]): Judged => {
    return { provider, scope: WHOLE, plane: 'control', samples: probeSamples(own, deps.timing) };
  });
  return [...workSamples(work), ...gpuSamples(faults, devices), ...probes];
}

function verdictsOf(
  deps: Deps,
  { now }: Standing,
  judged: readonly Judged[],
  known: readonly ScopeRow[],
): ScopeWrite[] {
  const key = (provider: string, region: string, gpuModel: string, plane: string) =>
    [provider, region, gpuModel, plane].join('\n');
  const stored = new Map(known.map((row) => [key(row.provider, row.region, row.gpuModel, row.plane), row]));
  const silent = known.map(({ provider, region, gpuModel, plane }): Judged => {
    return { provider, scope: { region, gpuModel }, plane, samples: [] };
  });
  const all = Map.groupBy([...judged, ...silent], ({ provider, scope: { region, gpuModel }, plane }) =>
    key(provider, region, gpuModel, plane),
  );
  return [...all].flatMap(([name, own]) => {
    const [first] = own;
    const from = stored.get(name) ?? null;
    if (first === undefined) return [];
    const samples = own.flatMap((one) => one.samples);
    const verdict = judgeScope(first.plane, from ?? UNTRIED, samples, now, deps.timing);
    return verdict === null ? [] : [{ ...first, from, verdict }];
  });
}

/** Verdict, fence and requeue in one transaction, as for a whole provider. */
async function enforce(deps: Deps, now: Date, write: ScopeWrite): Promise<void> {
  const { provider, scope, plane, verdict } = write;
  const { state, reason } = verdict;
  const moved = await deps.store.transaction(async (tx) => {
    if (!(await applyScope(tx, now, write))) return null;
    const data = plane === 'data' ? state : 'healthy';
    const condition = { control: 'unknown', data, cause: 'harm', lastedMs: 0, mode: 'active' } as const;
    const gone = responseTo(condition, deps.timing) === 'move-all';
    const inScope = gone ? await idsInScope(tx, provider, scope) : new Set();
    const held = gone ? await loadHeld(tx, provider, []) : [];
    const lost = held.filter(({ allocationId }) => inScope.has(allocationId));
    const why = `${nameOf(scope)} at ${provider} is down: ${reason}`.slice(0, 500);
    const changes = lost.flatMap((one) => judgeProviderDown(one, now, deps.timing, why));
    const applied = await applyChanges(tx, now, deps.terms, changes);
    const requeued = applied.moved;
    const told = {
      scope: nameOf(scope),
      plane,
      from: write.from?.state ?? 'unknown',
      to: state,
      reason,
      requeued,
    };
    const action = 'provider.verdict' as const;
    await appendAudit(tx, now, [{ actor: SYSTEM, action, target: provider, requestId: null, data: told }]);
    return requeued;
  });
  if (moved === null) return;
  const level = isClosed(state) ? 'warn' : 'info';
  deps.log[level](
    { provider, scope, plane, to: state, requeued: moved },
    `${nameOf(scope)} is ${state}: ${reason}`,
  );
  if (moved > 0) deps.metrics.countMoves('provider-down', moved);
  deps.watch.changed();
  deps.bell.ring('place');
}

/** What the parts' control planes come to for each whole provider. */
async function judgeControl(deps: Deps, { now, contacts }: Standing): Promise<void> {
  const sick = await loadRollUps(deps.store.db, 'control');
  const open = contacts.filter(({ provider, control }) => !sick.has(provider) && control !== 'healthy');
  const starters = await loadStarters(
    deps.store.db,
    open.map(({ provider }) => provider),
  );
  for (const contact of contacts) {
    const { provider, control: from } = contact;
    const { state: to, reason, samples } = controlOf(contact, sick.get(provider), starters.has(provider));
    if (to === from) continue;
    const write = { provider, from, to, reason, samples };
    await deps.store.transaction(async (tx) => {
      if (!(await applyControl(tx, now, write))) return;
      const data = { scope: 'everything', plane: 'control', from, to, reason, requeued: 0 };
      const action = 'provider.verdict' as const;
      await appendAudit(tx, now, [{ actor: SYSTEM, action, target: provider, requestId: null, data }]);
    });
    deps.watch.changed();
  }
}

function controlOf(
  { control }: ContactRow,
  sick: KnownScope | undefined,
  starts: boolean,
): Pick<KnownScope, 'state' | 'reason' | 'samples'> {
  if (sick !== undefined) return { ...sick, reason: `${nameOf(sick)}: ${sick.reason}` };
  const state: HealthState = starts ? 'healthy' : isClosed(control) ? 'unknown' : control;
  return { state, reason: state === 'healthy' ? 'work starts there' : 'tried again', samples: [] };
}
