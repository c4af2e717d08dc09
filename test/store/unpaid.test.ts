import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Deps } from '../../src/deps.ts';
import { meterPass } from '../../src/flows/meter.ts';
import { createMetrics } from '../../src/metrics.ts';
import { applyChanges } from '../../src/store/apply/changes.ts';
import { applyPlacements } from '../../src/store/apply/placements.ts';
import {
  accounts,
  allocations,
  budgetExceptions,
  budgets,
  jobs,
  offers,
  providers,
  webhookDeliveries,
  webhooks,
} from '../../src/store/schema.ts';
import type { JobRow, Store } from '../../src/store/store.ts';
import { specOf, type SpecParts } from '../core/placement-world.ts';
import { onGround } from './ground.ts';
import { jobRow, NOW, placementRow, TERMS } from './rows.ts';

const WON = 1_000_000n;
/** A won a second. */
const PRICE = 3_600n * WON;
const after = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

let store: Store;
onGround(4, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.execute(sql`
    alter table ledger disable trigger ledger_stays;
    truncate ledger, holds, budget_exceptions, budget_alerts, webhook_deliveries, webhooks, accounts, budgets, cost_days,
      events, decisions, allocations, jobs cascade;
    alter table ledger enable trigger ledger_stays`);
  await store.db.update(offers).set({ used: 0, capacity: 100 });
  await store.db.update(providers).set({ lastContactAt: after(1e6) });
});

let ids = 0;
const depsAt = (now: Date): Deps =>
  ({
    clock: { now: () => now },
    ids: { next: (kind: string) => `${kind}-${String((ids += 1)).padStart(6, '0')}` },
    store,
    config: { currency: 'KRW' },
    terms: TERMS,
    metrics: createMetrics({ process: false }),
    watch: { changed: () => undefined },
    bell: { ring: () => undefined },
  }) as unknown as Deps;

async function budget(cap: bigint, disaster = 0n): Promise<void> {
  await store.db.insert(budgets).values({
    id: 'bud-1',
    name: 'year',
    organization: 'nia',
    periodKind: 'fiscal-year',
    fromDay: '2026-01-01',
    capMicros: cap * WON,
    disasterMicros: disaster * WON,
    thresholds: [],
    onExhausted: 'stop',
    createdAt: NOW,
    createdBy: 'key-test',
  });
  const money = { capMicros: cap * WON, allottedMicros: cap * WON, disasterMicros: disaster * WON };
  const time = { startsAt: after(-86_400), endsAt: after(864_000), createdAt: NOW };
  await store.db.insert(accounts).values({ id: 'acc-1', budgetId: 'bud-1', ...money, ...time });
}

async function place(name: string, parts: SpecParts = {}, more: Partial<JobRow> = {}): Promise<boolean> {
  await store.db.insert(jobs).values(jobRow(`job-${name}`, { spec: specOf(parts), ...more }));
  const row = placementRow(name, { priceMicrosPerHour: PRICE, graceSeconds: 30 });
  return (await store.transaction((tx) => applyPlacements(tx, NOW, TERMS, [row]))).size === 1;
}

async function run(name: string, parts: SpecParts = {}, more: Partial<JobRow> = {}): Promise<void> {
  expect(await place(name, parts, more)).toBe(true);
  const allocationId = `alc-${name}`;
  await store.transaction((tx) =>
    applyChanges(tx, NOW, TERMS, [
      { kind: 'activate', allocationId, startedAt: NOW, endpoint: null, serving: null },
      {
        kind: 'job',
        jobId: `job-${name}`,
        allocationId,
        to: 'running',
        reason: 'started',
        detail: null,
        startedAt: NOW,
      },
    ]),
  );
}

const GUARDED: SpecParts = { continuity: { mode: 'standby' } };
const job = async (name: string) =>
  (
    await store.db
      .select()
      .from(jobs)
      .where(eq(jobs.id, `job-${name}`))
  )[0]!;
const run1 = async (name: string) =>
  (
    await store.db
      .select()
      .from(allocations)
      .where(eq(allocations.id, `alc-${name}`))
  )[0]!;
const exceptions = () => store.db.select().from(budgetExceptions);

/** Looks every five seconds until this is so; how long that took. */
async function passUntil(is: () => Promise<boolean>, from = 5): Promise<number> {
  for (let now = from; now < 2_000; now += 5) {
    await meterPass(depsAt(after(now)));
    if (await is()) return now;
  }
  throw new Error('waited in vain');
}

describe('when the money runs out', () => {
  test('ordinary work is stopped for work that must not stop, and somebody has to answer for it', async () => {
    await budget(60_000n);
    await run('vital', GUARDED);
    await run('cheap', {}, { priority: 10 });
    await run('dear', {}, { priority: 90 });
    const at = await passUntil(async () => (await run1('dear')).meterSeconds >= 80);
    // All that is left is held already, most of it for ordinary work.
    const held = sql`reserved_micros + charged_micros`;
    await store.db.update(accounts).set({ capMicros: held, allottedMicros: held });
    await passUntil(async () => (await exceptions()).length > 0, at + 5);
    expect(await job('dear')).toMatchObject({ state: 'running' });
    expect(await job('cheap')).toMatchObject({ reason: 'budget' });
    expect(await run1('cheap')).toMatchObject({ state: 'releasing', endReason: 'budget' });
    expect(await job('vital')).toMatchObject({ state: 'running' });
    const [open] = await exceptions();
    expect(open).toMatchObject({ accountId: 'acc-1', jobId: 'job-vital', closedAt: null });
    // Until it is closed, nothing ordinary begins there, whatever is left.
    await store.db.update(accounts).set({ capMicros: 9_000n * WON, allottedMicros: 9_000n * WON });
    expect(await place('new')).toBe(false);
    expect(await place('other', GUARDED)).toBe(true);
    await store.db
      .update(budgetExceptions)
      .set({ closedAt: NOW, closedBy: 'key-officer', resolution: 'more' });
    expect(await place('newer')).toBe(true);
  });

  test('work that must not stop is stopped last, when nothing else is left to stop', async () => {
    await budget(400n);
    await run('vital', GUARDED);
    const at = await passUntil(async () => (await job('vital')).state !== 'running');
    expect(await job('vital')).toMatchObject({ state: 'queued', reason: 'budget' });
    expect(await exceptions()).toHaveLength(1);
    const { paidSeconds } = await run1('vital');
    expect(paidSeconds! - at).toBeGreaterThanOrEqual(30 + 30);
  });

  test('whoever wants to know is told, once of the budget and of each job', async () => {
    await store.db.insert(webhooks).values({
      id: 'whk-1',
      organization: 'nia',
      url: 'https://example.org/hook',
      events: ['budget.exhausted', 'job.stopped-for-money', 'budget.exception'],
      secret: 's',
      createdAt: NOW,
      createdBy: 'key-officer',
    });
    await budget(200n);
    await run('one');
    await run('two');
    await passUntil(
      async () => (await job('one')).state === 'queued' && (await job('two')).state === 'queued',
    );
    const told = await store.db.select({ event: webhookDeliveries.event }).from(webhookDeliveries);
    expect(told.map(({ event }) => event).toSorted()).toEqual([
      'budget.exhausted',
      'job.stopped-for-money',
      'job.stopped-for-money',
    ]);
    const [account] = await store.db.select().from(accounts);
    expect(account!.exhaustedAt).not.toBeNull();
  });

  test('what a disaster moved draws on the disaster reserve, and nothing else does', async () => {
    await budget(100n, 80n);
    expect(await place('ordinary')).toBe(false);
    expect(await place('struck', {}, { queueRank: -5, reason: 'provider-down' })).toBe(true);
    expect(await run1('struck')).toMatchObject({ purpose: 'failover', paidSeconds: 77 });
    const [account] = await store.db.select().from(accounts);
    expect(account).toMatchObject({ reservedMicros: 77n * WON, failoverMicros: 77n * WON });
    expect(await place('struck-too', {}, { queueRank: -4, reason: 'provider-down' })).toBe(false);
  });

  test('a budget that comes later is not charged for what was, and stops what it cannot pay', async () => {
    await run('early');
    await meterPass(depsAt(after(5)));
    expect(await run1('early')).toMatchObject({ paidSeconds: null, meteredSeconds: 5 });
    await budget(20n);
    await passUntil(async () => (await job('early')).state === 'queued', 10);
    const [account] = await store.db.select().from(accounts);
    expect(account).toMatchObject({ reservedMicros: 0n, chargedMicros: 0n });
  });
});
