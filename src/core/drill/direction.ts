import { distanceKm } from '../geo.ts';
import type { JobResult } from './judge.ts';
import type { DrillProvider } from './report.ts';

/** From where to where work went. */
export interface Direction {
  readonly from: string;
  readonly to: string;
  readonly fromVendor: string;
  readonly toVendor: string;
  readonly fromSite: string;
  readonly toSite: string;
  /** Between the sites, whole kilometres. */
  readonly km: number;
  readonly jobs: number;
}

/** Each pair once, in the order in which it first came. */
export function directionsOf(jobs: readonly JobResult[], providers: readonly DrillProvider[]): Direction[] {
  const known = new Map(providers.map((one) => [one.name, one]));
  const pairs = Map.groupBy(
    jobs.filter(({ result }) => result === 'recovered'),
    ({ from, to }) => JSON.stringify([from, to?.provider]),
  );
  return [...pairs.values()].flatMap((moved) => {
    const [first] = moved;
    const from = known.get(first?.from ?? '');
    const to = known.get(first?.to?.provider ?? '');
    if (from === undefined || to === undefined) return [];
    return {
      from: from.name,
      to: to.name,
      fromVendor: from.vendor,
      toVendor: to.vendor,
      fromSite: `${from.site.city}, ${from.site.country}`,
      toSite: `${to.site.city}, ${to.site.country}`,
      km: Math.round(distanceKm(from.site, to.site)),
      jobs: moved.length,
    };
  });
}
