import { BrokerFault, type Broker } from '../../brokers/broker.ts';
import { isAnswer, type BrokerVerb } from '../core/probe.ts';
import type { Deps } from '../deps.ts';
import { noteProbe, type ProbeWrite } from '../store/apply/scopes.ts';
import type { Store } from '../store/store.ts';

type PushBroker = Extract<Broker, { way: 'push' }>;

/** What is not written yet of one verb. */
interface Pending {
  /** Whether the last that was written was a failure; null: nothing was, by this process. */
  failing: boolean | null;
  next: ProbeWrite | null;
  writtenMs: number;
}

/** A row at most so often for a verb that goes on failing. */
const EVERY_MS = 1_000;

const kept = new WeakMap<Store, Map<string, Pending>>();

function pendingOf({ store }: Pick<Deps, 'store'>, provider: string, verb: BrokerVerb): Pending {
  let all = kept.get(store);
  if (all === undefined) kept.set(store, (all = new Map<string, Pending>()));
  const key = `${provider}\n${verb}`;
  const known = all.get(key) ?? { failing: null, next: null, writtenMs: 0 };
  all.set(key, known);
  return known;
}

/** The same broker, of which every answer and every failure is noted in memory until `writeProbes`. */
export function probed(
  deps: Pick<Deps, 'store' | 'clock'>,
  provider: string,
  broker: PushBroker,
): PushBroker {
  const note = <A extends unknown[], R>(verb: BrokerVerb, call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      try {
        const result = await call(...args);
        answered(deps, provider, verb);
        return result;
      } catch (error) {
        if (error instanceof BrokerFault) failed(deps, provider, verb, error);
        throw error;
      }
    };
  };
  return {
    ...broker,
    submit: note('submit', (order, leaseSeconds) => broker.submit(order, leaseSeconds)),
    stop: note('stop', (stop) => broker.stop(stop)),
    renew: note('renew', (renewals, leaseSeconds) => broker.renew(renewals, leaseSeconds)),
    list: note('list', () => broker.list()),
  };
}

function answered(deps: Pick<Deps, 'store' | 'clock'>, provider: string, verb: BrokerVerb): void {
  const pending = pendingOf(deps, provider, verb);
  pending.next =
    pending.failing === false ? null : { verb, failures: 0, at: deps.clock.now(), fault: null, detail: '' };
}

function failed(
  deps: Pick<Deps, 'store' | 'clock'>,
  provider: string,
  verb: BrokerVerb,
  error: BrokerFault,
): void {
  if (isAnswer(error.fault)) return answered(deps, provider, verb);
  const pending = pendingOf(deps, provider, verb);
  const before = pending.next?.fault == null ? 0 : pending.next.failures;
  const detail = error.message.slice(0, 200);
  pending.next = { verb, failures: before + 1, at: deps.clock.now(), fault: error.fault, detail };
}

/** Writes what changed: a failure at most once a second, and the first answer after it. */
export async function writeProbes(deps: Pick<Deps, 'store' | 'clock'>, provider: string): Promise<void> {
  const nowMs = deps.clock.now().getTime();
  for (const verb of ['list', 'renew', 'submit', 'stop'] as const) {
    const pending = pendingOf(deps, provider, verb);
    const { next } = pending;
    if (next === null) continue;
    const fails = next.fault !== null;
    if (fails && pending.failing === true && nowMs - pending.writtenMs < EVERY_MS) continue;
    pending.next = null;
    await deps.store.transaction((tx) => noteProbe(tx, provider, next));
    pending.failing = fails;
    pending.writtenMs = nowMs;
  }
}
