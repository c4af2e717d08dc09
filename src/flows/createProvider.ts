import { mayRegisterProvider, type Actor } from '../core/access.ts';
import { attestationAfter } from '../core/attestation.ts';
import { Problem } from '../core/problem.ts';
import type { BrokerKind, Certification, Realm, Site } from '../core/provider.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertHealth, insertProvider } from '../store/apply/providers.ts';
import type { ProviderRow, Tx } from '../store/store.ts';
import { makeKey, type MadeKey } from './createKey.ts';
import { once, type Answer, type Ask } from './once.ts';

export interface ProviderSpec {
  readonly name: string;
  readonly vendor: string;
  readonly broker: { readonly kind: BrokerKind; readonly settings: Record<string, unknown> };
  readonly site: Site;
  readonly realm: Realm;
  readonly certifications: readonly Certification[];
}

export interface MadeProvider {
  readonly row: ProviderRow;
  /** The key with which its agent calls; null for other kinds. */
  readonly agentKey: MadeKey | null;
}

/**
 * Registers a place that runs jobs; for kind `agent`, with the key for its agent. Somebody of the service vouches with
 * it for its realm and certifications.
 * Problems: forbidden (a vendor for somebody else, or with the service's own hands), impossible-spec (`process`
 * where the service may not run commands), state-conflict (the name is taken).
 */
export function createProvider<Body>(
  deps: Deps,
  actor: Actor,
  spec: ProviderSpec,
  ask: Ask<MadeProvider, Body>,
): Promise<Answer<Body>> {
  const now = deps.clock.now();
  refuse(deps, actor, spec);
  return once(deps, actor, ask, now, async (tx) => {
    const row = await insertProvider(tx, newProvider(actor, spec, now));
    if (row === null) throw new Problem('state-conflict', 'There is a provider of this name already.');
    await insertHealth(tx, firstHealth(row));
    const agentKey = spec.broker.kind === 'agent' ? await makeAgentKey(deps, tx, actor, row, now) : null;
    const { vendor, realm, site } = spec;
    const data = {
      vendor,
      broker: spec.broker.kind,
      realm,
      site,
      certifications: spec.certifications,
      attested: row.attestedAt !== null,
      agentKey: agentKey?.row.id,
    };
    await appendAudit(tx, now, [
      { actor, action: 'provider.create', target: row.name, requestId: ask.requestId, data },
    ]);
    return { row, agentKey };
  });
}

function refuse(deps: Deps, actor: Actor, spec: ProviderSpec): void {
  if (!mayRegisterProvider(actor, { vendor: spec.vendor, brokerKind: spec.broker.kind })) {
    throw new Problem('forbidden', 'A vendor registers its own providers, with broker kind agent.');
  }
  if (spec.broker.kind === 'process' && !deps.config.processBroker) {
    const detail =
      "Commands may run on the service's own machine only where HOST is loopback or NARU_PROCESS_BROKER=1.";
    throw new Problem('impossible-spec', detail, { errors: [{ pointer: '/broker/kind', detail }] });
  }
}

function newProvider(actor: Actor, spec: ProviderSpec, now: Date) {
  const vouched = attestationAfter(actor, null, spec) === 'vouch';
  return {
    name: spec.name,
    vendor: spec.vendor,
    brokerKind: spec.broker.kind,
    brokerSettings: spec.broker.settings,
    site: spec.site,
    realm: spec.realm,
    certifications: [...spec.certifications],
    attestedAt: vouched ? now : null,
    attestedBy: vouched ? actor.role : null,
    mode: 'active' as const,
    health: 'unknown' as const,
    healthSince: now,
    healthReason: 'Not heard of yet.',
    createdAt: now,
  };
}

function firstHealth(row: ProviderRow) {
  return {
    provider: row.name,
    at: row.createdAt,
    source: 'verdict' as const,
    state: row.health,
    reason: row.healthReason,
  };
}

function makeAgentKey(deps: Deps, tx: Tx, actor: Actor, row: ProviderRow, now: Date): Promise<MadeKey> {
  const nobody = { projects: null, organization: null, vendor: null, expiresAt: null };
  const note = `of the agent of ${row.name}`;
  return makeKey(deps, tx, actor, { ...nobody, role: 'agent', provider: row.name, note }, now);
}
