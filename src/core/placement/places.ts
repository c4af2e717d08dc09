import type { LeveledRules, PlacementRules } from '../rules.ts';
import { brokenByProvider, passes, tooNear } from './eligible.ts';
import type { Pass } from './pass.ts';
import { bit, type Broken } from './rules.ts';
import type { Whereabouts } from './whereabouts.ts';

/**
 * What every offer of a provider, or of a region, breaks. There may be a thousand providers, and a search looks at a
 * few of them: each is asked when it is first needed, and once for all jobs whose rules say the same.
 */
export class Places {
  readonly #pass: Pass;
  readonly #rulings: readonly Ruling[];
  readonly #byProvider: Int32Array;
  readonly #byRegion: Int32Array;
  readonly where: Whereabouts;

  constructor(pass: Pass, rulings: readonly Ruling[], where: Whereabouts) {
    this.#pass = pass;
    this.#rulings = rulings;
    this.where = where;
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
    const { manyNodes, apartFrom, minSeparationKm, otherVendors, provenFrom } = this.where;
    let broken = manyNodes && !provider.multiNode ? bit('nodes') : 0;
    for (const ruling of this.#rulings) broken |= ruling.ofProvider(at);
    const near = tooNear(provider, apartFrom, minSeparationKm) !== null;
    if (near || otherVendors.includes(provider.vendor)) broken |= bit('separation');
    if (provenFrom !== null && !isProven(this.#pass.state, provenFrom, provider.name))
      broken |= bit('dr-verified');
    return broken;
  }

  #askRegion(at: number): Broken {
    return this.#rulings.reduce((broken, ruling) => broken | ruling.ofRegion(at), 0);
  }
}

/** Has a drill proved that what runs at `from` recovers at `to`? */
function isProven({ now, verifiedPairs = [] }: Pass['state'], from: string, to: string): boolean {
  return verifiedPairs.some((pair) => pair.from === from && pair.to === to && pair.until > now);
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

  placesOf(pass: Pass, levels: readonly LeveledRules[], where: Whereabouts): Places {
    const rulings = levels.map(({ rules }) => this.#rulingOf(pass, rules));
    const names = where.apartFrom.map(({ name }) => name);
    const { manyNodes, minSeparationKm, otherVendors, provenFrom } = where;
    const ids = rulings.map(({ id }) => id);
    const key = JSON.stringify([ids, manyNodes, minSeparationKm, names, otherVendors, provenFrom]);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const places = new Places(pass, rulings, where);
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
