import { describe, expect, it } from 'vitest';
import {
  pairsOf,
  verifiedUntil,
  whyVoid,
  type Verification,
  type VerifiedSide,
} from '../../src/core/drill/verified.ts';

const NOW = new Date('2026-11-22T10:00:00.000Z');
const days = (n: number) => new Date(NOW.getTime() + n * 86_400_000);

const proof = (more: Partial<Verification> = {}): Verification => ({
  drillId: 'drl-1',
  mode: 'restart',
  from: 'pangyo',
  to: 'gwangju',
  gpu: 'H100',
  rtoSeconds: 8.4,
  rpoSeconds: 5,
  verifiedAt: days(-10),
  validUntil: days(170),
  fromVersion: '1.4.0',
  toVersion: '1.4.0',
  ...more,
});
const side = (name: string, more: Partial<VerifiedSide> = {}): VerifiedSide => ({
  name,
  certifications: [],
  agentVersion: '1.4.0',
  lastDownAt: null,
  ...more,
});
const certificate = (from: number, until: number, scheme = 'CSAP') => ({
  scheme,
  grade: 'low',
  validFrom: days(from).toISOString(),
  validUntil: days(until).toISOString(),
});
const sides = (...all: VerifiedSide[]) =>
  new Map([side('pangyo'), side('gwangju'), ...all].map((one) => [one.name, one]));

describe('a verification', () => {
  const cases: [string, Partial<Verification>, VerifiedSide[], RegExp | null][] = [
    ['holds', {}, [], null],
    ['holds to its last moment', { validUntil: new Date(NOW.getTime() + 1) }, [], null],
    ['expires', { validUntil: NOW }, [], /valid until/],
    [
      'ends when its source is given up',
      {},
      [side('pangyo', { lastDownAt: days(-1) })],
      /pangyo was given up/,
    ],
    ['ends when its target is', {}, [side('gwangju', { lastDownAt: days(-1) })], /gwangju was given up/],
    ['does not mind what was before it', {}, [side('gwangju', { lastDownAt: days(-11) })], null],
    [
      'ends with a certificate of then',
      {},
      [side('gwangju', { certifications: [certificate(-100, -1)] })],
      /certificate of gwangju has lapsed \(CSAP\)/,
    ],
    [
      'goes on with a renewed one',
      {},
      [side('gwangju', { certifications: [certificate(-100, -1), certificate(-2, 100)] })],
      null,
    ],
    [
      'not with another one',
      {},
      [side('gwangju', { certifications: [certificate(-100, -1), certificate(-2, 100, 'ISO')] })],
      /lapsed/,
    ],
    [
      'does not mind one that was over before',
      {},
      [side('pangyo', { certifications: [certificate(-100, -50)] })],
      null,
    ],
    [
      'does not mind one that came after',
      {},
      [side('pangyo', { certifications: [certificate(-5, -1)] })],
      null,
    ],
    ['goes on with a minor version', {}, [side('pangyo', { agentVersion: '1.5.0' })], null],
    ['ends with a major one', {}, [side('pangyo', { agentVersion: '2.0.0' })], /was 1.4.0 and is 2.0.0/],
    ['ends where there is no agent any more', {}, [side('gwangju', { agentVersion: null })], /is none/],
    ['knows providers without agents', { toVersion: null }, [side('gwangju', { agentVersion: null })], null],
    ['ends with its provider', { to: 'nowhere' }, [], /does not exist/],
  ];
  it.each(cases)('%s', (_, more, changed, why) => {
    const told = whyVoid(proof(more), sides(...changed), NOW);
    if (why === null) expect(told).toBeNull();
    else expect(told).toMatch(why);
  });
});

it('pairs are told once, each with its latest end, and only while they hold', () => {
  const all = [
    proof({ validUntil: days(1) }),
    proof({ validUntil: days(3) }),
    proof({ validUntil: days(2) }),
    proof({ gpu: null, validUntil: days(5) }),
    proof({ from: 'gwangju', to: 'pangyo', validUntil: days(-1) }),
  ];
  const pairs = pairsOf(all, sides(), NOW);
  expect(pairs).toEqual([
    { from: 'pangyo', to: 'gwangju', mode: 'restart', gpu: 'H100', until: days(3) },
    { from: 'pangyo', to: 'gwangju', mode: 'restart', gpu: null, until: days(5) },
  ]);
  expect(verifiedUntil(pairs, 'pangyo')).toEqual(days(5));
  expect(verifiedUntil(pairs, 'gwangju')).toBeNull();
});
