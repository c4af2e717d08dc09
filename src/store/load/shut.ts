import { and, inArray, sql } from 'drizzle-orm';
import { FULL_MS, type FullOffer, type SickScope } from '../../core/placement/shut.ts';
import type { PlacementProvider } from '../../core/placement/types.ts';
import { scopeHealth } from '../schema.ts';
import type { Reader } from '../store.ts';

type SickRow = SickScope & { readonly provider: string };

/** Parts that take no new work: of these providers, or (null) of all. */
export async function loadSick(reader: Reader, names: readonly string[] | null): Promise<SickRow[]> {
  const { provider, region, gpuModel, plane, state } = scopeHealth;
  const rows = await reader
    .select({ provider, region, gpuModel, state })
    .from(scopeHealth)
    .where(
      and(names === null ? undefined : inArray(provider, [...names]), inArray(state, ['degraded', 'down'])),
    )
    .orderBy(provider, region, gpuModel, plane);
  return rows;
}

/** By provider; one of which nothing is shut is not in it. */
export async function loadShut(
  reader: Reader,
  now: Date,
): Promise<ReadonlyMap<string, Pick<PlacementProvider, 'sick' | 'full'>>> {
  const found = new Map<string, { sick?: SickScope[]; full?: FullOffer[] }>();
  const of = (provider: string) => {
    const known = found.get(provider) ?? {};
    found.set(provider, known);
    return known;
  };
  for (const { provider, ...scope } of await loadSick(reader, null)) (of(provider).sick ??= []).push(scope);
  for (const { provider, ...offer } of await loadFull(reader, now)) (of(provider).full ??= []).push(offer);
  return found;
}

/**
 * Offers that a provider refused as full within FULL_MS, unless something of them has started since. Nothing is written
 * for it: the allocations say so.
 */
async function loadFull(reader: Reader, now: Date): Promise<(FullOffer & { provider: string })[]> {
  const since = new Date(now.getTime() - FULL_MS).toISOString();
  const { rows } = await reader.execute<{ provider: string; offer: string; at: string }>(sql`
    select a.provider, a.offer, max(a.released_at) as at from allocations a
    where a.outcome = 'no-capacity'
      and a.released_at > ${since}::timestamptz
    group by 1, 2
    having not exists (
      select from (select offer, started_at from allocations b where b.provider = a.provider order by b.id desc limit 200) b
      where b.offer = a.offer and b.started_at > max(a.released_at))
    order by 1, 2`);
  return rows.map(({ provider, offer, at }) => {
    return { provider, offer, until: new Date(new Date(at).getTime() + FULL_MS) };
  });
}
