import { BrokerFault, type Broker, type Renewal } from '../../brokers/broker.ts';
import type { Change } from '../core/change.ts';
import { judgeFault, judgeObservation, judgeUnseen } from '../core/failover.ts';
import { divideOrders, leaseEnd, type Division } from '../core/orders.ts';
import type { Observation } from '../core/order.ts';
import type { Deps } from '../deps.ts';
import { loadCuts } from '../store/load/cuts.ts';
import { applyChanges } from '../store/apply/changes.ts';
import { beginLook, loadHeld, renewLeases, touchPushProvider, type HeldRow } from '../store/load/sync.ts';
import { heardOnly } from './cut.ts';
import { probed, writeProbes } from './probes.ts';
import { ordersFor, preparationsFor } from './sync.ts';

type PushBroker = Extract<Broker, { way: 'push' }>;

/**
 * One round with a provider that is called (process today; clusters later): look, believe, then tell it what it
 * should do. The same judgement and the same orders as for an agent; only who dials is different.
 * A fault is a silence: the health pass judges it. So is a drill that has cut the provider off. Each call is a probe of
 * its verb as well.
 */
export async function pushPass(deps: Deps, provider: string, unprobed: PushBroker): Promise<void> {
  if ((await loadCuts(deps.store.db, deps.clock.now(), provider)).whole) return;
  const broker = probed(deps, provider, unprobed);
  try {
    const look = await beginLook(deps.store.db, provider);
    const observed = new Map((await broker.list()).map((seen) => [seen.allocationId, seen]));
    const division = look === null ? null : await believe(deps, provider, look, observed);
    if (division !== null) await carryOut(deps, provider, broker, division);
  } catch (error) {
    if (!(error instanceof BrokerFault)) throw error;
    deps.log.warn({ provider, fault: error.fault }, `provider call failed: ${error.message}`);
  }
  await writeProbes(deps, provider);
}

async function believe(
  deps: Deps,
  provider: string,
  look: number,
  observed: ReadonlyMap<string, Observation>,
): Promise<(Division & { readonly leaseGivenAt: Date }) | null> {
  const now = deps.clock.now();
  const result = await deps.store.transaction(async (tx) => {
    if (!(await touchPushProvider(tx, now, provider, look, deps.timing.degradedAfterMs))) return null;
    const { whole, cut } = await loadCuts(tx, now, provider);
    if (whole) return null;
    const held = await loadHeld(tx, provider, [...observed.keys()]);
    const changes = judgeLook(deps, heardOnly(held, cut), observed, now);
    if (changes.length > 0) await applyChanges(tx, now, deps.terms, changes);
    const after = changes.length > 0 ? await loadHeld(tx, provider, [...observed.keys()]) : held;
    const division = seenOnly(divideOrders(after, observed, now, deps.timing.startsAtOnce, cut), observed);
    // Written before the provider is told: a lease is never believed over that the provider still has.
    await renewLeases(tx, leaseEnd(now, deps.timing), division.renew);
    return { changed: changes.length > 0, division: withStrangers(division, after, observed) };
  });
  if (result === null) return null;
  if (result.changed) deps.bell.ring('place');
  return { ...result.division, leaseGivenAt: now };
}

/** What a look means. Unlike an agent's report it may miss what is on its way there. */
function judgeLook(
  deps: Deps,
  held: readonly HeldRow[],
  observed: ReadonlyMap<string, Observation>,
  now: Date,
): Change[] {
  return held.flatMap((one) => {
    const seen = observed.get(one.allocationId);
    return seen === undefined
      ? judgeUnseen(one, now, deps.timing)
      : judgeObservation(one, seen, now, deps.timing);
  });
}

/** What is not there keeps no lease: the sooner it is over, the sooner a job that waits for it goes on. */
function seenOnly(division: Division, observed: ReadonlyMap<string, Observation>): Division {
  return { ...division, renew: division.renew.filter((id) => observed.has(id)) };
}

/** What runs there and is nobody's is stopped, and forgotten when it has ended. */
function withStrangers(
  division: Division,
  held: readonly HeldRow[],
  observed: ReadonlyMap<string, Observation>,
): Division {
  const owned = new Set(
    held.filter(({ state }) => state !== 'released').map(({ allocationId }) => allocationId),
  );
  const strangers = [...observed.values()].filter((seen) => !owned.has(seen.allocationId));
  const stop = strangers
    .filter((seen) => seen.phase !== 'ended')
    .map((seen) => ({
      allocationId: seen.allocationId,
      reason: 'lost' as const,
      graceSeconds: 0,
      renewed: false,
    }));
  const forget = strangers.filter((seen) => seen.phase === 'ended').map((seen) => seen.allocationId);
  return {
    ...division,
    stop: [...division.stop, ...stop],
    forget: [...new Set([...division.forget, ...forget])],
  };
}

async function carryOut(
  deps: Deps,
  provider: string,
  broker: PushBroker,
  division: Division & { readonly leaseGivenAt: Date },
): Promise<void> {
  // What is left of the lease when the call is made: the provider counts from then.
  const left = () =>
    (leaseEnd(division.leaseGivenAt, deps.timing).getTime() - deps.clock.now().getTime()) / 1000;
  const running = renewals(division);
  if (running.length > 0 && left() > 0) await broker.renew(running, left());
  const ready = await preparationsFor(deps, division.standbys);
  if (ready.length > 0) await broker.prepare(ready);
  for (const stop of division.stop) await broker.stop(stop);
  for (const order of await ordersFor(deps, division.start)) {
    if (left() <= 0) return;
    await broker
      .submit(order, left())
      .catch((error: unknown) => refused(deps, provider, order.allocationId, error));
  }
  if (division.forget.length > 0) await broker.forget(division.forget);
}

function renewals({ keep, renew, paid }: Division): Renewal[] {
  const paidOf = new Map(paid.map(({ allocationId, paidSeconds }) => [allocationId, paidSeconds]));
  return [...keep, ...renew].map((allocationId) => ({
    allocationId,
    paidSeconds: paidOf.get(allocationId) ?? null,
  }));
}

/** A clear no is written down at once; what is not known is left to the next look. */
async function refused(deps: Deps, provider: string, allocationId: string, error: unknown): Promise<void> {
  if (!(error instanceof BrokerFault)) throw error;
  const now = deps.clock.now();
  const judged = await deps.store.transaction(async (tx) => {
    const held = (await loadHeld(tx, provider, [])).find((one) => one.allocationId === allocationId);
    if (held === undefined) return true;
    const changes = judgeFault(held, error.fault, error.message, now, deps.timing);
    if (changes !== null) await applyChanges(tx, now, deps.terms, changes);
    return changes !== null;
  });
  if (!judged) throw error;
  deps.bell.ring('place');
}
