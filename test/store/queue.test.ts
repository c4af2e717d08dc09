import { sql, type SQL } from 'drizzle-orm';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { queueRankOf } from '../../src/core/queue-rank.ts';
import {
  loadQueued,
  loadQueuedOf,
  loadShares,
  queuedQuery,
  QUEUEING,
  type QueueMark,
  type QueuedRow,
} from '../../src/store/load/queue.ts';
import { allocations, jobs, offers, projects } from '../../src/store/schema.ts';
import type { JobRow, Store } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW } from './rows.ts';

const MARGIN = 500;
const PROJECTS = ['kogpt', 'kogpt-2', 'vision', 'weather'] as const;
const after = (ms: number) => new Date(NOW.getTime() + ms);

let store: Store;
onGround(4, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.execute(sql`truncate events, allocations, jobs`);
  await store.db
    .insert(projects)
    .values(PROJECTS.map((name) => ({ name, organization: 'nia', createdAt: NOW })))
    .onConflictDoNothing();
});

const markOf = ({ queueRank, id }: QueuedRow): QueueMark => ({ rank: queueRank, id });
const idsOf = (rows: readonly QueuedRow[]) => rows.map(({ id }) => id);
/** Where each project's queue was read to. */
const moved = (marks: ReadonlyMap<string, QueueMark>, rows: readonly QueuedRow[]) =>
  new Map([...marks, ...rows.map((row) => [row.project, markOf(row)] as const)]);

describe('the queue', () => {
  const job = fc.record({
    project: fc.constantFrom(...PROJECTS),
    // Few and far apart, so that ranks are equal and negative, too.
    queueRank: fc.constantFrom(-(2 ** 52), -1, 0, 1, 1_772_442_000_000, 2 ** 52),
    state: fc.constantFrom('queued' as const, 'queued' as const, 'queued' as const, 'running' as const),
  });

  test('is read in its order, each project’s for itself, nothing twice and nothing left out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(job, { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        async (made, perProject) => {
          await store.db.execute(sql`truncate events, allocations, jobs`);
          // Ids in another order than that of submission.
          const rows = made.map((one, n) => ({ id: `job-${(n * 37) % 61}-${n}`, ...one }));
          if (rows.length > 0) await store.db.insert(jobs).values(rows.map((row) => jobRow(row.id, row)));
          const read = await readAll(perProject);
          for (const project of PROJECTS) {
            const expected = rows
              .filter((row) => row.project === project && row.state === 'queued')
              .toSorted((a, b) => a.queueRank - b.queueRank || (a.id < b.id ? -1 : 1));
            expect(read.get(project) ?? []).toEqual(expected.map(({ id }) => id));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  /** Every project's first page at once, and the rest project by project as they run dry. */
  async function readAll(perProject: number): Promise<Map<string, string[]>> {
    const read = new Map<string, string[]>();
    let marks: ReadonlyMap<string, QueueMark> = new Map();
    let page = await loadQueued(store.db, marks, perProject, MARGIN);
    while (page.length > 0) {
      const byProject = Map.groupBy(page, ({ project }) => project);
      for (const [project, rows] of byProject) {
        expect(rows.length).toBeLessThanOrEqual(perProject);
        read.set(project, [...(read.get(project) ?? []), ...idsOf(rows)]);
      }
      marks = moved(marks, page);
      const dry = [...byProject].filter(([, rows]) => rows.length === perProject).map(([project]) => project);
      page = await loadQueuedOf(store.db, dry, marks, perProject, MARGIN);
    }
    // With the marks of the end nobody has anything, and asking for nobody gives nothing.
    expect(await loadQueued(store.db, marks, perProject, MARGIN)).toEqual([]);
    return read;
  }

  test('of the projects that are named, and of each once', async () => {
    await store.db
      .insert(jobs)
      .values(PROJECTS.map((project, n) => jobRow(`job-${n}`, { project, organization: 'nia' })));
    const read = await loadQueuedOf(store.db, ['vision', 'kogpt', 'vision', 'nobody'], new Map(), 5, MARGIN);
    expect(idsOf(read)).toEqual(['job-0', 'job-2']);
  });

  test('has what a decision and its placement need of a job', async () => {
    const quote = { id: 'quo-1', expiresAt: NOW.toISOString(), ceilingMicrosPerHour: '9', prices: [] };
    const waiting = { reason: 'no-match' as const, detail: 'no GPU' };
    const row: Partial<JobRow> = {
      priority: 20,
      createdAt: after(1_234),
      queuedAt: after(2_345),
      attempts: 2,
      avoid: { gwangju: NOW.toISOString() },
      moveTo: 'daegu',
      notBefore: after(9_999),
      quote,
      version: 7,
      waiting,
    };
    await store.db.insert(jobs).values(jobRow('job-1', row));
    await store.db
      .insert(allocations)
      .values([
        allocationRow('alc-1', 'job-1', 1, { state: 'released', releasedAt: NOW, leaseUntil: after(90_000) }),
        allocationRow('alc-2', 'job-1', 2, { state: 'releasing', leaseUntil: after(60_000) }),
      ]);
    expect(await loadQueued(store.db, new Map(), 5, MARGIN)).toEqual([
      {
        id: 'job-1',
        spec: {},
        organization: 'nia',
        project: 'kogpt',
        queueRank: queueRankOf(after(1_234), 20),
        queuedAt: after(2_345),
        attempts: 2,
        avoid: { gwangju: NOW.toISOString() },
        moveTo: 'daegu',
        notBefore: after(9_999),
        quote,
        version: 7,
        waiting,
        fencedUntil: after(60_500),
      },
    ]);
  });
});

describe('shares', () => {
  test('are what a project holds: whole offers for each node, and an eighth of a GPU for a place without one', async () => {
    const held = (n: number, project: string, more: Parameters<typeof allocationRow>[3]) =>
      [
        jobRow(`job-${n}`, { project, state: 'running' }),
        allocationRow(`alc-${n}`, `job-${n}`, 1, { state: 'active', ...more }),
      ] as const;
    const made = [
      held(1, 'kogpt', { gpuCount: 8, nodes: 2 }),
      held(2, 'kogpt', { gpuCount: 0, nodes: 3 }),
      held(3, 'kogpt', { gpuCount: 1, state: 'releasing' }),
      held(4, 'kogpt', { gpuCount: 4, state: 'submitting' }),
      held(5, 'kogpt', { gpuCount: 8, state: 'released', releasedAt: NOW }),
      held(6, 'vision', { gpuCount: 1 }),
      held(7, 'weather', { gpuCount: 1 }),
    ];
    await store.db.insert(jobs).values(made.map(([job]) => job));
    await store.db.insert(allocations).values(made.map(([, allocation]) => allocation));
    expect(await loadShares(store.db, ['kogpt', 'vision', 'kogpt-2'])).toEqual(
      new Map([
        ['kogpt', 16 + 0.375 + 1 + 4],
        ['vision', 1],
      ]),
    );
    expect(await loadShares(store.db, [])).toEqual(new Map());
  });
});

/** One node of an executed plan, as EXPLAIN (ANALYZE, FORMAT JSON) gives it. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

describe('what reading the queue costs is bounded by what is returned', () => {
  const QUEUED = 4_000;
  const FINISHED = 20_000;

  /** Most of what is queued is one project's; 300 others have a few each. Finished jobs are everybody's. */
  async function fill(): Promise<void> {
    await store.db.execute(sql`
      insert into projects (name, organization, created_at)
      select 'many-' || n, 'nia', now() from generate_series(0, 299) n on conflict do nothing`);
    const insert = (prefix: string, state: string, count: number, project: SQL) => sql`
      insert into jobs (id, organization, project, name, kind, spec, priority, queue_rank, state, reason, created_at,
        queued_at, finished_at, created_by)
      select ${prefix} || lpad(n::text, 8, '0'), 'nia', ${project}, 'j', 'training', '{}', 50, n * 7919 % 100003,
        ${state}, 'submitted', now(), now(), case when ${state} = 'queued' then null else now() end, 'key-test'
      from generate_series(1, ${count}::int) n`;
    await store.db.execute(insert('fin-', 'succeeded', FINISHED, sql`'many-' || n % 300`));
    await store.db.execute(insert('big-', 'queued', QUEUED - 600, sql`'kogpt'`));
    await store.db.execute(insert('few-', 'queued', 600, sql`'many-' || n % 300`));
  }

  const nodes = (plan: PlanNode): PlanNode[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];
  async function jobScans(query: SQL): Promise<PlanNode[]> {
    const { rows } = await store.db.execute<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      sql`explain (analyze, format json) ${query}`,
    );
    return nodes(rows[0]!['QUERY PLAN'][0].Plan).filter((node) => node['Relation Name'] === 'jobs');
  }
  /** Rows that a scan looked at, all its loops together. */
  const looked = (node: PlanNode) =>
    (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];

  test.each([
    ['before anybody has counted the rows', sql`select 1`],
    ['with statistics', sql`analyze jobs`],
  ])('%s', async (_, prepare) => {
    await fill();
    await store.db.execute(prepare);
    const start: ReadonlyMap<string, QueueMark> = new Map();
    const first = await loadQueued(store.db, start, 20, MARGIN);
    expect(first).toHaveLength(20 + 600);
    const marks = moved(start, first);
    for (const [query, returned, asked] of [
      [queuedQuery(QUEUEING, start, 20, MARGIN), 620, 301],
      [queuedQuery(QUEUEING, marks, 20, MARGIN), 20, 301],
      [queuedQuery(sql`select 'kogpt'`, marks, 20, MARGIN), 20, 1],
    ] as const) {
      const scans = await jobScans(query);
      expect(new Set(scans.map((node) => node['Index Name']))).toEqual(new Set(['jobs_queue']));
      // A row for each project that the loose scan finds, and those that are returned.
      const total = scans.reduce((sum, node) => sum + looked(node), 0);
      // (EXPLAIN gives rows per loop, rounded.)
      expect(total).toBeLessThanOrEqual(returned + asked + 5);
      expect(total).toBeGreaterThanOrEqual(returned);
    }
  });

  test('and what is used of offers is found by its index', async () => {
    await store.db.execute(sql`
      insert into offers (provider, name, region, gpu_count, gpu_memory_gib, cpus, memory_gib, capacity, used,
        price_micros_per_hour, currency, updated_at)
      select 'pangyo', 'o-' || n, 'kr', 0, 0, 4, 16, 4, case when n % 1000 = 0 then 1 else 0 end, 1, 'KRW', now()
      from generate_series(1, 10000) n`);
    await store.db.execute(sql`analyze offers`);
    const { rows } = await store.db.execute<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      sql`explain (analyze, format json) select provider, name, used from ${offers} where ${offers.used} > ${0}`,
    );
    const scans = nodes(rows[0]!['QUERY PLAN'][0].Plan);
    expect(scans.map((node) => node['Index Name'])).toContain('offers_used');
    expect(scans.reduce((most, node) => Math.max(most, looked(node)), 0)).toBe(10);
  });
});
