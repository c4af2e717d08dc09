import { covers, nameOf, NO_GPU, type Scope } from '../scope.ts';
import type { HealthState } from '../provider.ts';
import type { Market } from './market.ts';
import type { PlacementProvider } from './types.ts';

/** A part of a provider that takes no new work. */
export interface SickScope extends Scope {
  readonly state: HealthState;
}

/** How long an offer that was refused as full is left alone (dstack remembers failed places for 60 s). */
export const FULL_MS = 60_000;

/** An offer that was refused as full a moment ago, and is left alone until then (exclusive). */
export interface FullOffer {
  readonly offer: string;
  readonly until: Date;
}

/** What of a lot is shut though its provider is well; null: nothing. */
export type Shut = { readonly sick: SickScope } | { readonly full: FullOffer };

/** By position, of the few lots that are shut. */
export function shutLots(
  market: Market,
  providers: readonly (PlacementProvider | null)[],
  now: Date,
): ReadonlyMap<number, Shut> {
  const found = new Map<number, Shut>();
  if (!providers.some((provider) => provider?.sick ?? provider?.full)) return found;
  market.lots.forEach(({ offer }, position) => {
    const provider = providers[market.columns.provider[position] ?? 0];
    const place = { region: offer.region, gpuModel: offer.gpuModel ?? NO_GPU };
    const sick = provider?.sick?.find((scope) => covers(scope, place));
    const full = provider?.full?.find(({ offer: name, until }) => name === offer.name && until > now);
    if (sick !== undefined) found.set(position, { sick });
    else if (full !== undefined) found.set(position, { full });
  });
  return found;
}

/** For people: "H100 in kr-central is down". */
export function sickness(shut: Shut | undefined): string | null {
  return shut !== undefined && 'sick' in shut ? `${nameOf(shut.sick)} is ${shut.sick.state}` : null;
}

/** For people: "was refused as full a moment ago, tried again from …". */
export function fullnessOf(shut: Shut | undefined): string | null {
  if (shut === undefined || !('full' in shut)) return null;
  return `was refused as full a moment ago, and is tried again from ${shut.full.until.toISOString()}`;
}
