import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Inventory, SyncRequest, SyncResponse } from '../core/order.ts';
import { upMs } from './clock.ts';
import { postJson, Refusal, type Door } from './door.ts';
import type { Executor } from './executor.ts';
import type { GpuWatch } from './gpuWatch.ts';

export interface SyncOptions {
  readonly door: Door;
  readonly executor: Executor;
  readonly instanceId: string;
  readonly agentVersion: string;
  inventory(): Inventory;
  readonly watch: Pick<GpuWatch, 'pending' | 'heard'>;
  readonly log: Logger;
  /** The first sync succeeded. */
  onServing(): void;
}

export interface SyncLoop {
  /** There is something to say: ends the held call and makes another. */
  poke(): void;
  /** Runs until close(); rejects with DuplicateAgent where another agent serves the provider. */
  run(): Promise<void>;
  close(): void;
  /** One more call, answered at once: the last words. Rejects when it fails. */
  conclude(timeoutMs: number): Promise<void>;
}

export class DuplicateAgent extends Error {
  override readonly name = 'DuplicateAgent';
}

/** The service holds a call for a second at most. */
const TIMEOUT_MS = 3_000;
const GAP_MS = 20;
const BACKOFF_MAX_MS = 1_000;
/** A key that is not accepted may be made usable again; meanwhile the leases run out by themselves. */
const UNAUTHORIZED_MS = 5_000;
/** A predecessor that was killed still has its claim until it has been silent for a lease. One that lives keeps it. */
const DUPLICATE_MS = 10_000;

/**
 * The conversation with the service: says what is here, does what comes back, and asks again at once. A lease counts
 * from the moment before the request was written, and an answer that took longer than the lease it brings is
 * ignored. Nothing is asked while the warden does not answer, so that no lease is renewed that nobody keeps.
 */
export function createSyncLoop(options: SyncOptions): SyncLoop {
  const { executor, log } = options;
  const closing = new AbortController();
  let sequence = 1;
  let ordersVersion: number | null = null;
  let held = new AbortController();
  let news = false;
  /** The call before was ended for news, or failed: this one is answered at once, and not ended in its turn. */
  let urgent = false;
  let serving = false;
  let failures = 0;
  let quiet = '';
  let duplicateSince: number | null = null;

  const say = async (timeoutMs: number): Promise<void> => {
    await executor.alive();
    news = false;
    held = new AbortController();
    const gpuFaults = options.watch.pending();
    const askVersion = urgent ? null : ordersVersion;
    const body: SyncRequest = {
      agentVersion: options.agentVersion,
      instanceId: options.instanceId,
      sequence: sequence++,
      inventory: options.inventory(),
      ordersVersion: askVersion,
      observations: executor.observations(),
      // Absent where there are none: a service of before does not know the word.
      ...(gpuFaults.length > 0 ? { gpuFaults } : {}),
    };
    const signal = AbortSignal.any([held.signal, AbortSignal.timeout(timeoutMs)]);
    const sentMs = upMs();
    const answer = await postJson<SyncResponse>(options.door, '/v1/agent/sync', body, signal, timeoutMs);
    options.watch.heard(gpuFaults.map(({ id }) => id));
    const deadlineMs = sentMs + answer.leaseSeconds * 1000;
    if (upMs() >= deadlineMs) return log.warn('an answer came after the lease that it brought; ignored');
    ordersVersion = answer.ordersVersion;
    urgent = false;
    obey(executor, answer, body, deadlineMs);
  };

  const round = async (): Promise<number> => {
    try {
      await say(TIMEOUT_MS);
      if (failures > 0) log.info('the service is heard again');
      failures = 0;
      duplicateSince = null;
      quiet = '';
      if (!serving) options.onServing();
      serving = true;
      return GAP_MS;
    } catch (error) {
      return judge(error);
    }
  };

  /** @returns milliseconds to wait */
  const judge = (error: unknown): number => {
    if (held.signal.aborted || closing.signal.aborted) return GAP_MS;
    failures += 1;
    // The next one is answered at once: the leases have run on meanwhile, and an answer that is held for a second more
    // than the silence took ended what a silence of three seconds must not end.
    urgent = true;
    if (error instanceof Refusal && error.status === 409) return judgeConflict(error);
    if (error instanceof Refusal && (error.status === 401 || error.status === 403 || error.status === 404)) {
      once(`the service does not accept this agent's key: ${error.message} (${error.status}); trying on`);
      return UNAUTHORIZED_MS;
    }
    once(`the service is not reached: ${(error as Error).message}`);
    return Math.min(BACKOFF_MAX_MS, 50 * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2);
  };
  const judgeConflict = (error: Refusal): number => {
    const last = error.errors.find(({ pointer }) => pointer === '/sequence')?.detail;
    if (last !== undefined && Number.isSafeInteger(Number(last))) {
      // A restarted agent counts on from where its predecessor was.
      sequence = Math.max(sequence, Number(last) + 1);
      return GAP_MS;
    }
    duplicateSince ??= performance.now();
    if (performance.now() - duplicateSince > DUPLICATE_MS) throw new DuplicateAgent(error.message);
    once(`${error.message} Waiting for up to ${DUPLICATE_MS / 1000} s.`);
    return BACKOFF_MAX_MS;
  };
  /** Says the same thing once, however often it happens. */
  const once = (line: string): void => {
    if (line !== quiet) log.warn(line);
    quiet = line;
  };

  return {
    poke: () => {
      news = true;
      // A little later, so that many changes at once are one call; and never two calls in a row, or an agent with
      // much to say would not hear a single answer.
      setTimeout(() => {
        if (!news || urgent) return;
        urgent = true;
        held.abort();
      }, 10);
    },
    run: async () => {
      while (!closing.signal.aborted) {
        const ms = await round();
        await sleep(ms, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    },
    close: () => {
      closing.abort();
      held.abort();
    },
    conclude: (timeoutMs) => {
      urgent = true;
      return say(timeoutMs);
    },
  };
}

/** Does what the answer says, and ends what it does not speak of. */
function obey(executor: Executor, answer: SyncResponse, asked: SyncRequest, deadlineMs: number): void {
  for (const order of answer.start) executor.start(order, deadlineMs);
  for (const id of answer.keep) executor.expect(id);
  // A service of before money does not say it.
  executor.pay(answer.paid ?? []);
  const renewed = answer.stop.filter((one) => one.renewed).map(({ allocationId }) => allocationId);
  executor.renew([...answer.keep, ...renewed], deadlineMs);
  for (const { allocationId, restore } of answer.prepare ?? []) executor.prepare(allocationId, restore);
  for (const { allocationId, graceSeconds } of answer.stop) {
    executor.expect(allocationId);
    executor.stop(allocationId, graceSeconds * 1000);
  }
  for (const id of answer.forget) executor.forget(id);
  const spoken = new Set([
    ...answer.start.map(({ allocationId }) => allocationId),
    ...answer.keep,
    ...answer.stop.map(({ allocationId }) => allocationId),
    ...answer.forget,
    // A service of before drills does not say it.
    ...(answer.unheard ?? []),
  ]);
  // Of what we spoke of, what the answer leaves out is nobody's any more.
  for (const { allocationId } of asked.observations)
    if (!spoken.has(allocationId)) executor.forget(allocationId);
}
