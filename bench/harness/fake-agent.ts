import { setTimeout as wait } from 'node:timers/promises';
import type { Observation, SyncRequest, SyncResponse } from '../../src/core/order.ts';

/**
 * A simulated provider: speaks the agents' call over HTTP like a real one, and runs nothing. `ends`: everything that
 * it is told to start has ended well by its next call; else it runs until it is told to stop.
 * What it cannot show is what processes cost; that is measured with real ones.
 */
export interface FakeAgent {
  /** Told to start and not yet forgotten. */
  readonly held: number;
  /** Calls that were answered. */
  readonly syncs: number;
  stop(): Promise<void>;
}

interface Work {
  readonly startedAt: number;
  endedAt: number | null;
}

export function startFakeAgent(url: string, key: string, { ends }: { readonly ends: boolean }): FakeAgent {
  const works = new Map<string, Work>();
  const stopping = new AbortController();
  const state = { syncs: 0, ordersVersion: null as number | null, sequence: Date.now() * 1000 };
  const instanceId = `bench-${key.slice(-8)}`;
  const loop = async () => {
    while (!stopping.signal.aborted) {
      try {
        const response = await sync(url, key, request(instanceId, state, works), stopping.signal);
        state.syncs += 1;
        state.ordersVersion = response.ordersVersion;
        obey(works, response, ends);
      } catch (error) {
        if (stopping.signal.aborted) return;
        console.error(`fake agent: ${(error as Error).message}`);
        await wait(200);
      }
    }
  };
  const running = loop();
  return {
    get held() {
      return works.size;
    },
    get syncs() {
      return state.syncs;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function request(
  instanceId: string,
  state: { sequence: number; readonly ordersVersion: number | null },
  works: ReadonlyMap<string, Work>,
): SyncRequest {
  state.sequence += 1;
  return {
    agentVersion: 'bench-fake',
    instanceId,
    sequence: state.sequence,
    inventory: { hostname: 'simulated', gpus: [], cpus: 1_000, memoryGiB: 1_000, limits: 'none' },
    ordersVersion: state.ordersVersion,
    observations: [...works].map(([allocationId, work]) => observe(allocationId, work)),
  };
}

function observe(allocationId: string, { startedAt, endedAt }: Work): Observation {
  const now = performance.now();
  const ended = endedAt !== null;
  return {
    allocationId,
    phase: ended ? 'ended' : 'running',
    ranMs: Math.floor((endedAt ?? now) - startedAt),
    endedAgoMs: ended ? Math.floor(now - endedAt) : null,
    outcome: ended ? 'exited' : null,
    exitCode: ended ? 0 : null,
    detail: null,
    endpoint: null,
    serving: null,
  };
}

function obey(works: Map<string, Work>, response: SyncResponse, ends: boolean): void {
  const now = performance.now();
  for (const id of response.forget) works.delete(id);
  for (const { allocationId } of response.stop) {
    const work = works.get(allocationId);
    if (work !== undefined) work.endedAt ??= now;
  }
  for (const { allocationId } of response.start) {
    if (!works.has(allocationId)) works.set(allocationId, { startedAt: now, endedAt: ends ? now : null });
  }
}

async function sync(url: string, key: string, body: SyncRequest, signal: AbortSignal): Promise<SyncResponse> {
  const answer = await fetch(`${url}/v1/agent/sync`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as SyncResponse;
}
