import type { JobSpec } from '../job.ts';
import { isGuarded } from '../protection.ts';
import type { LeveledRules } from '../rules.ts';
import { byName } from './columns.ts';
import type { Pass } from './pass.ts';
import type { PlacementProvider, QueuedJob } from './types.ts';

/**
 * Where a job must not be for the sake of where else it is, or was lost. Another vendor's name is no other disaster zone
 * (sites of different vendors are 11 km apart), and another site of the same vendor does not outlive the vendor: so both
 * count, distance and name.
 */
export interface Whereabouts {
  /** It runs on several machines at once. */
  readonly manyNodes: boolean;
  /** Sites that it must be `minSeparationKm` away from. Empty where that is 0. */
  readonly apartFrom: readonly PlacementProvider[];
  readonly minSeparationKm: number;
  /** Vendors at whose other sites it must not be either. In the order of names. */
  readonly otherVendors: readonly string[];
  /** A drill must have proved that work of this provider recovers at the place; null: it need not. */
  readonly provenFrom: string | null;
  /** Where a disaster took it from: places that it avoids and that are not well. One that merely refused it is none. */
  readonly stricken: readonly PlacementProvider[];
}

/** `avoided`: names of providers. */
export function whereaboutsOf(
  job: QueuedJob,
  pass: Pass,
  levels: readonly LeveledRules[],
  avoided: readonly string[],
): Whereabouts {
  const { spec, apartFrom: beside = [], standsByFor = null } = job;
  const minSeparationKm = separationOf(levels, spec);
  const named = (names: readonly string[]) =>
    pass.providers.filter((one): one is PlacementProvider => one !== null && names.includes(one.name));
  const stricken = named(avoided).filter(({ health }) => health !== 'healthy');
  const others = named(beside);
  const zones = minSeparationKm > 0 || isGuarded(spec) ? [...stricken, ...others] : others;
  return {
    manyNodes: spec.resources.nodes > 1,
    apartFrom: minSeparationKm > 0 ? zones : [],
    minSeparationKm,
    otherVendors: [...new Set(zones.map(({ vendor }) => vendor))].sort(byName),
    provenFrom: standsByFor,
    stricken,
  };
}

/** Other sites of a stricken vendor: of use only where nothing else has room, also to a job that asks for no distance. */
export function akin({ providers }: Pass, { stricken }: Whereabouts): string[] {
  const vendors = new Set(stricken.map(({ vendor }) => vendor));
  return providers.flatMap((one) => (one !== null && vendors.has(one.vendor) ? [one.name] : []));
}

/** The largest that any level asks for, km; 0: none does. */
export function separationOf(levels: readonly LeveledRules[], spec: Pick<JobSpec, 'continuity'>): number {
  return Math.max(
    spec.continuity.minSeparationKm ?? 0,
    ...levels.map(({ rules }) => rules.minSeparationKm ?? 0),
  );
}
