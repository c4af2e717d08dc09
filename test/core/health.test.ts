import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeHealth, type Contact } from '../../src/core/health.ts';
import { HEALTH_STATES } from '../../src/core/provider.ts';
import { DEFAULT_TIMING as T } from '../../src/core/timing.ts';

const NOW = new Date('2027-01-01T00:01:00Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms);
const LONG_AGO = ago(3_600_000);

const contact = (over: Partial<Contact> = {}): Contact => ({
  health: 'healthy',
  lastContactAt: ago(100),
  contactSince: LONG_AGO,
  vendorWord: null,
  ...over,
});
const judge = (over: Partial<Contact>, listeningSince = LONG_AGO) =>
  judgeHealth(contact(over), listeningSince, NOW, T)?.health ?? 'stays';

describe('silence', () => {
  test.each([
    ['just heard', 0, 'stays'],
    ['a moment short of degraded', T.degradedAfterMs - 1, 'stays'],
    ['degraded', T.degradedAfterMs, 'degraded'],
    ['a moment short of down', T.downAfterMs - 1, 'degraded'],
    ['down', T.downAfterMs, 'down'],
  ])('%s', (_, silentMs, verdict) => {
    expect(judge({ lastContactAt: ago(silentMs) })).toBe(verdict);
  });

  test('of our own making is nobody’s fault', () => {
    expect(judge({ lastContactAt: ago(60_000) }, ago(T.degradedAfterMs - 1))).toBe('stays');
    expect(judge({ lastContactAt: ago(60_000) }, ago(T.downAfterMs))).toBe('down');
  });

  test('never heard is unknown, however long', () => {
    expect(judge({ health: 'unknown', lastContactAt: null, contactSince: null })).toBe('stays');
  });
});

describe('the way back', () => {
  test.each([
    ['down, heard too short', 'down', T.recoverAfterMs - 1, 'stays'],
    ['down, heard long enough', 'down', T.recoverAfterMs, 'healthy'],
    ['degraded, heard too short', 'degraded', T.recoverAfterMs / 2 - 1, 'stays'],
    ['degraded, heard long enough', 'degraded', T.recoverAfterMs / 2, 'healthy'],
  ] as const)('%s', (_, health, heardMs, verdict) => {
    expect(judge({ health, contactSince: ago(heardMs) })).toBe(verdict);
  });

  test('one word long ago is no contact without a gap', () => {
    expect(judge({ health: 'down', lastContactAt: ago(T.degradedAfterMs), contactSince: LONG_AGO })).toBe(
      'stays',
    );
  });
});

describe('the vendor’s own word', () => {
  const vendorWord = { level: 'outage', note: 'cooling' };
  test('raises suspicion', () => expect(judge({ vendorWord })).toBe('degraded'));
  test('never clears it', () =>
    expect(judge({ vendorWord, lastContactAt: ago(T.downAfterMs) })).toBe('down'));
  test('of operational counts as none in what is loaded: silence decides', () =>
    expect(judge({ vendorWord: null, lastContactAt: ago(T.degradedAfterMs) })).toBe('degraded'));
});

test('a verdict that was carried out is not made again: judging is stable', () => {
  const times = fc.integer({ min: 0, max: 20_000 }).map(ago);
  const anyContact = fc.record({
    health: fc.constantFrom(...HEALTH_STATES),
    lastContactAt: fc.option(times),
    contactSince: fc.option(times),
    vendorWord: fc.constantFrom(null, { level: 'degraded', note: 'so so' }),
  });
  fc.assert(
    fc.property(anyContact, times, (one, listeningSince) => {
      const first = judgeHealth(one, listeningSince, NOW, T);
      if (first === null) return;
      expect(first.health).not.toBe(one.health);
      const second = judgeHealth({ ...one, health: first.health }, listeningSince, NOW, T);
      // Degraded by distrust may not flip back at the same moment, nor anything else.
      expect(second).toBeNull();
    }),
    { numRuns: 3_000 },
  );
});
