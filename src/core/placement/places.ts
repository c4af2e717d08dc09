import type { JobSpec } from '../job.ts';
import type { LeveledRules, PlacementRules } from '../rules.ts';
import { brokenByProvider, passes, tooNear } from './eligible.ts';
import type { Pass } from './pass.ts';
import { bit, type Broken } from './rules.ts';
import type { PlacementProvider } from './types.ts';

/**
 * What every offer of a provider, or of a region, breaks. There may be a thousand providers, and a search looks at a
 * few of them: each is asked when it is first needed, and once for all jobs whose rules say the same.
 */
export class Places {
  readonly #pass: Pass;
  readonly #rulings: readonly Ruling[];
  readonly #manyNodes: boolean;
  readonly #byProvider: Int32Array;
  readonly #byRegion: Int32Array;
  /** Providers that the place must be apart from, and by how much; 0: it need not. */
  readonly apartFrom: readonly PlacementProvider[];
  readonly minSeparationKm: number;

  constructor(pass: Pass, rulings: readonly Ruling[], where: Apart & { readonly manyNodes: boolean }) {
    this.#pass = pass;
    this.#rulings = rulings;
    this.#manyNodes = where.manyNodes;
    this.apartFrom = where.apartFrom;
    this.minSeparationKm = where.minSeparationKm;
    this.#byProvider = new Int32Array(pass.providers.length).fill(UNASKED);
    this.#byRegion = new Int32Array(pass.market.regions.length).fill(UNASKED);
  }

  brokenAt(provider: number, region: number): Broken {
    let ofProvider = this.#byProvider[provider] ?? 0;
    if (ofProvider === UNASKED) this.#byProvider[provider] = ofProvider = this.#askProvider(provider);
    let ofRegion = this.#byRegion[region] ?? 0;
    if (ofRegion === UNASKED) this.#byRegion[region] = ofRegion = this.#askRegion(region);
    return ofProvider | ofRegion;
  }

  #askProvider(at: number): Broken {
    const provider = this.#pass.providers[at] ?? null;
    if (provider === null) return 0;
    let broken = this.#manyNodes && !provider.multiNode ? bit('nodes') : 0;
    for (const ruling of this.#rulings) broken |= ruling.ofProvider(at);
    if (tooNear(provider, this.apartFrom, this.minSeparationKm) !== null) broken |= bit('separation');
    return broken;
  }

  #askRegion(at: number): Broken {
    return this.#rulings.reduce((broken, ruling) => broken | ruling.ofRegion(at), 0);
  }
}

interface Apart {
  readonly apartFrom: readonly PlacementProvider[];
  readonly minSeparationKm: number;
}

const UNASKED = -1;

/** What the rules of one level say of each provider. Organizations have few, and all their jobs ask the same. */
export class Ruling {
  /** Tells apart what is ruled, within a pass. */
  readonly id: number;
  readonly #pass: Pass;
  readonly #rules: PlacementRules;
  readonly #byProvider: Int32Array;

  constructor(id: number, pass: Pass, rules: PlacementRules) {
    this.id = id;
    this.#pass = pass;
    this.#rules = rules;
    this.#byProvider = new Int32Array(pass.providers.length).fill(UNASKED);
  }

  ofProvider(at: number): Broken {
    const known = this.#byProvider[at] ?? 0;
    if (known !== UNASKED) return known;
    const { now, state, providers } = this.#pass;
    const provider = providers[at] ?? null;
    const broken =
      provider === null ? 0 : brokenByProvider(this.#rules, provider, { now, policies: state.policies });
    this.#byProvider[at] = broken;
    return broken;
  }

  ofRegion(at: number): Broken {
    return passes(this.#rules.regions, this.#pass.market.regions[at] ?? '') ? 0 : bit('regions');
  }
}

/** What was asked of places in one pass, by what the rules say. */
export class Rulings {
  readonly #byRules = new WeakMap<PlacementRules, Ruling>();
  readonly #byContent = new Map<string, Ruling>();
  readonly #places = new Map<string, Places>();

  /** `avoided`: names of providers, in order. */
  placesOf(pass: Pass, levels: readonly LeveledRules[], spec: JobSpec, avoided: readonly string[]): Places {
    const rulings = levels.map(({ rules }) => this.#rulingOf(pass, rules));
    const minSeparationKm = separationOf(levels, spec);
    // Where it was lost: a place that it avoids and that is not well. One that merely refused it is no disaster.
    const apartFrom =
      minSeparationKm > 0
        ? pass.providers.filter(
            (one): one is PlacementProvider =>
              one !== null && one.health !== 'healthy' && avoided.includes(one.name),
          )
        : [];
    const manyNodes = spec.resources.nodes > 1;
    const names = apartFrom.map(({ name }) => name);
    const key = JSON.stringify([rulings.map(({ id }) => id), manyNodes, minSeparationKm, names]);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const places = new Places(pass, rulings, { apartFrom, minSeparationKm, manyNodes });
    this.#places.set(key, places);
    return places;
  }

  #rulingOf(pass: Pass, rules: PlacementRules): Ruling {
    const known = this.#byRules.get(rules);
    if (known !== undefined) return known;
    const { providers, regions, countries, realms, certifications, dataGrade, drVerified } = rules;
    const content = [providers, regions, countries, realms, certifications, dataGrade, drVerified];
    const key = JSON.stringify(content);
    const ruling = this.#byContent.get(key) ?? new Ruling(this.#byContent.size, pass, rules);
    this.#byContent.set(key, ruling);
    this.#byRules.set(rules, ruling);
    return ruling;
  }
}

/** The largest that any level asks for, km; 0: none does. */
export function separationOf(levels: readonly LeveledRules[], spec: Pick<JobSpec, 'continuity'>): number {
  return Math.max(
    spec.continuity.minSeparationKm ?? 0,
    ...levels.map(({ rules }) => rules.minSeparationKm ?? 0),
  );
}
