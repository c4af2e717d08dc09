import { expect, test } from 'vitest';
import { queueRankOf, struckRankOf } from '../../src/core/queue-rank.ts';
import { shareOf } from '../../src/core/share.ts';

const NOW = new Date('2026-03-02T09:00:00.000Z');
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);

test('six minutes of waiting are worth one point of priority', () => {
  const first = queueRankOf(NOW, 50);
  expect(queueRankOf(later(6), 51)).toBe(first);
  expect(queueRankOf(later(5), 51)).toBeLessThan(first);
  expect(queueRankOf(later(7), 51)).toBeGreaterThan(first);
});

test('the whole scale is ten hours: the lowest is overtaken for no longer', () => {
  expect(queueRankOf(later(601), 100)).toBeGreaterThan(queueRankOf(NOW, 0));
  expect(queueRankOf(later(599), 100)).toBeLessThan(queueRankOf(NOW, 0));
});

test.each([
  [8, 1, 8],
  [8, 4, 32],
  [0, 1, 0.125],
  [0, 8, 1],
])('%i GPUs on each of %i nodes hold a share of %d', (gpus, nodes, share) => {
  expect(shareOf(gpus, nodes)).toBe(share);
});

test('a disaster sends work to the front: guarded before other, then the earliest deadline, then as before', () => {
  const rank = queueRankOf(NOW, 50);
  const first = queueRankOf(NOW, 100);
  const order = [
    struckRankOf(rank, true, later(60)),
    struckRankOf(first, true, later(120)),
    struckRankOf(first, true, null),
    struckRankOf(rank, true, null),
    struckRankOf(first, false, later(60)),
    struckRankOf(first, false, null),
    struckRankOf(rank, false, null),
    first,
    rank,
  ];
  expect(order.toSorted((a, b) => a - b)).toEqual(order);
  expect(order.filter((one) => one < 0)).toHaveLength(7);
  for (const one of order) expect(Number.isSafeInteger(one)).toBe(true);
});
