import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** What an operator would alert on. Filled in where it happens, read by GET /metrics. */
export interface Metrics {
  readonly registry: Registry;
  /** Seconds that a flow took, by name and outcome. */
  observeFlow(flow: string, outcome: 'ok' | 'refused' | 'failed', seconds: number): void;
  countPlacements(outcome: 'placed' | 'waiting' | 'stale', n: number): void;
  countMoves(reason: string, n: number): void;
  countIntake(n: number): void;
  setQueue(depth: number, oldestSeconds: number): void;
  setProviderHealth(provider: string, state: string): void;
  /** Is everybody silent, so that our own network is suspected? */
  setOwnSilence(suspected: boolean): void;
  /** Recurring drills whose day is past. */
  setDrillsOverdue(n: number): void;
}

/** From a guarded update (a millisecond) to a pass over a long queue; beyond 10 s something is wrong anyway. */
const FLOW_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const PLACEMENT_OUTCOMES = ['placed', 'waiting', 'stale'] as const;

/** Each call has its own registry, so several services in one process (tests, simulation) do not collide. */
export function createMetrics(options: { process?: boolean } = {}): Metrics {
  const registry = new Registry();
  // Event-loop lag, heap, garbage collection, CPU, open files: `naru_nodejs_…`, `naru_process_…`.
  if (options.process ?? true) collectDefaultMetrics({ register: registry, prefix: 'naru_' });
  const flows = flowHistogram(registry);
  const counters = createCounters(registry);
  const gauges = createGauges(registry);
  return {
    registry,
    observeFlow: (flow, outcome, seconds) => flows.observe({ flow, outcome }, seconds),
    countPlacements: (outcome, n) => counters.placements.inc({ outcome }, n),
    countMoves: (reason, n) => counters.moves.inc({ reason }, n),
    countIntake: (n) => counters.intake.inc(n),
    setQueue(depth, oldestSeconds) {
      gauges.depth.set(depth);
      gauges.oldest.set(oldestSeconds);
    },
    setProviderHealth: healthSetter(gauges.health),
    setOwnSilence: (suspected) => gauges.ownSilence.set(suspected ? 1 : 0),
    setDrillsOverdue: (n) => gauges.drillsOverdue.set(n),
  };
}

function flowHistogram(registry: Registry) {
  return new Histogram({
    name: 'naru_flow_duration_seconds',
    help: 'Time that one flow took, by name and outcome.',
    labelNames: ['flow', 'outcome'] as const,
    buckets: FLOW_BUCKETS_SECONDS,
    registers: [registry],
  });
}

function createCounters(registry: Registry) {
  const registers = [registry];
  const placements = new Counter({
    name: 'naru_placements_total',
    help: 'Placement decisions: placed, left waiting, or stale (the world had changed when it was applied).',
    labelNames: ['outcome'] as const,
    registers,
  });
  // A rate over a counter that does not exist yet is no rate; start them all at 0.
  for (const outcome of PLACEMENT_OUTCOMES) placements.inc({ outcome }, 0);
  return {
    placements,
    moves: new Counter({
      name: 'naru_moves_total',
      help: 'Jobs taken from a provider to be placed again, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    intake: new Counter({ name: 'naru_jobs_submitted_total', help: 'Jobs accepted.', registers }),
  };
}

function createGauges(registry: Registry) {
  const registers = [registry];
  return {
    depth: new Gauge({ name: 'naru_queue_depth', help: 'Jobs that wait for a placement.', registers }),
    oldest: new Gauge({ name: 'naru_queue_oldest_seconds', help: 'Age of the oldest of them.', registers }),
    health: new Gauge({
      name: 'naru_provider_health',
      help: '1 for the state that the provider is in, 0 for one that it was in before.',
      labelNames: ['provider', 'state'] as const,
      registers,
    }),
    ownSilence: new Gauge({
      name: 'naru_own_silence_suspected',
      help: '1 while every agent is silent: our own network is suspected, and nothing is moved.',
      registers,
    }),
    drillsOverdue: new Gauge({
      name: 'naru_drills_overdue',
      help: 'Recurring drills that should have been held by now: one waits for its confirmation.',
      registers,
    }),
  };
}

/** Moves the 1 from the state before to the new one. */
function healthSetter(health: Gauge<'provider' | 'state'>): Metrics['setProviderHealth'] {
  const current = new Map<string, string>();
  return (provider, state) => {
    const before = current.get(provider);
    if (before !== undefined && before !== state) health.set({ provider, state: before }, 0);
    health.set({ provider, state }, 1);
    current.set(provider, state);
  };
}
