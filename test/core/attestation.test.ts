import { expect, test } from 'vitest';
import { SYSTEM, type Actor, type Role } from '../../src/core/access.ts';
import { attestationAfter } from '../../src/core/attestation.ts';
import { changedPools, diffOfferSet, type OfferTerms } from '../../src/core/offer-set.ts';

const actor = (role: Role): Actor => ({ ...SYSTEM, id: `key-${role}`, role });
const held = (grade: string) => [
  { scheme: 'CSAP', grade, validFrom: '2026-01-01T00:00:00.000Z', validUntil: '2028-01-01T00:00:00.000Z' },
];
const before = { realm: 'public', certifications: held('low'), site: { country: 'KR' } } as const;

test.each([
  ['vendor', null, { realm: 'public', certifications: [] }, 'withdraw'],
  ['vendor', before, {}, 'keep'],
  ['vendor', before, { realm: 'public' }, 'keep'],
  ['vendor', before, { certifications: held('low') }, 'keep'],
  ['vendor', before, { realm: 'government' }, 'withdraw'],
  ['vendor', before, { certifications: held('high') }, 'withdraw'],
  ['vendor', before, { certifications: [] }, 'withdraw'],
  ['vendor', before, { site: { country: 'KR' } }, 'keep'],
  ['vendor', before, { site: { country: 'JP' } }, 'withdraw'],
  ['operator', before, { site: { country: 'JP' } }, 'keep'],
  ['vendor', before, { realm: 'public', certifications: held('high') }, 'withdraw'],
  ['operator', null, { realm: 'public', certifications: [] }, 'vouch'],
  ['operator', before, {}, 'keep'],
  ['operator', before, { realm: 'public' }, 'vouch'],
  ['admin', before, { certifications: [] }, 'vouch'],
] as const)('a %s to whom %j was vouched for says %j: %s', (role, was, said, change) => {
  expect(attestationAfter(actor(role), was, said)).toBe(change);
});

test('an offer is another one when its pool is', () => {
  const pool = { name: 'p', gpus: 8, cpuMillis: null, memoryMiB: 1 };
  expect(changedPools([pool], [pool])).toEqual([]);
  for (const other of [{ gpus: 9 }, { cpuMillis: 0 }, { memoryMiB: null }, { name: 'q' }])
    expect(changedPools([pool], [{ ...pool, ...other }])).toEqual([{ ...pool, ...other }]);
  const terms = (name: string, of: string | null) =>
    ({ name, pool: of, withdrawnAt: null }) as never as OfferTerms;
  const offers = [terms('a', 'p'), terms('b', 'q'), terms('c', null)];
  const stored = offers.map((offer) => ({ ...offer, withdrawnAt: null }));
  expect(diffOfferSet(stored, offers)).toMatchObject({ updated: [], unchanged: 3 });
  expect(diffOfferSet(stored, offers, new Set(['p']))).toMatchObject({ updated: [offers[0]], unchanged: 2 });
});
