import { describe, expect, test } from 'vitest';
import { distanceKm, type Coordinates } from '../../src/core/geo.ts';

/** Korean cloud sites, as public catalogs place them. */
const SITES = {
  gasan: { latitude: 37.4754, longitude: 126.8831 },
  sejong: { latitude: 36.5, longitude: 127.31 },
  pangyo: { latitude: 37.3909, longitude: 127.0968 },
  pyeongchon: { latitude: 37.3926, longitude: 126.9515 },
  gwangju: { latitude: 35.1595, longitude: 126.8526 },
  daegu: { latitude: 35.87, longitude: 128.6 },
  ansan: { latitude: 37.297, longitude: 126.837 },
} satisfies Record<string, Coordinates>;
type Site = keyof typeof SITES;
const between = (a: Site, b: Site) => distanceKm(SITES[a], SITES[b]);
const CAPITAL: readonly Site[] = ['gasan', 'pangyo', 'pyeongchon', 'ansan'];

describe('the distance of two places', () => {
  test.each<[Site, Site, number]>([
    ['gasan', 'pyeongchon', 11],
    ['pangyo', 'pyeongchon', 13],
    ['pyeongchon', 'ansan', 15],
    ['gasan', 'ansan', 20],
    ['gasan', 'pangyo', 21],
  ])('%s to %s is %i km', (a, b, km) => {
    expect(Math.round(between(a, b))).toBe(km);
    expect(between(b, a)).toBe(between(a, b));
  });

  test.each<[Site, number, number]>([
    ['gwangju', 238, 258],
    ['daegu', 216, 235],
    ['sejong', 98, 115],
  ])('%s is %i to %i km from the sites of the capital', (site, least, most) => {
    const distances = CAPITAL.map((other) => Math.round(between(site, other)));
    expect([Math.min(...distances), Math.max(...distances)]).toEqual([least, most]);
  });

  test('is nothing to itself, half the earth’s girth to the other side, and small across the date line', () => {
    for (const site of Object.values(SITES)) expect(distanceKm(site, site)).toBe(0);
    const half = Math.PI * 6371.0088;
    expect(distanceKm({ latitude: 90, longitude: 0 }, { latitude: -90, longitude: 77 })).toBeCloseTo(half, 6);
    expect(distanceKm({ latitude: 10, longitude: 20 }, { latitude: -10, longitude: -160 })).toBeCloseTo(
      half,
      3,
    );
    const dateLine = distanceKm({ latitude: 0, longitude: 179.9 }, { latitude: 0, longitude: -179.9 });
    expect(dateLine).toBeCloseTo((0.2 / 360) * 2 * half, 6);
  });
});
