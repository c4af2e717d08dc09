import { and, asc, eq, getTableColumns, gt, inArray } from 'drizzle-orm';
import type { AuditLink } from '../../core/audit.ts';
import type { DrillCut, DrilledJob, DrillProvider } from '../../core/drill/report.ts';
import { movesOf } from '../../core/moves.ts';
import type { Timing } from '../../core/timing.ts';
import type { DrillRow } from '../apply/drills.ts';
import { readLegs } from '../read/moves.ts';
import { allocations, audit, drillCuts, drillJobs, jobs, offers, providers } from '../schema.ts';
import type { Reader } from '../store.ts';
import { loadDrillCosts } from './drills.ts';

/** What the report is made of, beside the drill's own row. */
export interface LoadedFacts {
  readonly providers: readonly DrillProvider[];
  readonly cuts: readonly DrillCut[];
  readonly jobs: readonly DrilledJob[];
  readonly records: readonly AuditLink[];
}

export async function loadDrillFacts(
  reader: Reader,
  now: Date,
  timing: Timing,
  drill: DrillRow,
): Promise<LoadedFacts> {
  const cuts = await reader
    .select()
    .from(drillCuts)
    .where(eq(drillCuts.drillId, drill.id))
    .orderBy(asc(drillCuts.fromAt), asc(drillCuts.allocationId));
  const drilled = await loadJobs(reader, now, timing, drill);
  const names = new Set([...drill.providers, ...drilled.flatMap(({ move }) => move?.to?.provider ?? [])]);
  return {
    providers: await loadProviders(reader, [...names]),
    cuts,
    jobs: drilled,
    records: await loadRecords(reader, drill.id),
  };
}

/** The audit records of a drill, the first first. */
export async function loadRecords(reader: Reader, drillId: string): Promise<AuditLink[]> {
  return reader.select().from(audit).where(eq(audit.target, drillId)).orderBy(asc(audit.seq));
}

function loadProviders(reader: Reader, names: readonly string[]): Promise<DrillProvider[]> {
  const { name, vendor, site, brokerKind, agentVersion } = providers;
  return reader
    .select({ name, vendor, site, brokerKind, agentVersion })
    .from(providers)
    .where(inArray(providers.name, [...names]))
    .orderBy(providers.name);
}

async function loadJobs(reader: Reader, now: Date, timing: Timing, drill: DrillRow): Promise<DrilledJob[]> {
  const rows = await reader
    .select({ drilled: drillJobs, job: jobs })
    .from(drillJobs)
    .innerJoin(jobs, eq(jobs.id, drillJobs.jobId))
    .where(eq(drillJobs.drillId, drill.id))
    .orderBy(drillJobs.jobId);
  const costs = await loadDrillCosts(reader, now, drill.id);
  const found: DrilledJob[] = [];
  for (const { drilled, job } of rows) {
    const { rtoSeconds, rpoSeconds, mode } = job.spec.continuity;
    const moves = movesOf(
      { kind: job.kind, startedAt: job.startedAt, rtoSeconds, rpoSeconds },
      await readLegs(reader, job.id),
      now,
      timing,
    );
    found.push({
      jobId: job.id,
      canary: drilled.canary,
      kind: job.kind,
      mode,
      rtoSeconds,
      rpoSeconds,
      state: job.state,
      provider: drilled.provider,
      cutAllocationId: drilled.allocationId,
      move: moves.find(({ from }) => from.allocationId === drilled.allocationId) ?? null,
      obtained: await loadObtained(reader, job.id, drilled.allocationId),
      costMicros: costs.get(job.id) ?? 0n,
      checked: drilled.checked,
    });
  }
  return found;
}

async function loadObtained(
  reader: Reader,
  jobId: string,
  cutAllocationId: string | null,
): Promise<DrilledJob['obtained']> {
  if (cutAllocationId === null) return [];
  const rows = await reader
    .select({ ...getTableColumns(allocations), gpuModel: offers.gpuModel })
    .from(allocations)
    .innerJoin(offers, and(eq(offers.provider, allocations.provider), eq(offers.name, allocations.offer)))
    .where(and(eq(allocations.jobId, jobId), gt(allocations.id, cutAllocationId)))
    .orderBy(allocations.attempt);
  return rows.map(({ id, provider, offer, gpuModel, gpuCount, placedAt, startedAt }) => ({
    allocationId: id,
    provider,
    offer,
    gpuModel,
    gpuCount,
    secondsToReady: startedAt === null ? null : (startedAt.getTime() - placedAt.getTime()) / 1000,
  }));
}
