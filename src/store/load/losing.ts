import { sql } from 'drizzle-orm';
import type { SpareRole } from '../../core/allocation.ts';
import type { JobKind, JobSpec } from '../../core/job.ts';
import type { HeldQuote } from '../../core/quote.ts';
import type { JobPlace, PlacedJob } from '../../core/readiness.ts';
import type { Start } from '../../core/recovery.ts';
import type { Reader } from '../store.ts';

/** Providers that have something of ours which is not told to go, in the order of names, with the jobs' ids. */
export async function loadPlacedIds(
  reader: Reader,
  only: readonly string[] | null,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const named = only === null ? sql`true` : sql`provider = any(${sql.param([...only])}::text[])`;
  // The states stand here as literals: only so is it seen that the index of what is live holds all of them.
  const { rows } = await reader.execute<{ provider: string; ids: string[] }>(sql`
    select provider, array_agg(job_id order by job_id) as ids from allocations
    where state in ('submitting', 'active') and role = 'run' and ${named} group by provider order by provider`);
  return new Map(rows.map(({ provider, ids }) => [provider, ids]));
}

interface PlacedRecord {
  readonly id: string;
  readonly name: string;
  readonly organization: string;
  readonly project: string;
  readonly kind: JobKind;
  readonly state: PlacedJob['state'];
  readonly spec: JobSpec;
  readonly queueRank: number;
  readonly attempts: number;
  readonly avoid: Readonly<Record<string, string>>;
  readonly quote: HeldQuote | null;
  readonly queuedAt: string;
  readonly startedAt: string | null;
  readonly savedAt: string | null;
  readonly provider: string;
  readonly region: string;
  readonly offer: string;
  readonly spot: boolean;
  readonly price: string;
  readonly gpuCount: number;
  readonly nodes: number;
  readonly spares: readonly SpareRecord[] | null;
}

interface SpareRecord extends Omit<JobPlace, 'priceMicrosPerHour'> {
  readonly role: SpareRole;
  readonly price: string;
}

/** Those of the jobs that have a place and run or are being started, with what they would go on from. */
export async function loadPlaced(reader: Reader, ids: readonly string[]): Promise<PlacedJob[]> {
  const { rows } = await reader.execute<PlacedRecord & Record<string, unknown>>(sql`
    select j.id, j.name, j.organization, j.project, j.kind, j.state, j.spec, j.queue_rank::float8 as "queueRank",
      j.attempts, j.avoid, j.quote, j.queued_at as "queuedAt", j.started_at as "startedAt", saved.at as "savedAt",
      a.provider, a.region, a.offer, a.spot, a.price_micros_per_hour::text as price, a.gpu_count as "gpuCount", a.nodes,
      case when j.spares > 0 then (
        select json_agg(json_build_object('role', s.role, 'provider', s.provider, 'region', s.region, 'offer', s.offer,
          'spot', s.spot, 'price', s.price_micros_per_hour::text) order by s.slot)
        from allocations s join providers p on p.name = s.provider
        where s.job_id = j.id and s.role <> 'run' and s.state = 'active' and s.started_at is not null
          and p.health in ('healthy', 'degraded')) end as spares
    from jobs j
    join allocations a on a.id = j.current_allocation_id and a.state in ('submitting', 'active')
    -- Its own newest, else that of the job which it was started from: as latestCheckpoints has it.
    left join lateral (
      select coalesce(
        (select completed_at from checkpoints c where c.job_id = j.id and c.complete order by c.id desc limit 1),
        (select completed_at from checkpoints c where c.job_id = j.spec -> 'checkpoint' ->> 'fromJob' and c.complete
          order by c.id desc limit 1)) as at
    ) saved on true
    where j.id = any(${sql.param([...ids])}::text[]) and j.state in ('provisioning', 'running')`);
  return rows.map(placedJob);
}

function placedJob(row: PlacedRecord): PlacedJob {
  const { id, organization, project, spec, queueRank, attempts, avoid, quote } = row;
  const { provider, region, offer, spot, name, kind, state, gpuCount, nodes } = row;
  const waits = { moveTo: null, notBefore: null, fencedUntil: null, queuedAt: new Date(row.queuedAt) };
  return {
    queued: { id, organization, project, spec, queueRank, attempts, avoid, quote, ...waits },
    name,
    kind,
    state,
    mode: spec.continuity.mode,
    startedAt: dateOf(row.startedAt),
    savedAt: dateOf(row.savedAt),
    // The allocation's price is of all its nodes.
    place: { provider, region, offer, spot, priceMicrosPerHour: BigInt(row.price) },
    spares: (row.spares ?? []).map(({ role, price, ...at }) => ({
      role,
      place: { ...at, priceMicrosPerHour: BigInt(price) },
    })),
    gpuCount,
    nodes,
  };
}

/** Of each provider's newest attempts so many are looked at: what starting takes now, not what it took last year. */
const STARTS = 200;

/** What starting takes at each provider; those that never started anything are not in the answer. */
export async function loadStarts(reader: Reader): Promise<ReadonlyMap<string, Start>> {
  const { rows } = await reader.execute<{ provider: string } & Record<keyof Start, number | null>>(sql`
    select p.name as provider, s.start as "startSeconds", s.serving as "servingSeconds" from providers p
    cross join lateral (
      select percentile_cont(0.5) within group (order by extract(epoch from a.started_at - a.placed_at)::float8) as start,
        percentile_cont(0.5) within group (order by extract(epoch from a.serving_at - a.placed_at)::float8) as serving
      from (
        select placed_at, started_at, serving_at from allocations where provider = p.name and role = 'run' order by id desc limit ${STARTS}
      ) a
    ) s
    where s.start is not null`);
  return new Map(rows.map(({ provider, ...start }) => [provider, start]));
}

const dateOf = (text: string | null): Date | null => (text === null ? null : new Date(text));
