import type { z } from 'zod';
import type { MadeProvider } from '../../src/flows/createProvider.ts';
import type { CapacitySum, HealthRow } from '../../src/store/read/providers.ts';
import type { VendorLevel } from '../../src/core/provider-status.ts';
import { stateOf } from '../../src/core/response.ts';
import { ANY, nameOf } from '../../src/core/scope.ts';
import type { ProviderRow } from '../../src/store/store.ts';
import type { ScopeRow } from '../../src/store/read/providers.ts';
import type { provider } from '../schemas/provider.ts';
import { time } from './time.ts';

type Inventory = NonNullable<z.output<typeof provider>['agent']>['inventory'];

const NO_CAPACITY: CapacitySum = { offered: 0, used: 0 };

export function renderProvider(
  row: ProviderRow,
  capacity: CapacitySum = NO_CAPACITY,
  word: HealthRow | null = null,
  parts: readonly ScopeRow[] = [],
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
    health: {
      state: stateOf({ control: row.control, data: row.health }),
      control: row.control,
      data: row.health,
      since: row.healthSince.toISOString(),
      reasons: reasonsOf(row, parts),
      parts: parts.map(renderPart),
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

/** Why it is what it is: of its data plane, then of its control plane, then of what else of it is closed. */
function reasonsOf(row: ProviderRow, parts: readonly ScopeRow[]): string[] {
  const control = row.control === 'unknown' || row.control === 'healthy' ? '' : row.controlReason;
  const whole = `${row.healthReason}\n${control}`;
  const closed = parts
    .filter((part) => !whole.includes(`${nameOf(part)}: ${part.reason}`))
    .map((part) => `${nameOf(part)} is ${part.state}: ${part.reason}`);
  return [...new Set([row.healthReason, control, ...closed])].filter((reason) => reason !== '');
}

/** Null: all of them. */
const named = (name: string | null) => (name === ANY ? null : name);

function renderPart({ region, gpuModel, plane, state, since, heldUntil, reason }: ScopeRow) {
  const times = { since: since.toISOString(), heldUntil: time(heldUntil) };
  return { region: named(region), gpuModel: named(gpuModel), plane, state, ...times, reason };
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
    plane: row.source === 'verdict' ? row.plane : null,
    region: named(row.region),
    gpuModel: named(row.gpuModel),
    samples: [...(row.samples ?? [])],
  };
}
