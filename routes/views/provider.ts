import type { z } from 'zod';
import type { MadeProvider } from '../../src/flows/createProvider.ts';
import type { CapacitySum, HealthRow } from '../../src/store/read/providers.ts';
import type { VendorLevel } from '../../src/core/provider-status.ts';
import type { ProviderRow } from '../../src/store/store.ts';
import type { provider } from '../schemas/provider.ts';
import { time } from './time.ts';

type Inventory = NonNullable<z.output<typeof provider>['agent']>['inventory'];

const NO_CAPACITY: CapacitySum = { offered: 0, used: 0 };

export function renderProvider(
  row: ProviderRow,
  capacity: CapacitySum = NO_CAPACITY,
  word: HealthRow | null = null,
) {
  return {
    name: row.name,
    vendor: row.vendor,
    broker: { ...row.brokerSettings, kind: row.brokerKind },
    site: row.site,
    realm: row.realm,
    certifications: [...row.certifications],
    attested:
      row.attestedAt === null ? null : { at: row.attestedAt.toISOString(), by: row.attestedBy ?? 'unknown' },
    mode: row.mode,
    // What it is judged by today is whether it can be talked to; nothing probes what runs there yet.
    health: {
      state: row.health,
      control: row.health,
      data: 'unknown' as const,
      since: row.healthSince.toISOString(),
      reasons: row.healthReason === '' ? [] : [row.healthReason],
    },
    vendorStatus: word === null ? null : renderWord(word),
    capacity,
    agent:
      row.brokerKind === 'agent'
        ? {
            version: row.agentVersion,
            lastContactAt: time(row.lastContactAt),
            inventory: row.inventory as Inventory,
          }
        : null,
    version: row.version,
    createdAt: row.createdAt.toISOString(),
  };
}

export function renderNewProvider({ row, agentKey }: MadeProvider) {
  return { ...renderProvider(row), agentKey: agentKey?.secret ?? null, agentKeyId: agentKey?.row.id ?? null };
}

export function renderWord(row: HealthRow) {
  return {
    level: row.state as VendorLevel,
    from: time(row.validFrom),
    until: time(row.validUntil),
    note: row.reason,
    at: row.at.toISOString(),
  };
}

export function renderHealth(row: HealthRow) {
  return {
    seq: row.seq,
    at: row.at.toISOString(),
    source: row.source,
    state: row.state,
    reason: row.reason,
    from: time(row.validFrom),
    until: time(row.validUntil),
    lastContactAt: time(row.lastContactAt),
  };
}
