import { distanceKm } from '../geo.ts';
import type { Site } from '../provider.ts';
import type { Scenario } from './drill.ts';

export interface SitedProvider {
  readonly name: string;
  readonly site: Site;
}

/** The providers that a scenario strikes, in the order of names; those that do not exist are not among them. */
export function struckBy(scenario: Scenario, providers: readonly SitedProvider[]): string[] {
  const struck =
    scenario.kind === 'site-disaster'
      ? providers.filter(({ site }) => distanceKm(site, scenario) <= scenario.radiusKm)
      : providers.filter(({ name }) => name === scenario.provider);
  return struck.map(({ name }) => name).toSorted();
}
