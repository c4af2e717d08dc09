import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOurOwnSilence, judgeHealth, recoveryMs, type Contact } from '../../src/core/health.ts';
import { BROKER_KINDS, HEALTH_STATES } from '../../src/core/provider.ts';
import { DEFAULT_TIMING as T } from '../../src/core/timing.ts';

const NOW = new Date('2027-01-01T00:01:00Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms);
const LONG_AGO = ago(3_600_000);

const contact = (over: Partial<Contact> = {}): Contact => ({
  health: 'healthy',
  healthReason: 'heard',
  brokerKind: 'agent',
  lastContactAt: ago(100),
  contactSince: LONG_AGO,
  downsLately: 0,
  vendorWord: null,
  ...over,
});
const judging = (listeningSince = LONG_AGO, doubt = false) => ({
  listeningSince,
  now: NOW,
  timing: T,
  doubt,
});
const judge = (over: Partial<Contact>, listeningSince = LONG_AGO) =>
  judgeHealth(contact(over), judging(listeningSince))?.health ?? 'stays';

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

describe('one that is down again and again', () => {
  test.each([
    ['the first time', 1, 1],
    ['the second', 2, 2],
    ['the fifth', 5, 16],
    ['the hundredth: there is an end to it', 100, T.recoverMaxMs / T.recoverAfterMs],
  ])('%s', (_, downsLately, times) => {
    expect(recoveryMs({ downsLately }, T)).toBe(times * T.recoverAfterMs);
    const down = (ms: number) => judge({ health: 'down', downsLately, contactSince: ago(ms) });
    expect(down(times * T.recoverAfterMs - 1)).toBe('stays');
    expect(down(times * T.recoverAfterMs)).toBe('healthy');
  });
});

describe('everybody silent at once', () => {
  const silent = (ms: number, over: Partial<Contact> = {}) => contact({ lastContactAt: ago(ms), ...over });
  const doubts = (...contacts: Contact[]) => isOurOwnSilence(contacts, judging());

  test.each<[string, Contact[], boolean]>([
    ['two agents', [silent(T.downAfterMs), silent(T.degradedAfterMs)], true],
    ['one of them heard', [silent(T.downAfterMs), silent(T.degradedAfterMs - 1)], false],
    ['one alone is one that failed', [silent(T.downAfterMs)], false],
    [
      'one beside one that was given up before',
      [silent(T.downAfterMs), silent(9e6, { health: 'down' })],
      false,
    ],
    ['one beside one that never called', [silent(T.downAfterMs), silent(9e6, { health: 'unknown' })], false],
    [
      'one beside one that we call',
      [silent(T.downAfterMs), silent(T.downAfterMs, { brokerKind: 'process' })],
      false,
    ],
    [
      'two, whoever we call being well',
      [silent(6_000), silent(6_000), contact({ brokerKind: 'process' })],
      true,
    ],
    ['too long for a doubt', [silent(T.doubtMs), silent(T.doubtMs)], false],
  ])('%s', (_, contacts, doubted) => expect(doubts(...contacts)).toBe(doubted));

  const silence = silent(T.downAfterMs, { health: 'degraded', healthReason: 'silent for 2.5 s' });

  test('gives nobody up, and says so once', () => {
    const verdict = judgeHealth(silence, judging(LONG_AGO, true));
    expect(verdict).toEqual({
      health: 'degraded',
      reason: expect.stringContaining('our own network is suspected'),
    });
    expect(judgeHealth({ ...silence, healthReason: verdict!.reason }, judging(LONG_AGO, true))).toBeNull();
  });

  test('frees nobody who was given up, and excuses nobody whom we call', () => {
    expect(judgeHealth({ ...silence, health: 'down' }, judging(LONG_AGO, true))).toBeNull();
    expect(judgeHealth({ ...silence, brokerKind: 'process' }, judging(LONG_AGO, true))?.health).toBe('down');
  });
});

test('a verdict that was carried out is not made again: judging is stable', () => {
  const times = fc.integer({ min: 0, max: 20_000 }).map(ago);
  const anyContact = fc.record({
    health: fc.constantFrom(...HEALTH_STATES),
    healthReason: fc.constant('as it was'),
    brokerKind: fc.constantFrom(...BROKER_KINDS),
    downsLately: fc.nat({ max: 6 }),
    lastContactAt: fc.option(times),
    contactSince: fc.option(times),
    vendorWord: fc.constantFrom(null, { level: 'degraded', note: 'so so' }),
  });
  fc.assert(
    fc.property(anyContact, times, fc.boolean(), (one, listeningSince, doubt) => {
      const first = judgeHealth(one, judging(listeningSince, doubt));
      if (first === null) return;
      if (!doubt) expect(first.health).not.toBe(one.health);
      const judged = { ...one, health: first.health, healthReason: first.reason };
      // Degraded by distrust may not flip back at the same moment, nor anything else.
      expect(judgeHealth(judged, judging(listeningSince, doubt))).toBeNull();
    }),
    { numRuns: 3_000 },
  );
});
