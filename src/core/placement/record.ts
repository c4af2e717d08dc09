import { canonicalJson, sha256Hex } from '../canonical.ts';
import type { Purses } from '../ledger/purse.ts';
import { fromTagged, toTagged } from '../tagged.ts';
import type { ProviderTerms, ProviderUse, WorldState } from '../world.ts';
import { openMarket, type Market } from './market.ts';
import type { Shape } from './mix.ts';
import type { State } from './pass.ts';
import type { PlacementProvider, QueuedJob } from './types.ts';

/**
 * What a pass was decided from, written so that it can be decided again: the market in parts, each known by the hash of
 * its content (what a vendor sells changes rarely, and is then stored once), and page by page the jobs as they were.
 *
 * The engine's name goes with it. Whoever changes what is decided gives the engine a new name (a test holds a decision
 * against the name); an old record made again by a new engine may then differ, and is said to.
 */
export const ENGINE = 'placement-4';

/** A part of a market, and the name that its content gives it. */
export interface Part {
  /** Hex SHA-256 of the text. */
  readonly hash: string;
  /** Canonical JSON. */
  readonly text: string;
}

/** Hashes of the parts that a market and its state are made of. */
export interface MarketRecord {
  /** RFC 3339. */
  readonly now: string;
  /** Currency, rates, rules, policies. */
  readonly common: string;
  /** See State. */
  readonly demand: readonly Shape[];
  /** Absent: no budget stands above anybody. */
  readonly purses?: Purses;
  /** What each provider sells, and how it is: its facts, and what is in use. */
  readonly providers: readonly { readonly terms: string | null; readonly state: string }[];
}

/** One page. Null market: the one of the page before, `after`, as that left it. */
export interface PageRecord {
  readonly version: 1;
  readonly after: string | null;
  readonly market: MarketRecord | null;
  readonly jobs: readonly JobRecord[];
}

/** What of a queued job may change; the rest (spec, project, rank, quote) is in the job and never does. */
export type JobRecord = Pick<
  QueuedJob,
  | 'id'
  | 'queuedAt'
  | 'attempts'
  | 'avoid'
  | 'moveTo'
  | 'notBefore'
  | 'fencedUntil'
  | 'approval'
  | 'apartFrom'
  | 'standsByFor'
  | 'standbyAt'
  | 'ownAccount'
  | 'unpaid'
> &
  /** Only where it is not the usual one, which is in the job. */
  Partial<Pick<QueuedJob, 'queueRank'>>;

export function partOf(value: unknown): Part {
  const text = canonicalJson(toTagged(value));
  return { hash: sha256Hex(text), text };
}

/** `termsPart`: of one provider's terms; the caller keeps them, as they are many and rarely new. */
export function recordMarket(
  terms: readonly ProviderTerms[],
  state: WorldState,
  purses: Purses,
  termsPart: (terms: ProviderTerms) => Part,
): { readonly market: MarketRecord; readonly parts: readonly Part[] } {
  const { now, currency, rates, rules, policies, verifiedPairs } = state;
  const common = partOf({
    currency,
    rates,
    rules,
    policies,
    ...(verifiedPairs?.length && { verifiedPairs }),
  });
  const sold = new Map(terms.map((one) => [one.provider, termsPart(one)]));
  const providers = state.providers.map((provider) => ({
    terms: sold.get(provider.name) ?? null,
    state: partOf({ provider, use: state.uses.get(provider.name) ?? null }),
  }));
  return {
    market: {
      now: now.toISOString(),
      common: common.hash,
      demand: state.demand,
      ...(purses.projects.size > 0 && { purses }),
      providers: providers.map((one) => ({ terms: one.terms?.hash ?? null, state: one.state.hash })),
    },
    parts: [
      common,
      ...providers.flatMap((one) => (one.terms === null ? [one.state] : [one.terms, one.state])),
    ],
  };
}

export function recordJob(job: QueuedJob): JobRecord {
  const { id, queuedAt, attempts, avoid, moveTo, notBefore, fencedUntil } = job;
  const { approval, apartFrom, standsByFor, standbyAt, unpaid, ownAccount, queueRank } = job;
  return {
    id,
    queuedAt,
    attempts,
    avoid,
    moveTo,
    notBefore,
    fencedUntil,
    ...(queueRank < 0 && { queueRank }),
    ...(approval && { approval }),
    ...(apartFrom && { apartFrom }),
    ...(standsByFor !== undefined && { standsByFor }),
    ...(standbyAt !== undefined && { standbyAt }),
    ...(unpaid !== undefined && { unpaid }),
    ...(ownAccount !== undefined && { ownAccount }),
  };
}

export function pageText(page: PageRecord): string {
  return canonicalJson(toTagged(page));
}

export function readPage(text: string): PageRecord {
  return fromTagged(JSON.parse(text)) as PageRecord;
}

/** The hashes of everything that a market is made of. */
export function partsOf({ common, providers }: MarketRecord): string[] {
  return [
    ...new Set([
      common,
      ...providers.flatMap(({ terms, state }) => (terms === null ? [state] : [terms, state])),
    ]),
  ];
}

/** The market and the state that were recorded. Throws where a part is missing. */
export function readMarket(
  record: MarketRecord,
  textOf: (hash: string) => string,
): { readonly market: Market; readonly state: State; readonly purses: Purses | null } {
  const read = <T>(hash: string) => fromTagged(JSON.parse(textOf(hash))) as T;
  const common = read<Pick<WorldState, 'currency' | 'rates' | 'rules' | 'policies' | 'verifiedPairs'>>(
    record.common,
  );
  const terms = record.providers.flatMap(({ terms: hash }) =>
    hash === null ? [] : [read<ProviderTerms>(hash)],
  );
  const states = record.providers.map(({ state }) =>
    read<{ provider: PlacementProvider; use: ProviderUse | null }>(state),
  );
  const uses = new Map(
    states.flatMap(({ provider, use }) => (use === null ? [] : [[provider.name, use] as const])),
  );
  const providers = states.map(({ provider }) => provider);
  return {
    purses: record.purses ?? null,
    market: marketFrom(terms, common, providers),
    state: stateFrom({ ...common, now: new Date(record.now), demand: record.demand, providers, uses }),
  };
}

export function marketFrom(
  terms: readonly ProviderTerms[],
  { currency, rates }: Pick<WorldState, 'currency' | 'rates'>,
  providers: readonly PlacementProvider[],
): Market {
  return openMarket({
    currency,
    rates,
    offers: terms.flatMap(({ offers }) => offers),
    pools: terms.flatMap(({ pools }) => pools),
    providers: providers.map(({ name }) => name),
  });
}

export function stateFrom({
  now,
  providers,
  rules,
  policies,
  uses,
  demand,
  verifiedPairs,
}: Pick<
  WorldState,
  'now' | 'providers' | 'rules' | 'policies' | 'uses' | 'demand' | 'verifiedPairs'
>): State {
  return {
    ...(verifiedPairs && { verifiedPairs }),
    now,
    providers,
    rules,
    policies,
    demand,
    usedOffers: [...uses].flatMap(([provider, { offers }]) =>
      [...offers].map(([name, used]) => ({ provider, name, used })),
    ),
    usedPools: [...uses].flatMap(([provider, { pools }]) =>
      [...pools].map(([name, use]) => ({ provider, name, ...use })),
    ),
  };
}
