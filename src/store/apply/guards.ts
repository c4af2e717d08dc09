import { sql } from 'drizzle-orm';
import { covers, NO_GPU } from '../../core/scope.ts';
import { loadSick } from '../load/shut.ts';
import { policiesVersionOf } from '../load/rules.ts';
import type { Tx } from '../store.ts';

/** What a decision saw of the rules that bind a job. */
export interface RulesSeen {
  readonly organization: string;
  readonly project: string;
  readonly organizationRulesVersion: number;
  readonly projectRulesVersion: number;
}

/**
 * Those whose rules are still what they were. The rows stay locked for share, so a change of rules either was before
 * and is seen here, or comes after these placements. Jobs that are submitted meanwhile do not wait for that lock.
 */
export async function withSameRules<T extends RulesSeen>(tx: Tx, rows: readonly T[]): Promise<T[]> {
  const projects = [...new Set(rows.map(({ project }) => project))];
  const found = await tx.execute<RulesSeen & Record<string, unknown>>(sql`
    select o.name as organization, o.rules_version as "organizationRulesVersion",
      p.name as project, p.rules_version as "projectRulesVersion"
    from projects p join organizations o on o.name = p.organization
    where p.name = any(${sql.param(projects)}::text[]) order by o.name, p.name for share`);
  const now = new Map(found.rows.map((row) => [row.project, row]));
  return rows.filter((row) => {
    const rules = now.get(row.project);
    return (
      rules?.organization === row.organization &&
      rules.organizationRulesVersion === row.organizationRulesVersion &&
      rules.projectRulesVersion === row.projectRulesVersion
    );
  });
}

/** All of them while the policies are what they were, else none; they stay locked for share, as rules do. */
export async function underSamePolicies<T extends { readonly policiesVersion: number }>(
  tx: Tx,
  rows: readonly T[],
): Promise<T[]> {
  const found = await tx.execute<{ version: number }>(
    sql`select version from policies order by name for share`,
  );
  const now = policiesVersionOf(found.rows);
  return rows.filter(({ policiesVersion }) => policiesVersion === now);
}

/**
 * Those whose provider takes new work and is still said to be what it was: a certificate or a realm that is no longer
 * vouched for must not be counted on. Its orders change, so its row is written: that lock is what keeps a placement
 * from slipping in beside a verdict of `down`.
 */
export async function onUsableProviders<
  T extends {
    readonly provider: string;
    readonly providerVersion: number;
    readonly region: string;
    readonly shape: { readonly gpuModel: string | null };
  },
>(tx: Tx, rows: readonly T[]): Promise<T[]> {
  const names = [...new Set(rows.map(({ provider }) => provider))];
  const usable = await tx.execute<{ name: string; version: number }>(sql`
    update providers set orders_version = orders_version + 1
    where name in (select name from providers where name = any(${sql.param(names)}::text[]) order by name for update)
      and mode = 'active' and health = 'healthy' and control not in ('degraded', 'down')
    returning name, version`);
  const taken = new Map(usable.rows.map(({ name, version }) => [name, version]));
  const usual = rows.filter(({ provider, providerVersion }) => taken.get(provider) === providerVersion);
  // A verdict over a part of it locks the provider's row, too.
  const sick = await loadSick(tx, names);
  return usual.filter(({ provider, region, shape: { gpuModel } }) => {
    const place = { region, gpuModel: gpuModel ?? NO_GPU };
    return !sick.some((scope) => scope.provider === provider && covers(scope, place));
  });
}

/**
 * Those whose job is queued, as the decision saw it, and not fenced: an old allocation of it is over, or its lease and
 * the margin are.
 */
export async function ofFreeJobs<T extends { readonly jobId: string; readonly jobVersion: number }>(
  tx: Tx,
  now: Date,
  marginMs: number,
  rows: readonly T[],
): Promise<T[]> {
  const free = await tx.execute<{ id: string }>(sql`
    with wanted as (
      select * from unnest(${sql.param(rows.map(({ jobId }) => jobId))}::text[],
        ${sql.param(rows.map(({ jobVersion }) => jobVersion))}::int[]) as w(id, version)
    )
    select j.id from jobs j join wanted w using (id)
    where j.state = 'queued' and j.version = w.version
      and not exists (
        select from allocations a where a.job_id = j.id and a.role = 'run' and a.state <> 'released'
          and not (a.state = 'releasing'
            and a.lease_until + make_interval(secs => ${marginMs / 1000}) < ${now.toISOString()}::timestamptz))
    order by j.id for update of j`);
  const ids = new Set(free.rows.map(({ id }) => id));
  return rows.filter(({ jobId }) => ids.has(jobId));
}

/** Those whose job still has the run that the decision saw, and wants to be stood by for, in a slot that nothing has. */
export async function ofGuardedRuns<
  T extends {
    readonly jobId: string;
    readonly runId: string;
    readonly spare: { readonly slot: number } | null;
  },
>(tx: Tx, rows: readonly T[]): Promise<T[]> {
  const found = await tx.execute<{ id: string }>(sql`
    with wanted as (
      select * from unnest(${sql.param(rows.map(({ jobId }) => jobId))}::text[],
        ${sql.param(rows.map(({ runId }) => runId))}::text[],
        ${sql.param(rows.map(({ spare }) => spare?.slot ?? 0))}::int[]) as w(id, run_id, slot)
    )
    select j.id from jobs j join wanted w using (id)
    where j.state in ('provisioning', 'running') and j.current_allocation_id = w.run_id
      and not exists (
        select from allocations a where a.job_id = j.id and a.slot = w.slot and a.state in ('submitting', 'active'))
    order by j.id for update of j`);
  const ids = new Set(found.rows.map(({ id }) => id));
  return rows.filter(({ jobId }) => ids.has(jobId));
}
