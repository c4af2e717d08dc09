import { and, count, desc, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import { FLAPPING_MS, type Contact } from '../../core/health.ts';
import type { HealthState, ProviderMode } from '../../core/provider.ts';
import type { VendorLevel } from '../../core/provider-status.ts';
import { nameOf, type KnownScope } from '../../core/scope.ts';
import type { Reader } from '../store.ts';
import { providerHealth, providers } from '../schema.ts';
import { loadRollUps } from './scopes.ts';

export interface ContactRow extends Contact {
  readonly provider: string;
  readonly control: HealthState;
  readonly mode: ProviderMode;
  readonly vendorWord: { readonly level: VendorLevel; readonly note: string; readonly since: Date } | null;
  readonly parts: KnownScope | null;
}

/** What is known of every provider's contact, with how often it was given up lately and the vendor's word that holds now. */
export async function loadContacts(reader: Reader, now: Date): Promise<ContactRow[]> {
  const at = now.toISOString();
  const rows = await reader
    .select({
      provider: providers.name,
      health: providers.health,
      healthReason: providers.healthReason,
      brokerKind: providers.brokerKind,
      lastContactAt: providers.lastContactAt,
      contactSince: providers.contactSince,
      control: providers.control,
      mode: providers.mode,
    })
    .from(providers)
    .orderBy(providers.name);
  const downsOf = await countDowns(
    reader,
    now,
    rows.filter(({ health }) => health === 'down').map(({ provider }) => provider),
  );
  const words = await reader
    .selectDistinctOn([providerHealth.provider], {
      provider: providerHealth.provider,
      level: providerHealth.state,
      note: providerHealth.reason,
      since: sql<string>`coalesce(${providerHealth.validFrom}, ${providerHealth.at})`,
    })
    .from(providerHealth)
    .where(
      and(
        eq(providerHealth.source, 'vendor'),
        sql`coalesce(${providerHealth.validFrom}, ${providerHealth.at}) <= ${at}`,
        sql`(${providerHealth.validUntil} is null or ${providerHealth.validUntil} > ${at})`,
      ),
    )
    .orderBy(providerHealth.provider, desc(providerHealth.seq));
  const wordOf = new Map(
    words
      .filter(({ level }) => level !== 'operational')
      .map(({ provider, level, note, since }) => [
        provider,
        { level: level as VendorLevel, note, since: new Date(since) },
      ]),
  );
  const partsOf = await loadRollUps(reader, 'data');
  return rows.map((row) => ({
    ...row,
    downsLately: downsOf.get(row.provider) ?? 0,
    vendorWord: wordOf.get(row.provider) ?? null,
    parts: named(partsOf.get(row.provider)),
  }));
}

/** Its reason with the part that it is about. */
function named(part: KnownScope | undefined): KnownScope | null {
  return part === undefined ? null : { ...part, reason: `${nameOf(part)}: ${part.reason}` };
}

/** Nobody is down most of the time, and this is asked four times a second. */
async function countDowns(
  reader: Reader,
  now: Date,
  down: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (down.length === 0) return new Map();
  const rows = await reader
    .select({ provider: providerHealth.provider, times: count() })
    .from(providerHealth)
    .where(
      and(
        eq(providerHealth.source, 'verdict'),
        eq(providerHealth.state, 'down'),
        eq(providerHealth.plane, 'data'),
        isNull(providerHealth.gpuModel),
        gt(providerHealth.at, new Date(now.getTime() - FLAPPING_MS)),
        inArray(providerHealth.provider, [...down]),
      ),
    )
    .groupBy(providerHealth.provider);
  return new Map(rows.map(({ provider, times }) => [provider, times]));
}
