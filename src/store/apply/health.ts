import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import type { HealthState, ProviderMode } from '../../core/provider.ts';
import type { KeptSample } from '../../core/scope.ts';
import type { Tx } from '../store.ts';
import { engineFacts, providerHealth, providers } from '../schema.ts';

/** A verdict as it is to be written: only if nothing was heard since it was made. */
export interface VerdictWrite {
  readonly provider: string;
  readonly from: HealthState;
  readonly to: HealthState;
  readonly reason: string;
  /** The last contact that the verdict was made with. */
  readonly lastContactAt: Date | null;
  readonly samples?: readonly KeptSample[];
}

/** @returns false where the verdict is stale: somebody else made one, or the provider was heard meanwhile. */
export async function applyVerdict(tx: Tx, now: Date, verdict: VerdictWrite): Promise<boolean> {
  const sameContact =
    verdict.to === 'healthy'
      ? undefined
      : verdict.lastContactAt === null
        ? isNull(providers.lastContactAt)
        : eq(providers.lastContactAt, verdict.lastContactAt);
  const changed = await tx
    .update(providers)
    .set({
      health: verdict.to,
      // The same state for another reason began when it began.
      ...(verdict.from === verdict.to ? {} : { healthSince: now }),
      healthReason: verdict.reason,
    })
    .where(and(eq(providers.name, verdict.provider), eq(providers.health, verdict.from), sameContact))
    .returning({ name: providers.name });
  if (changed.length === 0) return false;
  await tx.insert(providerHealth).values({
    provider: verdict.provider,
    at: now,
    source: 'verdict',
    state: verdict.to,
    reason: verdict.reason,
    lastContactAt: verdict.lastContactAt,
    samples: [...(verdict.samples ?? [])],
  });
  return true;
}

/** The same over its control plane. @returns false where somebody else made another meanwhile */
export async function applyControl(
  tx: Tx,
  now: Date,
  { provider, from, to, reason, samples = [] }: Omit<VerdictWrite, 'lastContactAt'>,
): Promise<boolean> {
  const changed = await tx
    .update(providers)
    .set({ control: to, controlReason: reason })
    .where(and(eq(providers.name, provider), eq(providers.control, from)))
    .returning({ name: providers.name });
  if (changed.length === 0) return false;
  const row = { provider, at: now, source: 'verdict', plane: 'control', state: to, reason } as const;
  await tx.insert(providerHealth).values({ ...row, samples: [...samples] });
  return true;
}

export async function setProviderMode(
  tx: Tx,
  name: string,
  mode: ProviderMode,
): Promise<'changed' | 'same' | 'unknown'> {
  const changed = await tx
    .update(providers)
    .set({ mode, version: sql`${providers.version} + 1` })
    .where(and(eq(providers.name, name), ne(providers.mode, mode)))
    .returning({ name: providers.name });
  if (changed.length > 0) return 'changed';
  const known = await tx.select({ name: providers.name }).from(providers).where(eq(providers.name, name));
  return known.length > 0 ? 'same' : 'unknown';
}

/** Since when, and until when, some process of ours has been taking agents' calls. */
export interface Listening {
  readonly since: Date;
  readonly at: Date;
}

/**
 * Notes that a process takes agents' calls now. A gap longer than `gapMs` since anybody did starts the count anew:
 * silence during our own absence is nobody's fault.
 */
export async function noteListening(tx: Tx, now: Date, gapMs: number): Promise<void> {
  const fresh = JSON.stringify({ since: now.toISOString(), at: now.toISOString() });
  await tx.execute(sql`
    insert into engine_facts (name, value, updated_at) values ('listening', ${fresh}::jsonb, ${now.toISOString()}::timestamptz)
    on conflict (name) do update set updated_at = excluded.updated_at, value = case
      when (engine_facts.value ->> 'at')::timestamptz < ${now.toISOString()}::timestamptz - make_interval(secs => ${gapMs / 1000})
      then excluded.value else jsonb_set(engine_facts.value, '{at}', to_jsonb(${now.toISOString()}::text)) end
    where engine_facts.updated_at < excluded.updated_at`);
}

export async function readListening(tx: Tx): Promise<Listening | null> {
  const [row] = await tx
    .select({ value: engineFacts.value })
    .from(engineFacts)
    .where(eq(engineFacts.name, 'listening'));
  const value = row?.value as { since: string; at: string } | undefined;
  return value === undefined ? null : { since: new Date(value.since), at: new Date(value.at) };
}

/**
 * Takes or keeps the turn for a periodic pass, so that replicas do not all do the same work. Only thrift: every
 * pass is right beside another of its kind, because each of its writes is guarded.
 */
export async function takeTurn(
  tx: Tx,
  now: Date,
  pass: string,
  holder: string,
  ttlMs: number,
): Promise<boolean> {
  const value = JSON.stringify({ holder, until: new Date(now.getTime() + ttlMs).toISOString() });
  const taken = await tx.execute(sql`
    insert into engine_facts (name, value, updated_at) values (${`turn:${pass}`}, ${value}::jsonb, ${now.toISOString()}::timestamptz)
    on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at
    where engine_facts.value ->> 'holder' = ${holder} or (engine_facts.value ->> 'until')::timestamptz < excluded.updated_at
    returning name`);
  return taken.rows.length > 0;
}
