import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createClock, systemClock } from '../../src/clock.ts';

const START = Date.parse('2026-03-02T09:00:00.000Z');

/** A database whose clock can be stepped, and a monotonic clock that goes on when told. */
function world() {
  const state = { monotonic: 50_000, database: START, failing: false, slowMs: 0 };
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1000) {
      const step = Math.min(left, 1000);
      state.monotonic += step;
      state.database += step;
      await vi.advanceTimersByTimeAsync(step);
    }
  };
  const readDatabase = async () => {
    if (state.failing) throw new Error('no database');
    state.monotonic += state.slowMs;
    return new Date(state.database);
  };
  return { state, pass, clock: () => createClock(readDatabase, () => state.monotonic) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("shows the database's time, carried on by monotonic time", async () => {
  const { clock, pass } = world();
  const shown = await clock();
  expect(shown.now().getTime()).toBe(START);
  await pass(3_000);
  expect(shown.now().getTime()).toBe(START + 3_000);
  shown.stop();
});

test("a step of this machine's own wall clock changes nothing", async () => {
  const { clock, pass } = world();
  const shown = await clock();
  vi.setSystemTime(START + 86_400_000);
  await pass(1_000);
  expect(shown.now().getTime()).toBe(START + 1_000);
  shown.stop();
});

test('follows the database forwards', async () => {
  const { clock, pass, state } = world();
  const shown = await clock();
  state.database += 5_000;
  await pass(10_000);
  expect(shown.now().getTime()).toBe(START + 15_000);
  shown.stop();
});

test('a database that went backwards: time never does, and goes on at half its speed until they agree', async () => {
  const { clock, pass, state } = world();
  const shown = await clock();
  await pass(9_000);
  expect(shown.now().getTime()).toBe(START + 9_000);
  state.database -= 4_000;
  let last = shown.now().getTime();
  for (let second = 0; second < 12; second += 1) {
    await pass(1_000);
    const now = shown.now().getTime();
    expect(now).toBeGreaterThan(last);
    last = now;
  }
  // 21 s later: one second at full speed until the sample, then half speed until the 4 s are made up.
  expect(last).toBe(state.database);
  shown.stop();
});

test('survives a database that does not answer, and mistrusts one that takes long', async () => {
  const { clock, pass, state } = world();
  const shown = await clock();
  state.failing = true;
  await pass(10_000);
  expect(shown.now().getTime()).toBe(START + 10_000);
  state.failing = false;
  state.database += 60_000;
  state.slowMs = 3_000;
  await pass(10_000);
  expect(shown.now().getTime()).toBe(START + 23_000);
  shown.stop();
});

test('no database at the start: no clock', async () => {
  const { clock, state } = world();
  state.failing = true;
  await expect(clock()).rejects.toThrow('no database');
});

test('sleep ends when aborted, with the reason', async () => {
  const { sleep } = systemClock();
  const stop = new AbortController();
  const slept = sleep(60_000, stop.signal);
  stop.abort(new Error('enough'));
  await expect(slept).rejects.toThrow('enough');
  await expect(sleep(60_000, stop.signal)).rejects.toThrow('enough');
  expect(vi.getTimerCount()).toBe(0);
});

test('sleep can be longer than the longest timer', async () => {
  const { sleep } = systemClock();
  let woken = false;
  void sleep(30 * 86_400_000).then(() => (woken = true));
  await vi.advanceTimersByTimeAsync(29 * 86_400_000);
  expect(woken).toBe(false);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect(woken).toBe(true);
});
