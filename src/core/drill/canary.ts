import type { JobSpec } from '../job.ts';
import type { CapacityClass } from '../policy.ts';
import { NO_RULES } from '../rules.ts';
import { DRILLS_NAME } from './reserved.ts';

/**
 * A canary is a small real job. What it saves is a number that grows once a second, so that what was restored can be
 * compared with what had been saved, and what had been done before the fault with both.
 */
export const COUNTER_FILE = 'counter';
export const CANARY_INTERVAL_SECONDS = 5;
/** Its own end, should everybody else forget it: beyond the end of the drill. */
const SURVIVAL_SECONDS = 600;

/** Runs wherever there is a POSIX shell: a provider of processes, and any container image that has one. */
const PROGRAM = `
f="$NARU_CHECKPOINT_DIR/${COUNTER_FILE}"
n=0
if [ -f "$f" ]; then n=$(cat "$f"); echo "naru-drill restored $n"; else echo "naru-drill fresh"; fi
while :; do
  n=$((n+1))
  echo "$n" > "$f.new" && mv "$f.new" "$f" && echo "naru-drill counter $n"
  sleep 1
done
`;

export interface CanaryOrder {
  readonly name: string;
  /** The GPU of the smallest offer that its provider sells; null: it sells none. */
  readonly gpu: { readonly model: string; readonly count: number } | null;
  readonly capacityClasses: readonly CapacityClass[];
  /** Struck as well, so that it may not go there. */
  readonly deny: readonly string[];
  readonly rtoSeconds: number | null;
  readonly rpoSeconds: number | null;
  readonly abortAfterSeconds: number;
}

export function canarySpec(order: CanaryOrder): JobSpec {
  const model = order.gpu?.model ?? null;
  const equals = order.capacityClasses.find(({ members }) => members.some((one) => one.model === model));
  return {
    name: order.name,
    project: DRILLS_NAME,
    kind: 'training',
    run: { image: null, command: ['/bin/sh', '-c', PROGRAM], env: {} },
    resources: {
      gpu: {
        count: order.gpu?.count ?? 0,
        models: model === null ? [] : [model],
        class: equals?.name ?? null,
        minMemoryGiB: 0,
      },
      cpus: 0,
      memoryGiB: 0,
      nodes: 1,
    },
    placement: {
      ...NO_RULES,
      objective: 'cheapest',
      spot: 'never',
      providers: { allow: [], deny: [...order.deny] },
    },
    continuity: {
      mode: 'restart',
      rtoSeconds: order.rtoSeconds,
      rpoSeconds: order.rpoSeconds,
      minSeparationKm: null,
    },
    checkpoint: { intervalSeconds: CANARY_INTERVAL_SECONDS, fromJob: null },
    limits: { maxRuntimeSeconds: order.abortAfterSeconds + SURVIVAL_SECONDS, deadline: null },
    expectedRuntimeSeconds: order.abortAfterSeconds,
    priority: 100,
    labels: {},
    quoteId: null,
    serve: null,
    graceSeconds: 2,
  };
}

/** What a canary said in its log: null where it said nothing of the kind. */
export interface CanaryWords {
  /** The number that it went on from; 0 where it found nothing. */
  readonly restored: number | null;
  /** The last number that it wrote, as far as was heard. */
  readonly counter: number | null;
}

export function canaryWords(log: string): CanaryWords {
  const restored = /^naru-drill (?:restored (\d+)|fresh)$/m.exec(log);
  const counters = [...log.matchAll(/^naru-drill counter (\d+)$/gm)];
  const last = counters.at(-1)?.[1];
  return {
    restored: restored === null ? null : Number(restored[1] ?? 0),
    counter: last === undefined ? null : Number(last),
  };
}
