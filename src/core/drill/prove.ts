import { DAY_MS, PROVING_MODES } from './drill.ts';
import type { DrillFacts, DrillReport } from './report.ts';
import type { Verification } from './verified.ts';

/** What a drill that passed proved: one for each job that went on elsewhere within its targets, with its data. */
export function provedBy(
  facts: Pick<DrillFacts, 'id' | 'spec' | 'providers'>,
  report: DrillReport,
  now: Date,
): (Verification & { readonly jobId: string })[] {
  if (report.result !== 'passed' || !PROVING_MODES.includes(report.mode)) return [];
  const versions = new Map(facts.providers.map(({ name, agentVersion }) => [name, agentVersion]));
  return report.jobs.flatMap(({ jobId, result, mode, from, to, rto, rpo, data, obtained }) => {
    const missed = rto.met === false || rpo.met === false || data?.intact === false;
    if (result !== 'recovered' || to === null || missed || rto.fromFaultSeconds === null) return [];
    return {
      jobId,
      drillId: facts.id,
      mode,
      from,
      to: to.provider,
      gpu: obtained.find(({ provider }) => provider === to.provider)?.gpuModel ?? null,
      rtoSeconds: rto.fromFaultSeconds,
      rpoSeconds: rpo.achievedSeconds,
      verifiedAt: now,
      validUntil: new Date(now.getTime() + facts.spec.validDays * DAY_MS),
      fromVersion: versions.get(from) ?? null,
      toVersion: versions.get(to.provider) ?? null,
    };
  });
}
