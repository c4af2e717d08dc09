import type { Inventory, Observation, Order, SyncRequest, SyncResponse } from '../core/order.ts';

/** What is on record of one allocation at a played provider. */
interface Entry {
  readonly startsAtMs: number;
  readonly standby: boolean;
  readonly serves: boolean;
  endedAtMs: number | null;
}

const INVENTORY: Inventory = { hostname: 'played', gpus: [], cpus: 0, memoryGiB: 0, limits: 'none' };

/**
 * A played provider: a simulator, and says so. It takes the orders that a vendor's agent would, starts them as fast as
 * that vendor was seen to, and does what it is told; nothing runs. Work on it never ends by itself.
 */
export class Player {
  readonly provider: string;
  readonly #instance: string;
  readonly #startMs: number;
  readonly #entries = new Map<string, Entry>();
  #sequence = 0;

  /** `startMs`: from an order to running. */
  constructor(provider: string, instance: string, startMs: number) {
    this.provider = provider;
    this.#instance = instance;
    this.#startMs = startMs;
  }

  /** Work that runs there when the rehearsal begins. */
  found(allocationId: string, startedAtMs: number, standby: boolean, serves: boolean): void {
    this.#entries.set(allocationId, { startsAtMs: startedAtMs, standby, serves, endedAtMs: null });
  }

  says(nowMs: number): SyncRequest {
    return {
      agentVersion: 'rehearsal',
      instanceId: this.#instance,
      sequence: (this.#sequence += 1),
      inventory: INVENTORY,
      ordersVersion: null,
      observations: [...this.#entries].map(([id, entry]) => observe(id, entry, nowMs)),
    };
  }

  obeys(answer: SyncResponse, nowMs: number): void {
    for (const order of answer.start) this.#start(order, nowMs);
    for (const { allocationId } of answer.stop) this.#end(allocationId, nowMs);
    for (const id of answer.forget) this.#entries.delete(id);
    const kept = new Set([...answer.keep, ...answer.start.map(({ allocationId }) => allocationId)]);
    const told = new Set(answer.stop.map(({ allocationId }) => allocationId));
    for (const id of this.#entries.keys()) if (!kept.has(id) && !told.has(id)) this.#entries.delete(id);
  }

  #start({ allocationId, standby, serve }: Order, nowMs: number): void {
    if (this.#entries.has(allocationId)) return;
    const startsAtMs = nowMs + this.#startMs;
    this.#entries.set(allocationId, {
      startsAtMs,
      standby,
      serves: serve?.healthPath != null,
      endedAtMs: null,
    });
  }

  #end(id: string, nowMs: number): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.endedAtMs ??= nowMs;
  }
}

function observe(allocationId: string, entry: Entry, nowMs: number): Observation {
  const { startsAtMs, standby, serves, endedAtMs } = entry;
  const ranMs = nowMs >= startsAtMs ? nowMs - startsAtMs : null;
  const common = { allocationId, ranMs, exitCode: null, detail: null, endpoint: null };
  if (endedAtMs !== null)
    return { ...common, phase: 'ended', endedAgoMs: nowMs - endedAtMs, outcome: 'stopped', serving: null };
  const running = standby ? 'standby' : 'running';
  return {
    ...common,
    phase: ranMs === null ? 'starting' : running,
    endedAgoMs: null,
    outcome: null,
    serving: serves && !standby ? ranMs !== null : null,
  };
}
