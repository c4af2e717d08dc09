import type { JobSpec } from '../job.ts';
import type { LeveledRules } from '../rules.ts';
import { brokenByProvider, passes, tooNear } from './eligible.ts';
import type { Pass } from './pass.ts';
import { bit, type Broken } from './rules.ts';
import type { PlacementProvider } from './types.ts';

/** What every offer of a provider, or of a region, breaks. */
export interface Places {
  readonly byProvider: Int32Array;
  readonly byRegion: Int32Array;
  /** Providers that the place must be apart from, and by how much; 0: it need not. */
  readonly apartFrom: readonly PlacementProvider[];
  readonly minSeparationKm: number;
}

export function placesOf(
  pass: Pass,
  levels: readonly LeveledRules[],
  spec: JobSpec,
  avoided: readonly string[],
): Places {
  const minSeparationKm = separationOf(levels, spec);
  // Where it was lost: a place that it avoids and that is not well. One that merely refused it is no disaster.
  const apartFrom =
    minSeparationKm > 0
      ? pass.providers.filter(
          (one): one is PlacementProvider =>
            one !== null && one.health !== 'healthy' && avoided.includes(one.name),
        )
      : [];
  const at = { now: pass.now, policies: pass.state.policies };
  const ofProvider = (provider: PlacementProvider | null): Broken => {
    if (provider === null) return 0;
    let broken = spec.resources.nodes > 1 && !provider.multiNode ? bit('nodes') : 0;
    for (const { rules } of levels) broken |= brokenByProvider(rules, provider, at);
    if (tooNear(provider, apartFrom, minSeparationKm) !== null) broken |= bit('separation');
    return broken;
  };
  return {
    byProvider: Int32Array.from(pass.providers, ofProvider),
    byRegion: Int32Array.from(pass.market.regions, (region) =>
      levels.every(({ rules }) => passes(rules.regions, region)) ? 0 : bit('regions'),
    ),
    apartFrom,
    minSeparationKm,
  };
}

/** The largest that any level asks for, km; 0: none does. */
export function separationOf(levels: readonly LeveledRules[], spec: Pick<JobSpec, 'continuity'>): number {
  return Math.max(
    spec.continuity.minSeparationKm ?? 0,
    ...levels.map(({ rules }) => rules.minSeparationKm ?? 0),
  );
}
