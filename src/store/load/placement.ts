import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { UNKEPT_OUTCOMES } from '../../core/order.ts';
import type { QueuedJob, World as PlacementWorld } from '../../core/placement/types.ts';
import type { Waiting } from '../../core/job.ts';
import type { Reader } from '../store.ts';
import {
  allocations,
  exchangeRates,
  jobs,
  offers,
  organizations,
  pools,
  projects,
  providers,
} from '../schema.ts';

/** The world that jobs are placed in: everything but the jobs. */
export type World = Omit<PlacementWorld, 'now' | 'currency'>;

/** Live offers and their providers, with the newest rate of each currency that has one by `now`. */
export async function loadWorld(reader: Reader, now: Date): Promise<World> {
  const providerRows = await reader.select().from(providers);
  const offerRows = await reader.select().from(offers).where(isNull(offers.withdrawnAt));
  const rateRows = await reader
    .selectDistinctOn([exchangeRates.currency], {
      currency: exchangeRates.currency,
      rateMicros: exchangeRates.rateMicros,
    })
    .from(exchangeRates)
    .where(sql`${exchangeRates.asOf} <= ${now.toISOString()}`)
    .orderBy(exchangeRates.currency, sql`${exchangeRates.asOf} desc`);
  const unkept = await countUnkept(reader, now);
  return {
    providers: providerRows.map((row) => ({
      ...row,
      attested: row.attestedAt !== null,
      verifiedUntil: null,
      multiNode: false,
      recentRefusals: unkept.get(row.name) ?? 0,
    })),
    offers: offerRows,
    pools: await reader.select().from(pools),
    rates: new Map(rateRows.map((row) => [row.currency, row.rateMicros])),
    rules: {
      organizations: await loadRules(reader, organizations),
      projects: await loadRules(reader, projects),
    },
    policies: { dataGrades: [], capacityClasses: [], gpuSpeeds: [] },
  };
}

async function loadRules(reader: Reader, table: typeof organizations | typeof projects) {
  const rows = await reader.select({ name: table.name, rules: table.rules }).from(table);
  return new Map(rows.flatMap(({ name, rules }) => (rules === null ? [] : [[name, rules] as const])));
}

/** How far back a provider's refusals count against it. */
const LATELY_SECONDS = 600;

/** Allocations that each provider refused or lost lately. */
async function countUnkept(reader: Reader, now: Date): Promise<ReadonlyMap<string, number>> {
  const rows = await reader
    .select({ provider: allocations.provider, n: sql<number>`count(*)::int` })
    .from(allocations)
    .where(
      and(
        inArray(allocations.outcome, [...UNKEPT_OUTCOMES]),
        sql`${allocations.releasedAt} > ${now.toISOString()}::timestamptz - make_interval(secs => ${LATELY_SECONDS})`,
      ),
    )
    .groupBy(allocations.provider);
  return new Map(rows.map(({ provider, n }) => [provider, n]));
}

/** A queued job with what is needed to write its placement. */
export interface QueuedRow extends QueuedJob {
  readonly priority: number;
  readonly version: number;
  readonly waiting: Waiting | null;
}

/** Where a page of the queue ended: the next one goes on after it. */
export interface QueueMark {
  readonly priority: number;
  readonly id: string;
}

/** One page of the queue, in its order: priority, then age. Ids are time-ordered, so age is the id. */
export async function loadQueue(
  reader: Reader,
  after: QueueMark | null,
  limit: number,
  marginMs: number,
): Promise<QueuedRow[]> {
  const further =
    after === null
      ? undefined
      : sql`(${jobs.priority} < ${after.priority} or (${jobs.priority} = ${after.priority} and ${jobs.id} > ${after.id}))`;
  const rows = await reader
    .select({
      id: jobs.id,
      spec: jobs.spec,
      organization: jobs.organization,
      project: jobs.project,
      priority: jobs.priority,
      queueRank: jobs.queueRank,
      quote: jobs.quote,
      queuedAt: jobs.queuedAt,
      attempts: jobs.attempts,
      avoid: jobs.avoid,
      moveTo: jobs.moveTo,
      notBefore: jobs.notBefore,
      version: jobs.version,
      waiting: jobs.waiting,
      // Only a job that ran before can be fenced; new ones do not look.
      fencedUntil: sql<string | null>`case when ${jobs.attempts} > 0 then (
        select max(a.lease_until) + make_interval(secs => ${marginMs / 1000}) from allocations a
        where a.job_id = ${jobs.id} and a.state <> 'released') end`,
    })
    .from(jobs)
    .where(and(eq(jobs.state, 'queued'), further))
    .orderBy(sql`${jobs.priority} desc`, asc(jobs.id))
    .limit(limit);
  return rows.map((row) => ({
    ...row,
    fencedUntil: row.fencedUntil === null ? null : new Date(row.fencedUntil),
  }));
}

/** Depth of the queue and when its oldest entry was queued. */
export async function loadQueueDepth(
  reader: Reader,
): Promise<{ depth: number; oldestQueuedAt: Date | null }> {
  const [row] = await reader
    .select({ depth: sql<number>`count(*)::int`, oldest: sql<string | null>`min(${jobs.queuedAt})` })
    .from(jobs)
    .where(eq(jobs.state, 'queued'));
  return { depth: row?.depth ?? 0, oldestQueuedAt: row?.oldest == null ? null : new Date(row.oldest) };
}

/** Providers that hold anything for us, by kind of broker. */
export async function loadProviders(reader: Reader) {
  return reader.select().from(providers).orderBy(providers.name);
}
