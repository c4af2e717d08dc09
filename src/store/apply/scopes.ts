import { and, eq, lt, sql } from 'drizzle-orm';
import type { Fault } from '../../core/fault.ts';
import type { BrokerVerb } from '../../core/probe.ts';
import type { Plane, Scope, ScopeState, ScopeVerdict } from '../../core/scope.ts';
import { brokerProbes, gpuFaults, providerHealth, providers, scopeHealth } from '../schema.ts';
import type { Tx } from '../store.ts';

/** A verdict over one plane of a part of a provider, and what it was made against. */
export interface ScopeWrite {
  readonly provider: string;
  readonly scope: Scope;
  readonly plane: Plane;
  /** Null: there was none yet. */
  readonly from: ScopeState | null;
  readonly verdict: ScopeVerdict;
}

/**
 * Writes it, unless somebody else made one meanwhile (false). The provider's row is locked, as a placement there does
 * too: it either came before, and is moved by what follows, or finds the scope closed.
 */
export async function applyScope(tx: Tx, now: Date, write: ScopeWrite): Promise<boolean> {
  const { provider, scope, plane, from, verdict } = write;
  await tx.select({ name: providers.name }).from(providers).where(eq(providers.name, provider)).for('update');
  const { state, since, reason, heldUntil, closings } = verdict;
  const samples = [...verdict.samples];
  const set = { state, since, reason, heldUntil, closings, samples };
  const key = and(
    eq(scopeHealth.provider, provider),
    eq(scopeHealth.region, scope.region),
    eq(scopeHealth.gpuModel, scope.gpuModel),
    eq(scopeHealth.plane, plane),
  );
  const { region, gpuModel } = scope;
  const written =
    from === null
      ? await tx
          .insert(scopeHealth)
          .values({ provider, region, gpuModel, plane, ...set })
          .onConflictDoNothing()
          .returning({ state: scopeHealth.state })
      : await tx
          .update(scopeHealth)
          .set(set)
          .where(and(key, eq(scopeHealth.state, from.state), eq(scopeHealth.since, from.since)))
          .returning({ state: scopeHealth.state });
  if (written.length === 0) return false;
  const row = { provider, region, gpuModel, plane, state, reason, samples } as const;
  await tx.insert(providerHealth).values({ ...row, at: now, source: 'verdict' });
  return true;
}

export interface GpuFaultRow {
  readonly id: string;
  readonly at: Date;
  readonly device: string;
  readonly gpuIndex: number | null;
  /** Canonical. */
  readonly gpuModel: string | null;
  readonly xid: number;
  readonly text: string;
}

/** Of one provider within an hour: more say nothing new, and a log that overflows must not fill the database. */
const FAULTS_AN_HOUR = 200;

/** Keeps what was not heard before. @returns how many that were */
export async function keepGpuFaults(
  tx: Tx,
  now: Date,
  provider: string,
  faults: readonly GpuFaultRow[],
): Promise<number> {
  if (faults.length === 0) return 0;
  const hour = new Date(now.getTime() - 3_600_000);
  const [known] = await tx
    .select({ n: sql<number>`count(*)::int` })
    .from(gpuFaults)
    .where(and(eq(gpuFaults.provider, provider), sql`${gpuFaults.heardAt} > ${hour.toISOString()}`));
  const kept = faults.slice(0, Math.max(0, FAULTS_AN_HOUR - (known?.n ?? 0)));
  if (kept.length === 0) return 0;
  const rows = await tx
    .insert(gpuFaults)
    .values(kept.map((fault) => ({ ...fault, provider, heardAt: now })))
    .onConflictDoNothing()
    .returning({ id: gpuFaults.id });
  return rows.length;
}

export async function dropOldGpuFaults(tx: Tx, before: Date): Promise<void> {
  await tx.delete(gpuFaults).where(lt(gpuFaults.heardAt, before));
}

export interface ProbeWrite {
  readonly verb: BrokerVerb;
  /** Calls that failed since the last write; 0: it was answered. */
  readonly failures: number;
  readonly at: Date;
  readonly fault: Fault | null;
  readonly detail: string;
}

/** Adds failures to those in a row, or notes the first answer after them; an answer of a verb that never failed is none. */
export async function noteProbe(tx: Tx, provider: string, write: ProbeWrite): Promise<void> {
  const { verb, failures, at, fault, detail } = write;
  if (fault === null) {
    await tx
      .update(brokerProbes)
      .set({ failures: 0, answeredAt: at })
      .where(and(eq(brokerProbes.provider, provider), eq(brokerProbes.verb, verb), sql`failures > 0`));
    return;
  }
  await tx
    .insert(brokerProbes)
    .values({ provider, verb, failures, failedAt: at, fault, detail })
    .onConflictDoUpdate({
      target: [brokerProbes.provider, brokerProbes.verb],
      set: {
        failures: sql`${brokerProbes.failures} + excluded.failures`,
        failedAt: sql`greatest(${brokerProbes.failedAt}, excluded.failed_at)`,
        fault: sql`excluded.fault`,
        detail: sql`excluded.detail`,
        answeredAt: null,
      },
    });
}
