import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { queueRankOf } from '../../src/core/queue-rank.ts';
import {
  loadQueued,
  loadQueuedOf,
  loadShares,
  type QueueMark,
  type QueuedRow,
} from '../../src/store/load/queue.ts';
import { allocations, jobs, projects } from '../../src/store/schema.ts';
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
  await store.db.execute(sql`truncate events, allocations, jobs cascade`);
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
          await store.db.execute(sql`truncate events, allocations, jobs cascade`);
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
