import type { Registry } from 'prom-client';

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
}
