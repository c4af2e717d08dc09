import { sql, type SQL } from 'drizzle-orm';
import { expect } from 'vitest';
import { loadQueued, queuedQuery, QUEUEING } from '../../src/store/load/queue.ts';
import { offers } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';

/** One node of an executed plan, as EXPLAIN (ANALYZE, FORMAT JSON) gives it. */
interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

const FINISHED = 20_000;
/** Of one project; `OTHERS` more have two each. */
const QUEUED = 3_400;
const OTHERS = 300;
const PAGE = 20;
const MARGIN = 500;

/** Most of what is queued is one project's. Finished jobs are everybody's. */
export async function fillQueue({ db }: Store): Promise<void> {
  await db.execute(sql`
    insert into projects (name, organization, created_at)
    select 'many-' || n, 'nia', now() from generate_series(0, ${OTHERS - 1}::int) n on conflict do nothing`);
  const insert = (prefix: string, state: string, count: number, project: SQL) =>
    db.execute(sql`
      insert into jobs (id, organization, project, name, kind, spec, priority, queue_rank, state, reason, created_at,
        queued_at, finished_at, created_by)
      select ${prefix} || lpad(n::text, 8, '0'), 'nia', ${project}, 'j', 'training', '{}', 50, n * 7919 % 100003,
        ${state}, 'submitted', now(), now(), case when ${state} = 'queued' then null else now() end, 'key-test'
      from generate_series(1, ${count}::int) n`);
  const others = sql`'many-' || n % ${OTHERS}::int`;
  await insert('fin-', 'succeeded', FINISHED, others);
  await insert('big-', 'queued', QUEUED, sql`'kogpt'`);
  await insert('few-', 'queued', 2 * OTHERS, others);
}

/** Whatever is read of the filled queue is read through its index, and next to nothing that is not returned. */
export async function expectFewRowsRead({ db }: Store): Promise<void> {
  const first = await loadQueued(db, new Map(), PAGE, MARGIN);
  expect(first).toHaveLength(PAGE + 2 * OTHERS);
  const marks = new Map(first.map(({ project, queueRank, id }) => [project, { rank: queueRank, id }]));
  for (const [projects, after, returned, asked] of [
    [QUEUEING, new Map(), PAGE + 2 * OTHERS, OTHERS + 1],
    [QUEUEING, marks, PAGE, OTHERS + 1],
    [sql`select 'kogpt'`, marks, PAGE, 1],
  ] as const) {
    const nodes = await explain(db, queuedQuery(projects, after, PAGE, MARGIN));
    const scans = nodes.filter((node) => node['Relation Name'] === 'jobs');
    expect(new Set(scans.map((node) => node['Index Name']))).toEqual(new Set(['jobs_queue']));
    const total = scans.reduce((sum, node) => sum + looked(node), 0);
    // A row for each project that the loose scan finds, and those that are returned. (Old servers round what a loop
    // gives to whole rows.)
    expect(total).toBeLessThanOrEqual(returned + asked + asked / 2 + 1);
  }
}

/** What is used of offers is read through an index of those that are used at all. */
export async function expectUsesRead({ db }: Store): Promise<void> {
  await db.execute(sql`
    insert into offers (provider, name, region, gpu_count, gpu_memory_gib, cpus, memory_gib, capacity, used,
      price_micros_per_hour, currency, updated_at)
    select 'pangyo', 'o-' || n, 'kr', 0, 0, 4, 16, 4, case when n % 1000 = 0 then 1 else 0 end, 1, 'KRW', now()
    from generate_series(1, 10000) n`);
  await db.execute(sql`analyze offers`);
  const nodes = await explain(
    db,
    sql`select provider, name, used from ${offers} where ${offers.used} > ${0}`,
  );
  expect(nodes.map((node) => node['Index Name'])).toContain('offers_used');
  expect(Math.max(...nodes.map(looked))).toBeLessThan(20);
}

async function explain(db: Store['db'], query: SQL): Promise<PlanNode[]> {
  const { rows } = await db.execute<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    sql`explain (analyze, format json) ${query}`,
  );
  return rows.flatMap((row) => flat(row['QUERY PLAN'][0].Plan));
}

const flat = (plan: PlanNode): PlanNode[] => [plan, ...(plan.Plans ?? []).flatMap(flat)];

/** Rows that a node looked at, all its loops together. */
const looked = (node: PlanNode): number =>
  (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
