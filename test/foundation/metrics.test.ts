import { expect, test } from 'vitest';
import { createMetrics } from '../../src/metrics.ts';

test('everything that an operator would alert on is there, under one prefix', async () => {
  const metrics = createMetrics();
  metrics.observeFlow('place', 'ok', 0.02);
  metrics.countPlacements('placed', 3);
  metrics.countMoves('provider-down', 2);
  metrics.countIntake(5);
  metrics.setQueue(7, 12.5);
  metrics.setProviderHealth('pangyo', 'healthy');
  const text = await metrics.registry.metrics();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines.every((line) => line.startsWith('naru_'))).toBe(true);
  expect(lines).toEqual(
    expect.arrayContaining([
      'naru_flow_duration_seconds_bucket{le="0.025",flow="place",outcome="ok"} 1',
      'naru_placements_total{outcome="placed"} 3',
      'naru_placements_total{outcome="stale"} 0',
      'naru_moves_total{reason="provider-down"} 2',
      'naru_jobs_submitted_total 5',
      'naru_queue_depth 7',
      'naru_queue_oldest_seconds 12.5',
      'naru_provider_health{provider="pangyo",state="healthy"} 1',
    ]),
  );
  expect(text).toContain('naru_nodejs_eventloop_lag_seconds');
  expect(text).toContain('naru_process_resident_memory_bytes');
});

test('a provider is in one state of health', async () => {
  const metrics = createMetrics({ process: false });
  for (const state of ['healthy', 'degraded', 'down', 'down']) metrics.setProviderHealth('pangyo', state);
  const lines = (await metrics.registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('naru_provider_health{'));
  expect(lines.filter((line) => line.endsWith(' 1'))).toEqual([
    'naru_provider_health{provider="pangyo",state="down"} 1',
  ]);
});
