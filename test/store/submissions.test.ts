import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { queueRankOf } from '../../src/core/queue-rank.ts';
import type { HeldQuote } from '../../src/core/quote.ts';
import { insertSubmissions, submittedJob, type SubmissionRow } from '../../src/store/apply/submissions.ts';
import { events, idempotency, jobs } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { makeSpec } from '../sim/wishes.ts';
import { seeded } from '../sim/random.ts';
import { onGround } from './ground.ts';
import { NOW } from './rows.ts';

let store: Store;
onGround(6, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.execute(sql`truncate events, idempotency, jobs cascade`);
});

const QUOTE: HeldQuote = {
  id: 'quo-1',
  expiresAt: '2026-03-02T10:00:00.000Z',
  ceilingMicrosPerHour: '9',
  prices: [],
};

function submission(n: number, key: string | null, deadline: string | null = null): SubmissionRow {
  const made = makeSpec(seeded(`spec ${n}`), `job-${n}`, NOW);
  const spec = { ...made, project: 'kogpt', limits: { ...made.limits, deadline } };
  return {
    row: submittedJob(`job-${n}`, 'nia', spec, 'key-test', NOW, n % 2 === 0 ? null : QUOTE),
    specText: JSON.stringify(spec),
    costAccountId: null,
    idempotency: key === null ? null : { principal: 'key-test', key, fingerprint: `print-${n}` },
  };
}
const insert = (...rows: SubmissionRow[]) => store.transaction((tx) => insertSubmissions(tx, NOW, rows));

test('what is stored is what the first answer said, field by field', async () => {
  const one = submission(1, 'k', '2027-01-01T00:00:00.000Z');
  await insert(one);
  expect(await store.db.select().from(jobs)).toEqual([one.row]);
  expect(
    (await store.db.select().from(events)).map(({ jobId, type, reason }) => [jobId, type, reason]),
  ).toEqual([['job-1', 'job.queued', 'submitted']]);
});

test('older jobs were given the rank that they would have got', async () => {
  const made = [0, 1, 50, 99, 100].map(
    (priority) => [new Date(1_772_442_000_123 + priority * 7), priority] as const,
  );
  // As migrations/0002 has it.
  const { rows } = await store.db.execute<{ rank: number }>(sql`
    select (floor(extract(epoch from at) * 1000)::bigint - priority * 360000)::float8 as rank
    from unnest(${sql.param(made.map(([at]) => at.toISOString()))}::timestamptz[],
      ${sql.param(made.map(([, priority]) => priority))}::int[]) as t(at, priority)`);
  expect(rows.map(({ rank }) => rank)).toEqual(made.map(([at, priority]) => queueRankOf(at, priority)));
});

describe('a key', () => {
  test('makes one job, in one group, in two, and at once on two connections', async () => {
    expect(await insert(submission(1, 'k'), submission(2, 'k'))).toEqual(new Set(['job-1']));
    expect(await insert(submission(3, 'k'))).toEqual(new Set());
    const made = await Promise.all(Array.from({ length: 6 }, (_, n) => insert(submission(10 + n, 'other'))));
    expect(made.reduce((sum, { size }) => sum + size, 0)).toBe(1);
    expect((await store.db.select().from(jobs)).length).toBe(2);
    expect((await store.db.select().from(events)).length).toBe(2);
  });

  test('of a transaction that was rolled back is free again', async () => {
    const failing = store.transaction(async (tx) => {
      await insertSubmissions(tx, NOW, [submission(1, 'k')]);
      throw new Error('the disk is full');
    });
    await expect(failing).rejects.toThrow('the disk is full');
    expect(await insert(submission(2, 'k'))).toEqual(new Set(['job-2']));
    expect(
      (await store.db.select().from(idempotency)).map(({ jobId, fingerprint }) => [jobId, fingerprint]),
    ).toEqual([['job-2', 'print-2']]);
  });

  test('is not needed: without one every submission is a job', async () => {
    expect((await insert(submission(1, null), submission(2, null))).size).toBe(2);
  });
});
