import { and, desc, eq, gt, inArray, isNull, lt, lte, or, sql, type SQL } from 'drizzle-orm';
import type { Scope } from '../../core/access.ts';
import { offers, providerHealth, providers, scopeHealth } from '../schema.ts';
import type { ProviderRow, Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export type HealthRow = typeof providerHealth.$inferSelect;

export type ScopeRow = typeof scopeHealth.$inferSelect;

/** In whole offers. `used` counts withdrawn ones too, as long as something still runs there. */
export interface CapacitySum {
  readonly offered: number;
  readonly used: number;
}

export async function findProvider(reader: Reader, name: string): Promise<ProviderRow | null> {
  const [row] = await reader.select().from(providers).where(eq(providers.name, name));
  return row ?? null;
}

/** By name; `after` is the last name of the page before. */
export async function listProviders(
  reader: Reader,
  scope: Scope,
  after: string | null,
  limit: number,
): Promise<Page<ProviderRow>> {
  const rows = await reader
    .select()
    .from(providers)
    .where(and(providersIn(scope), after === null ? undefined : gt(providers.name, after)))
    .orderBy(providers.name)
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** As a condition on `providers`. */
export function providersIn(scope: Scope): SQL | undefined {
  if (scope.kind === 'all') return undefined;
  return scope.kind === 'vendor' ? eq(providers.vendor, scope.vendor) : sql`false`;
}

/** What the providers offer and what of it is in use; a provider without offers is not in the map. */
export async function capacityOf(
  reader: Reader,
  names: readonly string[],
): Promise<Map<string, CapacitySum>> {
  if (names.length === 0) return new Map();
  const rows = await reader
    .select({
      provider: offers.provider,
      offered: sql<number>`coalesce(sum(${offers.capacity}) filter (where ${offers.withdrawnAt} is null), 0)::float8`,
      used: sql<number>`coalesce(sum(${offers.used}), 0)::float8`,
    })
    .from(offers)
    .where(inArray(offers.provider, [...names]))
    .groupBy(offers.provider);
  return new Map(rows.map(({ provider, offered, used }) => [provider, { offered, used }]));
}

/** What each vendor itself says of its provider now: its newest word that holds at `now`. */
export async function vendorWords(
  reader: Reader,
  names: readonly string[],
  now: Date,
): Promise<Map<string, HealthRow>> {
  if (names.length === 0) return new Map();
  const rows = await reader
    .selectDistinctOn([providerHealth.provider])
    .from(providerHealth)
    .where(
      and(
        inArray(providerHealth.provider, [...names]),
        eq(providerHealth.source, 'vendor'),
        or(isNull(providerHealth.validFrom), lte(providerHealth.validFrom, now)),
        or(isNull(providerHealth.validUntil), gt(providerHealth.validUntil, now)),
      ),
    )
    .orderBy(providerHealth.provider, desc(providerHealth.seq));
  return new Map(rows.map((row) => [row.provider, row]));
}

/** The parts of each that take no new work. */
export async function closedParts(
  reader: Reader,
  names: readonly string[],
): Promise<Map<string, ScopeRow[]>> {
  if (names.length === 0) return new Map();
  const { provider, region, gpuModel, plane, state } = scopeHealth;
  const rows = await reader
    .select()
    .from(scopeHealth)
    .where(and(inArray(provider, [...names]), inArray(state, ['degraded', 'down'])))
    .orderBy(provider, region, gpuModel, plane);
  return Map.groupBy(rows, (row) => row.provider);
}

/** Newest first; `before` is the last seq of the page before. */
export async function listHealth(
  reader: Reader,
  provider: string,
  before: number | null,
  limit: number,
): Promise<Page<HealthRow>> {
  const rows = await reader
    .select()
    .from(providerHealth)
    .where(
      and(
        eq(providerHealth.provider, provider),
        before === null ? undefined : lt(providerHealth.seq, before),
      ),
    )
    .orderBy(desc(providerHealth.seq))
    .limit(limit + 1);
  return toPage(rows, limit);
}
