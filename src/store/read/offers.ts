import { and, eq, gte, isNull, isNotNull, lte, or, sql, type SQL } from 'drizzle-orm';
import type { Scope } from '../../core/access.ts';
import type { FormFactor } from '../../core/gpu.ts';
import type { Realm } from '../../core/provider.ts';
import { exchangeRates, offers, pools, providers } from '../schema.ts';
import type { OfferRow, Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';
import { providersIn } from './providers.ts';

export type PoolRow = typeof pools.$inferSelect;

/** An offer with what is needed to show its price in the accounting currency. */
export interface OfferView {
  readonly offer: OfferRow;
  readonly country: string;
  /** What it draws on; null: it stands for itself. */
  readonly pool: PoolRow | null;
  /** Null: its currency has no exchange rate. */
  readonly rateMicros: bigint | null;
}

/** A kind of GPU that would do. */
export interface WantedGpu {
  /** Canonical. */
  readonly model: string;
  /** Null: any. */
  readonly formFactor: FormFactor | null;
  /** Of one device at least, GiB. */
  readonly minMemoryGiB?: number;
}

export interface OfferSearch {
  readonly now: Date;
  readonly accountingCurrency: string;
  readonly scope: Scope;
  /** Of each list one has to be it. */
  readonly gpus?: readonly (readonly WantedGpu[])[] | undefined;
  readonly formFactor?: FormFactor | undefined;
  readonly minMemoryGiB?: number | undefined;
  readonly gpuCount?: number | undefined;
  readonly region?: string | undefined;
  readonly country?: string | undefined;
  readonly realm?: Realm | undefined;
  readonly provider?: string | undefined;
  /** True: sold as spot; false: sold on demand. */
  readonly spot?: boolean | undefined;
  /** In the accounting currency; offers without a rate are then left out. */
  readonly maxPriceMicrosPerHour?: bigint | undefined;
  readonly sort: 'name' | 'price';
  /** Also what is not sold yet (`effectiveFrom` lies ahead). */
  readonly upcoming?: boolean | undefined;
}

/** Where a page ended. `price` only when sorted by it. */
export interface OfferMark {
  readonly price: string | null;
  readonly provider: string;
  readonly name: string;
}

const COUNTRY = sql<string>`${providers.site}->>'country'`;
const OWN_POOL = and(eq(pools.provider, offers.provider), eq(pools.name, offers.pool));

/** What is on the market at `now`, in the order asked for. */
export async function searchOffers(
  reader: Reader,
  search: OfferSearch,
  after: OfferMark | null,
  limit: number,
): Promise<Page<OfferView & { mark: OfferMark }>> {
  const rate = rateAt(search);
  const price = priceIn(search, rate);
  const rows = await reader
    .select({
      offer: offers,
      country: COUNTRY,
      pool: pools,
      rate: sql<string | null>`${rate}`,
      price: sql<string>`${price}::text`,
    })
    .from(offers)
    .innerJoin(providers, eq(providers.name, offers.provider))
    .leftJoin(pools, OWN_POOL)
    .where(and(...wanted(search, price), after === null ? undefined : beyond(search, price, after)))
    .orderBy(...(search.sort === 'price' ? [price] : []), offers.provider, offers.name)
    .limit(limit + 1);
  const views = rows.map((row) => ({
    offer: row.offer,
    country: row.country,
    pool: row.pool,
    rateMicros: row.rate === null ? null : BigInt(row.rate),
    mark: {
      price: search.sort === 'price' ? row.price : null,
      provider: row.offer.provider,
      name: row.offer.name,
    },
  }));
  return toPage(views, limit);
}

function wanted(search: OfferSearch, price: SQL): (SQL | undefined)[] {
  const { gpus = [], minMemoryGiB, gpuCount, formFactor, spot, maxPriceMicrosPerHour } = search;
  const { region, country, realm, provider } = search;
  return [
    isNull(offers.withdrawnAt),
    search.upcoming === true
      ? undefined
      : or(isNull(offers.effectiveFrom), lte(offers.effectiveFrom, search.now)),
    providersIn(search.scope),
    ...gpus.map((any) => or(...any.map(isGpu)) ?? sql`false`),
    minMemoryGiB === undefined ? undefined : gte(offers.gpuMemoryGiB, minMemoryGiB),
    gpuCount === undefined ? undefined : eq(offers.gpuCount, gpuCount),
    formFactor === undefined ? undefined : eq(offers.gpuFormFactor, formFactor),
    region === undefined ? undefined : eq(offers.region, region),
    country === undefined ? undefined : sql`${COUNTRY} = ${country}`,
    realm === undefined ? undefined : eq(providers.realm, realm),
    provider === undefined ? undefined : eq(offers.provider, provider),
    spot === undefined
      ? undefined
      : isNotNull(spot ? offers.spotPriceMicrosPerHour : offers.priceMicrosPerHour),
    maxPriceMicrosPerHour === undefined
      ? undefined
      : sql`${price} <= ${maxPriceMicrosPerHour.toString()}::numeric`,
  ];
}

function isGpu({ model, formFactor, minMemoryGiB = 0 }: WantedGpu): SQL | undefined {
  return and(
    eq(offers.gpuModel, model),
    formFactor === null ? undefined : eq(offers.gpuFormFactor, formFactor),
    minMemoryGiB === 0 ? undefined : gte(offers.gpuMemoryGiB, minMemoryGiB),
  );
}

/** Keyset: everything after the mark in the list's own order. */
function beyond(search: OfferSearch, price: SQL, after: OfferMark): SQL | undefined {
  const byName = sql`(${offers.provider}, ${offers.name}) > (${after.provider}, ${after.name})`;
  if (search.sort === 'name' || after.price === null) return byName;
  const mark = sql`${after.price}::numeric`;
  return sql`(${price} > ${mark} or (${price} = ${mark} and ${byName}))`;
}

/** The newest rate of the offer's currency; 1 for the accounting currency itself. Micros, as numeric. */
function rateAt({ accountingCurrency, now }: OfferSearch): SQL {
  return sql`case when ${offers.currency} = ${accountingCurrency} then 1000000::bigint else (
    select r.rate_micros from ${exchangeRates} r where r.currency = ${offers.currency} and r.as_of <= ${now.toISOString()}::timestamptz
    order by r.as_of desc limit 1) end`;
}

/** The price that counts, in the accounting currency; what has no rate comes last. numeric: no overflow. */
function priceIn({ spot }: OfferSearch, rate: SQL): SQL {
  const listed =
    spot === true
      ? sql`${offers.spotPriceMicrosPerHour}`
      : sql`coalesce(${offers.priceMicrosPerHour}, ${offers.spotPriceMicrosPerHour})`;
  return sql`coalesce(floor((${listed}::numeric * (${rate}) + 500000) / 1000000), 'Infinity'::numeric)`;
}

/** One offer that is not withdrawn. */
export async function findOffer(
  reader: Reader,
  search: Pick<OfferSearch, 'now' | 'accountingCurrency'>,
  provider: string,
  name: string,
): Promise<OfferView | null> {
  const everything: OfferSearch = { ...search, scope: { kind: 'all' }, sort: 'name' };
  const [row] = await reader
    .select({
      offer: offers,
      country: COUNTRY,
      pool: pools,
      rate: sql<string | null>`${rateAt(everything)}`,
    })
    .from(offers)
    .innerJoin(providers, eq(providers.name, offers.provider))
    .leftJoin(pools, OWN_POOL)
    .where(and(eq(offers.provider, provider), eq(offers.name, name), isNull(offers.withdrawnAt)));
  if (row === undefined) return null;
  const { offer, country, pool, rate } = row;
  return { offer, country, pool, rateMicros: rate === null ? null : BigInt(rate) };
}
