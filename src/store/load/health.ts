import { and, desc, eq, sql } from 'drizzle-orm';
import type { Contact } from '../../core/health.ts';
import type { Reader } from '../store.ts';
import { providerHealth, providers } from '../schema.ts';

export interface ContactRow extends Contact {
  readonly provider: string;
}

/** What is known of every provider's contact, with the vendor's word that holds now. */
export async function loadContacts(reader: Reader, now: Date): Promise<ContactRow[]> {
  const at = now.toISOString();
  const rows = await reader
    .select({
      provider: providers.name,
      health: providers.health,
      lastContactAt: providers.lastContactAt,
      contactSince: providers.contactSince,
    })
    .from(providers)
    .orderBy(providers.name);
  const words = await reader
    .selectDistinctOn([providerHealth.provider], {
      provider: providerHealth.provider,
      level: providerHealth.state,
      note: providerHealth.reason,
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
    words.filter(({ level }) => level !== 'operational').map((word) => [word.provider, word]),
  );
  return rows.map((row) => ({ ...row, vendorWord: wordOf.get(row.provider) ?? null }));
}
