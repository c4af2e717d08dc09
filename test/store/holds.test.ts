import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Change } from '../../src/core/change.ts';
import { applyChanges } from '../../src/store/apply/changes.ts';
import { applyPlacements } from '../../src/store/apply/placements.ts';
import { settle } from '../../src/store/apply/settle.ts';
import { loadOverdue } from '../../src/store/load/job.ts';
import { loadDue } from '../../src/store/load/paying.ts';
import {
  accounts,
  allocations,
  budgets,
  closedMonths,
  costDays,
  holds,
  jobs,
  ledger,
  offers,
  providers,
} from '../../src/store/schema.ts';
import type { Store, Tx } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { jobRow, NOW, placementRow, TERMS } from './rows.ts';

const WON = 1_000_000n;
/** A won a second. */
const PRICE = 3_600n * WON;
/** Grace 30: 10 s until the next metering but one, and 67 s for the longest stop. */
const FIRST = 77n;
const after = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

let store: Store;
onGround(24, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.execute(sql`
    alter table ledger disable trigger ledger_stays;
    truncate ledger, holds, accounts, budgets, cost_days, closed_months, events, decisions, allocations, jobs cascade;
    alter table ledger enable trigger ledger_stays`);
  await store.db.update(offers).set({ used: 0, capacity: 10_000, priceMicrosPerHour: PRICE });
  await store.db.update(providers).set({ lastContactAt: after(1e6) });
});

/** A budget of the organization or of the project, with one account. */
async function budget(
  id: string,
  cap: bigint,
  more: Partial<typeof accounts.$inferInsert> = {},
  project = true,
) {
  await store.db.insert(budgets).values({
    id,
    name: id,
    organization: 'nia',
    project: project ? 'kogpt' : null,
    periodKind: 'fiscal-year',
    fromDay: '2026-01-01',
    capMicros: cap * WON,
    thresholds: [100],
    onExhausted: 'stop',
    createdAt: NOW,
    createdBy: 'key-test',
  });
  await account(id, id, cap, more);
}

async function account(
  id: string,
  budgetId: string,
  cap: bigint,
  more: Partial<typeof accounts.$inferInsert> = {},
) {
  await store.db.insert(accounts).values({
    id,
    budgetId,
    startsAt: after(-86_400),
    endsAt: after(864_000),
    capMicros: cap * WON,
    allottedMicros: cap * WON,
    createdAt: NOW,
    ...more,
  });
}

async function place(...names: (number | string)[]): Promise<string[]> {
  await store.db.insert(jobs).values(names.map((n) => jobRow(`job-${n}`)));
  const rows = names.map((n) => placementRow(n, { priceMicrosPerHour: PRICE, graceSeconds: 30 }));
  return [...(await store.transaction((tx) => applyPlacements(tx, NOW, TERMS, rows)))];
}

const change = (now: Date, ...changes: Change[]) =>
  store.transaction((tx) => applyChanges(tx, now, TERMS, changes));
const start = (id: string) =>
  change(NOW, { kind: 'activate', allocationId: id, startedAt: NOW, endpoint: null, serving: null });
const end = (id: string, seconds: number) =>
  change(after(seconds), {
    kind: 'release',
    allocationId: id,
    startedAt: NOW,
    endedAt: after(seconds),
    outcome: 'exited',
    endReason: 'exited',
    exitCode: 0,
    detail: null,
  });
const meter = (seconds: number) =>
  store.transaction(async (tx) =>
    settle(tx, after(seconds), TERMS, await loadDue(tx, after(seconds), 1_000)),
  );

async function won(id: string): Promise<[reserved: number, charged: number]> {
  const [row] = await store.db.select().from(accounts).where(eq(accounts.id, id));
  return [Number(row!.reservedMicros) / 1e6, Number(row!.chargedMicros) / 1e6];
}

/** Entries come to balances, holds to what is reserved, usage to what was charged and to its roll-up. */
async function books(): Promise<void> {
  const { rows } = await store.db.execute(sql`
    with moved as (
      select account_id, coalesce(sum(case when credit = 'reserved' then amount_micros when debit = 'reserved' then -amount_micros end), 0) as reserved,
        coalesce(sum(case when credit = 'charged' then amount_micros when debit = 'charged' then -amount_micros end), 0) as charged
      from ledger where account_id is not null group by 1
    ), held as (select account_id, sum(reserved_micros) as reserved, sum(charged_micros) as charged from holds group by 1)
    select a.id from accounts a left join moved m on m.account_id = a.id left join held h on h.account_id = a.id
    where a.reserved_micros <> coalesce(m.reserved, 0) or a.charged_micros <> coalesce(m.charged, 0)
      or a.reserved_micros <> coalesce(h.reserved, 0) or a.charged_micros <> coalesce(h.charged, 0)
    union all select a.id from allocations a where a.charged_micros <>
      (select coalesce(sum(amount_micros), 0) from ledger l where l.allocation_id = a.id and l.kind = 'usage')
    union all select a.id from allocations a where (a.charged_micros, a.metered_seconds) <>
      (select coalesce(sum(micros), 0), coalesce(sum(seconds), 0) from cost_days d where d.allocation_id = a.id)`);
  expect(rows).toEqual([]);
}

describe('money', () => {
  test('is held before a run begins, charged as it is used, and given back when it ends', async () => {
    await budget('year', 1_000n);
    await budget('org', 1_000n, {}, false);
    expect(await place(1)).toEqual(['alc-1']);
    expect(await won('year')).toEqual([Number(FIRST), 0]);
    expect(await won('org')).toEqual([Number(FIRST), 0]);
    await start('alc-1');
    await meter(5);
    expect(await won('year')).toEqual([87, 5]);
    await meter(5);
    expect(await won('year')).toEqual([87, 5]);
    await end('alc-1', 12);
    expect(await won('org')).toEqual([0, 12]);
    await books();
    const kinds = await store.db.select({ kind: ledger.kind }).from(ledger).orderBy(ledger.seq);
    expect(new Set(kinds.map(({ kind }) => kind))).toEqual(
      new Set(['usage', 'reserve', 'charge', 'release']),
    );
  });

  test('is held by every budget above, or by none, and then the job is not placed', async () => {
    await budget('year', 1_000n);
    await budget('org', FIRST - 1n, {}, false);
    expect(await place(1)).toEqual([]);
    expect(await won('year')).toEqual([0, 0]);
    expect(await store.db.select().from(holds)).toEqual([]);
    const [offer] = await store.db.select().from(offers);
    expect(offer!.used).toBe(0);
  });

  test('of one hot budget is never overdrawn, with many connections at once', async () => {
    await budget('year', 10n * FIRST + 5n);
    const placed = (await Promise.all(Array.from({ length: 20 }, (_, n) => place(n)))).flat();
    expect(placed).toHaveLength(10);
    expect(await won('year')).toEqual([10 * Number(FIRST), 0]);
    await Promise.all(placed.map((id) => start(id)));
    await Promise.all([...placed.map((id, n) => end(id, 13 + n)), meter(5), meter(6)]);
    await Promise.all([meter(40), meter(60)]);
    const [reserved, charged] = await won('year');
    expect(reserved).toBe(0);
    expect(charged).toBe(placed.reduce((sum, _, n) => sum + 13 + n, 0));
    await books();
  });

  test('that is not enough to go on stops the run in time: what it may still use was held before', async () => {
    await budget('year', 100n);
    const [id] = await place(1);
    await start(id!);
    let now = 0;
    let stopped = false;
    while (!stopped) {
      now += 5;
      stopped = (await meter(now)).some(({ metered }) => metered.stop);
    }
    const [row] = await store.db.select().from(allocations);
    expect(row!.paidSeconds! - now).toBeGreaterThanOrEqual(30 + 7);
    await end(id!, 400);
    const [reserved, charged] = await won('year');
    expect([reserved, charged]).toEqual([0, row!.paidSeconds]);
    await books();
  });

  test('a second that was not reserved cannot be charged, whoever tries', async () => {
    await budget('year', 100n);
    await place(1);
    await start('alc-1');
    const beyond = store.db.execute(sql`update allocations set metered_seconds = paid_seconds + 1`);
    await expect(beyond).rejects.toMatchObject({ cause: { constraint: 'allocations_paid' } });
    const over = store.db.execute(sql`update accounts set charged_micros = cap_micros, reserved_micros = 1`);
    await expect(over).rejects.toMatchObject({ cause: { constraint: 'accounts_cap' } });
    const rewritten = store.db.execute(sql`update ledger set amount_micros = 1`);
    await expect(rewritten).rejects.toMatchObject({ cause: { message: 'the ledger is append-only' } });
  });

  test('of a year that ends is charged to it, and the next second to the next year', async () => {
    const newYear = TERMS.calendar.startOf('2027-01-01');
    const begun = new Date(newYear.getTime() - 30_000);
    await budget('y26', 1_000n, { endsAt: newYear });
    await account('y27', 'y26', 1_000n, { startsAt: newYear, endsAt: new Date(newYear.getTime() + 1e9) });
    await store.db.insert(jobs).values(jobRow('job-1'));
    const row = placementRow(1, { priceMicrosPerHour: PRICE, graceSeconds: 30 });
    await store.transaction((tx) => applyPlacements(tx, begun, TERMS, [row]));
    expect([await won('y26'), await won('y27')]).toEqual([
      [30, 0],
      [Number(FIRST), 0],
    ]);
    await change(begun, {
      kind: 'activate',
      allocationId: 'alc-1',
      startedAt: begun,
      endpoint: null,
      serving: null,
    });
    const ended = new Date(newYear.getTime() + 11_000);
    await change(ended, { ...released('alc-1'), startedAt: begun, endedAt: ended });
    expect([await won('y26'), await won('y27')]).toEqual([
      [0, 30],
      [0, 11],
    ]);
    const days = await store.db.select().from(costDays).orderBy(costDays.day);
    expect(days.map(({ day, month, seconds }) => [day, month, seconds])).toEqual([
      ['2026-12-31', '2026-12', 30],
      ['2027-01-01', '2027-01', 11],
    ]);
    await books();
  });

  test('of a month that was closed is a correction in the next one', async () => {
    await place(1);
    await start('alc-1');
    await store.db.insert(closedMonths).values({
      month: '2026-03',
      closedAt: NOW,
      closedBy: 'key-test',
      totalMicros: 0n,
      lines: 0,
      vatPercent: 10,
      sha256: '',
    });
    const april = TERMS.calendar.startOf('2026-04-01');
    await change(april, { ...released('alc-1'), endedAt: after(10) });
    const [row] = await store.db.select().from(costDays);
    expect([row!.month, row!.day, row!.seconds]).toEqual(['2026-04', '2026-03-02', 10]);
    const late = store.db.insert(ledger).values({
      at: NOW,
      kind: 'usage',
      debit: 'project',
      credit: 'vendor',
      amountMicros: 1n,
      month: '2026-03',
      day: '2026-03-02',
      reason: 'used',
      actor: 'system',
    });
    await expect(late).rejects.toMatchObject({ cause: { message: 'that month is closed' } });
  });

  test('is that of the price that was locked, whatever the offer asks by now', async () => {
    await budget('year', 1_000n);
    await place(1);
    await store.db.update(offers).set({ priceMicrosPerHour: 1_000n * PRICE });
    await start('alc-1');
    await end('alc-1', 50);
    expect(await won('year')).toEqual([0, 50]);
  });

  test('a metering that is killed in the middle changes no total', async () => {
    await budget('year', 10_000n);
    await place(1, 2);
    await Promise.all([start('alc-1'), start('alc-2')]);
    await meter(5);
    for (let statement = 1; statement < 12; statement += 1) {
      await expect(store.transaction((tx) => dying(tx, statement))).rejects.toThrow();
      await books();
      expect(await won('year')).toEqual([2 * 87, 10]);
    }
    await meter(15);
    expect(await won('year')).toEqual([2 * 107, 30]);
    await books();
  });
});

const released = (allocationId: string) =>
  ({
    kind: 'release',
    allocationId,
    startedAt: NOW,
    endedAt: NOW,
    outcome: 'exited',
    endReason: 'exited',
    exitCode: 0,
    detail: null,
  }) as const;

/** Meters, and loses its connection before this statement. */
async function dying(tx: Tx, statement: number): Promise<void> {
  let count = 0;
  const execute = tx.execute.bind(tx);
  const mortal = Object.create(tx, {
    execute: {
      value: async (query: Parameters<typeof execute>[0]) => {
        count += 1;
        if (count === statement)
          await execute(sql`select pg_terminate_backend(pg_backend_pid())`).catch(() => undefined);
        if (count >= statement) throw new Error('killed');
        return execute(query);
      },
    },
  }) as Tx;
  await settle(mortal, after(15), TERMS, ['alc-1', 'alc-2']);
  throw new Error('killed before its commit');
}

describe('a job’s own limit', () => {
  const own = (cap: bigint) =>
    store.db.insert(accounts).values({
      id: 'own-1',
      jobId: 'job-1',
      startsAt: NOW,
      capMicros: cap * WON,
      allottedMicros: cap * WON,
      createdAt: NOW,
    });

  test('that its provider ended the run for fails the job, as nothing can be bought any more', async () => {
    await store.db.insert(jobs).values(jobRow('job-1'));
    await own(60n);
    const row = placementRow(1, { priceMicrosPerHour: PRICE, graceSeconds: 30 });
    await store.transaction((tx) => applyPlacements(tx, NOW, TERMS, [row]));
    await start('alc-1');
    await change(after(60), {
      ...released('alc-1'),
      endedAt: after(60),
      outcome: 'unpaid',
      endReason: 'budget',
    });
    const requeue = { notBefore: null, avoid: null, moveTo: null, failedStart: false };
    const queued = {
      kind: 'job',
      jobId: 'job-1',
      allocationId: 'alc-1',
      to: 'queued',
      reason: 'budget',
    } as const;
    await change(after(60), { ...queued, detail: null, requeue });
    expect(await won('own-1')).toEqual([0, 60]);
    expect(await loadOverdue(store.db, after(61))).toEqual([{ id: 'job-1', why: 'max-cost' }]);
    await store.db.update(accounts).set({ capMicros: 100n * WON, allottedMicros: 100n * WON });
    expect(await loadOverdue(store.db, after(61))).toEqual([]);
  });
});
