import { Problem } from '../core/problem.ts';
import { judgeAbsence, judgeObservation } from '../core/failover.ts';
import { canonicalGpu } from '../core/gpu.ts';
import type { Change } from '../core/change.ts';
import { divideOrders, leaseEnd, orderFor, type Division } from '../core/orders.ts';
import type { Observation, Order, Preparation, SyncRequest, SyncResponse } from '../core/order.ts';
import type { Deps } from '../deps.ts';
import { loadCuts } from '../store/load/cuts.ts';
import { keepGpuFaults, type GpuFaultRow } from '../store/apply/scopes.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { cutOff, heardOnly } from './cut.ts';
import { newestCheckpointsOf, readCheckpointRefs } from '../store/read/checkpoints.ts';
import {
  loadHeld,
  loadOrderJobs,
  ordersVersionOf,
  readContact,
  renewLeases,
  touchProvider,
  type HeldRow,
} from '../store/load/sync.ts';
import type { ProviderRow, Reader } from '../store/store.ts';

/**
 * The one conversation with a vendor's agent: it says what it has, and is told what it should have. Says nothing
 * new → held up to `heartbeatMs`, so that new orders arrive at once and an idle agent is heard once a second.
 *
 * Leases are renewed when the request arrives, in the transaction that also believes it; never for the time that
 * the request is held, because the agent counts from when it sent it.
 *
 * Problems: `state-conflict` when another agent serves this provider, or the request was overtaken; `unavailable`
 * while a drill has cut the provider off.
 */
export async function syncAgent(
  deps: Deps,
  provider: string,
  request: SyncRequest,
  signal: AbortSignal,
): Promise<SyncResponse> {
  const observed = new Map(request.observations.map((seen) => [seen.allocationId, seen]));
  const heard = await hear(deps, provider, request, observed);
  const news = heard.version !== request.ordersVersion || isWork(heard.division, observed) || heard.changed;
  if (news) return answer(deps, heard.version, heard.division);
  await deps.watch.wait(provider, heard.version, deps.timing.heartbeatMs, signal);
  const version = (await ordersVersionOf(deps.store.db, provider)) ?? heard.version;
  if (version === heard.version) return answer(deps, version, heard.division);
  // What was placed meanwhile carries a lease from its placement, which is later than this request: nothing to renew.
  const held = await loadHeld(deps.store.db, provider, [...observed.keys()]);
  const now = deps.clock.now();
  const { cut } = await loadCuts(deps.store.db, now, provider);
  return answer(deps, version, divideOrders(held, observed, now, deps.timing.startsAtOnce, cut));
}

interface Heard {
  readonly version: number;
  readonly division: Division;
  /** Something that the agent said was news to us: answer at once, it may be waiting to forget. */
  readonly changed: boolean;
}

async function hear(
  deps: Deps,
  provider: string,
  request: SyncRequest,
  observed: ReadonlyMap<string, Observation>,
): Promise<Heard> {
  const now = deps.clock.now();
  const heard = await deps.store.transaction(async (tx) => {
    const row = await touchProvider(tx, now, {
      provider,
      instanceId: request.instanceId,
      sequence: request.sequence,
      agentVersion: request.agentVersion,
      inventory: request.inventory,
      gapMs: deps.timing.degradedAfterMs,
      claimMs: deps.timing.leaseSeconds * 1000 + deps.timing.leaseMarginMs,
    });
    if (row === null) throw await refusal(tx, provider, request);
    // Only now that the provider's row is held: a cut either was made before, and is seen, or comes after this renewal.
    const { whole, cut } = await loadCuts(tx, now, provider);
    if (whole) throw cutOff();
    await keepGpuFaults(tx, now, provider, gpuFaultRows(request, now));
    const held = await loadHeld(tx, provider, [...observed.keys()]);
    const changes = judge(deps, heardOnly(held, cut), observed, now);
    if (changes.length > 0) await applyChanges(tx, now, deps.terms, changes);
    const after = changes.length > 0 ? await loadHeld(tx, provider, [...observed.keys()]) : held;
    const division = divideOrders(after, observed, now, deps.timing.startsAtOnce, cut);
    await renewLeases(tx, leaseEnd(now, deps.timing), division.renew);
    const version = changes.length > 0 ? ((await ordersVersionOf(tx, provider)) ?? 0) : row.ordersVersion;
    return { version, division, changed: changes.length > 0 };
  });
  // What ended made room.
  if (heard.changed) deps.bell.ring('place');
  return heard;
}

/** Under the canonical names of models, which offers have too. */
function gpuFaultRows({ gpuFaults = [], inventory }: SyncRequest, now: Date): GpuFaultRow[] {
  return gpuFaults.map(({ id, agoMs, device, index, model, xid, text }) => {
    const memoryGiB =
      inventory.gpus.find((gpu) => gpu.index === index)?.memoryGiB ?? inventory.gpus[0]?.memoryGiB;
    const gpuModel = model === null ? null : canonicalGpu(model, memoryGiB ?? null).model;
    return { id, at: new Date(now.getTime() - agoMs), device, gpuIndex: index, gpuModel, xid, text };
  });
}

/** What a complete report means: each thing that it names, and each thing that it should have named. */
function judge(
  deps: Pick<Deps, 'timing'>,
  held: readonly HeldRow[],
  observed: ReadonlyMap<string, Observation>,
  now: Date,
): Change[] {
  return held.flatMap((one) => {
    const seen = observed.get(one.allocationId);
    return seen === undefined
      ? judgeAbsence(one, now, deps.timing)
      : judgeObservation(one, seen, now, deps.timing);
  });
}

/**
 * Is there anything in these orders that an agent acts on? Not a stop that it is about already: answering that at
 * once would have the two of us talk as fast as we can for as long as the grace lasts.
 */
function isWork({ start, stop, forget }: Division, observed: ReadonlyMap<string, Observation>): boolean {
  const unheeded = stop.some(({ allocationId }) => observed.get(allocationId)?.phase !== 'stopping');
  return start.length > 0 || forget.length > 0 || unheeded;
}

async function refusal(reader: Reader, provider: string, request: SyncRequest): Promise<Problem> {
  const contact: ProviderRow | null = await readContact(reader, provider);
  if (contact === null || contact.brokerKind !== 'agent') {
    return new Problem('not-found', 'There is no such provider.');
  }
  if (contact.agentInstance !== request.instanceId) {
    return new Problem(
      'state-conflict',
      `Another agent is serving ${provider}; stop it, or wait until it is silent.`,
    );
  }
  const last = String(contact.agentSequence ?? 0);
  return new Problem('state-conflict', 'This request was overtaken by a later one.', {
    errors: [{ pointer: '/sequence', detail: last }],
  });
}

async function answer(deps: Deps, ordersVersion: number, division: Division): Promise<SyncResponse> {
  return {
    leaseSeconds: deps.timing.leaseSeconds,
    ordersVersion,
    start: await ordersFor(deps, division.start),
    keep: division.keep,
    prepare: await preparationsFor(deps, division.standbys),
    stop: division.stop,
    paid: division.paid,
    forget: division.forget,
    unheard: division.unheard,
  };
}

/** The full orders of allocations that their provider does not have yet. */
export async function ordersFor(deps: Deps, allocationIds: readonly string[]): Promise<Order[]> {
  const rows = await loadOrderJobs(deps.store.db, allocationIds);
  const restores = rows.flatMap(({ restoredCheckpoint }) => restoredCheckpoint ?? []);
  const checkpoints = await readCheckpointRefs(deps.store.db, restores);
  return rows.map(({ id, restoredCheckpoint, job, ...order }) => {
    const restore = restoredCheckpoint === null ? null : (checkpoints.get(restoredCheckpoint) ?? null);
    return orderFor({ ...order, allocationId: id, jobId: job.id, restore }, job.spec);
  });
}

/** What should lie ready at these standbys by now; those whose jobs saved nothing are left out. */
export async function preparationsFor(
  deps: Pick<Deps, 'store'>,
  allocationIds: readonly string[],
): Promise<Preparation[]> {
  if (allocationIds.length === 0) return [];
  const newest = await newestCheckpointsOf(deps.store.db, allocationIds);
  return [...newest].map(([allocationId, restore]) => ({ allocationId, restore }));
}
