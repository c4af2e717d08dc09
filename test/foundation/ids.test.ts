import { expect, test } from 'vitest';
import { createIds } from '../../src/ids.ts';

const NOW = new Date('2026-03-02T09:00:00.000Z');

test('an id can be the name of a Kubernetes object and of a Slurm job', () => {
  const id = createIds().next('job', NOW);
  expect(id).toMatch(/^job-[0-9a-hjkmnp-tv-z]{26}$/);
  expect(id.length).toBeLessThanOrEqual(63);
});

test('ids are in the order of time, and of their making within a millisecond', () => {
  const ids = createIds();
  const made = Array.from({ length: 5_000 }, (_, i) =>
    ids.next('alc', new Date(NOW.getTime() + Math.floor(i / 1000))),
  );
  expect(made.toSorted()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
});

test('order holds over the years', () => {
  const ids = createIds();
  const years = [1970, 2000, 2026, 2040, 2099].map((year) => ids.next('job', new Date(Date.UTC(year, 0))));
  expect(years.toSorted()).toEqual(years);
});

test('two processes do not make the same ones', () => {
  const [one, two] = [createIds(), createIds()];
  const made = Array.from({ length: 1_000 }, () => [one.next('job', NOW), two.next('job', NOW)]).flat();
  expect(new Set(made).size).toBe(2_000);
});

test('a secret has 256 bits', () => {
  const ids = createIds();
  expect(Buffer.from(ids.secret(), 'base64url')).toHaveLength(32);
  expect(ids.secret()).not.toBe(ids.secret());
});
