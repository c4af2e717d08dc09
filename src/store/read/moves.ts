import { and, asc, eq, getTableColumns, inArray, isNotNull, sql } from 'drizzle-orm';
import type { DownVerdict, Leg } from '../../core/moves.ts';
import { allocations, checkpoints, drillCuts } from '../schema.ts';
import type { Reader } from '../store.ts';

/** All attempts of a job, the first first, each with what it restored and the verdict that ended it. */
export async function readLegs(reader: Reader, jobId: string): Promise<Leg[]> {
  const rows = await reader
    .select({ ...getTableColumns(allocations), savedAt: checkpoints.completedAt })
    .from(allocations)
    .leftJoin(checkpoints, eq(checkpoints.id, allocations.restoredCheckpoint))
    .where(and(eq(allocations.jobId, jobId), eq(allocations.role, 'run')))
    .orderBy(asc(allocations.attempt));
  const given = rows.filter(({ endReason }) => endReason === 'provider-down').map(({ id }) => id);
  const verdicts = new Map([
    ...(await readVerdicts(reader, jobId)),
    ...(given.length === 0 ? [] : await readDeclarations(reader, given)),
  ]);
  return rows.map(({ restoredCheckpoint: id, savedAt, ...leg }) => ({
    ...leg,
    restored: id === null ? null : { id, savedAt },
    verdict: verdicts.get(leg.id) ?? null,
  }));
}

/** By allocation: its provider's last `down` before it was fenced, and the beginning of what was `degraded` just before. */
async function readVerdicts(reader: Reader, jobId: string): Promise<Map<string, DownVerdict>> {
  const { rows } = await reader.execute<{
    id: string;
    lastContactAt: string | null;
    suspectedAt: string | null;
    downAt: string;
  }>(sql`
    select a.id, down.last_contact_at as "lastContactAt", down.at as "downAt",
      -- It may have been degraded already for another reason, and heard.
      case when suspected.at is not null then greatest(suspected.at, coalesce(down.last_contact_at, down.at)) end as "suspectedAt"
    from allocations a join offers o on o.provider = a.provider and o.name = a.offer
    cross join lateral (
      select h.seq, h.at, h.last_contact_at from provider_health h
      where h.provider = a.provider and h.source = 'verdict' and h.state = 'down' and h.at <= a.releasing_at
        and h.plane = 'data' and (h.region is null or (h.region in ('*', a.region) and h.gpu_model in ('*', coalesce(o.gpu_model, 'none'))))
      order by h.seq desc limit 1
    ) down
    left join lateral (
      select h.seq from provider_health h
      where h.provider = a.provider and h.source = 'verdict' and h.state <> 'degraded' and h.seq < down.seq
        and h.plane = 'data' and h.region is null
      order by h.seq desc limit 1
    ) well on true
    left join lateral (
      select h.at from provider_health h
      where h.provider = a.provider and h.source = 'verdict' and h.state = 'degraded'
        and h.seq < down.seq and h.seq > coalesce(well.seq, 0)
        and h.plane = 'data' and h.region is null
      order by h.seq limit 1
    ) suspected on true
    where a.job_id = ${jobId} and a.end_reason = 'provider-down'`);
  return new Map(
    rows.map(({ id, lastContactAt, suspectedAt, downAt }) => [
      id,
      { lastContactAt: dateOf(lastContactAt), suspectedAt: dateOf(suspectedAt), downAt: new Date(downAt) },
    ]),
  );
}

/** By allocation that a drill had cut off: its provider was never given up, so it is the drill that says when. */
async function readDeclarations(
  reader: Reader,
  allocationIds: readonly string[],
): Promise<[string, DownVerdict][]> {
  const rows = await reader
    .select()
    .from(drillCuts)
    .where(and(inArray(drillCuts.allocationId, [...allocationIds]), isNotNull(drillCuts.declaredAt)));
  return rows.flatMap(({ allocationId, fromAt, declaredAt }) =>
    allocationId === null || declaredAt === null
      ? []
      : [[allocationId, { lastContactAt: fromAt, suspectedAt: null, downAt: declaredAt }]],
  );
}

function dateOf(at: string | null): Date | null {
  return at === null ? null : new Date(at);
}
