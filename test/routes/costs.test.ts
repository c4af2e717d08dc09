import { parse } from 'csv-parse/sync';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Calendar } from '../../src/core/ledger/calendar.ts';
import { allocations, costDays } from '../../src/store/schema.ts';
import { checkFocus, micros, readFocus } from '../core/focus-checker.ts';
import { somebodyWaits } from '../store/ground.ts';
import { insertRuns, insertWork, lineOf, piecesOf, type Run } from '../store/spending.ts';
import { makeChecker, type Checker } from './checker.ts';
import { openDoor, populate, type Door, type Town } from './door.ts';

const calendar = new Calendar('Asia/Seoul');
let door: Door;
let town: Town;
let checker: Checker;
let nowMs = Date.parse('2026-11-24T03:00:00Z');

const run = (id: string, more: Partial<Run> = {}): Run => ({
  id,
  jobId: `job-${id}`,
  organization: 'acme',
  project: 'kogpt',
  vendor: 'nhn',
  provider: 'pangyo',
  offer: 'h100x8',
  gpuModel: 'H100',
  gpuCount: 8,
  spot: false,
  purpose: 'run',
  priceMicrosPerHour: 40_000_000_000n,
  startedAt: new Date('2026-10-31T14:00:00.250Z'),
  seconds: 9_000,
  ...more,
});
const other = { organization: 'globex', project: 'weather' };
const kt = { vendor: 'kt', provider: 'gwangju', offer: 'a100x8', gpuModel: 'A100-80GB' };

beforeAll(async () => {
  door = await openDoor({ clock: { ...systemClock(), now: () => new Date(nowMs) } });
  town = await populate(door);
  checker = makeChecker(door.app.swagger());
  await insertRuns(
    door.deps.store,
    [
      run('alc-a'),
      run('alc-b', { ...kt, purpose: 'standby', priceMicrosPerHour: 33_333_333_333n, seconds: 100_001 }),
      run('alc-c', { ...other, spot: true, seconds: 7_777 }),
      run('alc-d', { ...other, ...kt, startedAt: new Date('2026-11-20T01:00:00Z'), priceMicrosPerHour: 7n }),
    ],
    calendar,
  );
});
afterAll(() => door.close());

const get = async (route: string, path: string, key?: string) => {
  const answer = await door.call('GET', path, key);
  checker.check('GET', route, answer.status, answer.headers['content-type'], answer.text);
  return answer;
};
const costs = (query: string, key?: string) => get('/v1/costs', `/v1/costs?${query}`, key);
const OCTOBER = 'from=2026-10-01&to=2026-11-01';
const BOTH = 'from=2026-10-01&to=2026-12-01';

describe('costs', () => {
  it('are this month’s by project, unless something else is asked for', async () => {
    const { body } = await costs('');
    expect(body).toMatchObject({ from: '2026-11-01', to: '2026-12-01', groupBy: ['project'], rows: 2 });
    expect((body.items as { project: string }[]).map(({ project }) => project)).toEqual(['kogpt', 'weather']);
    expect((await costs('from=2026-10-01')).body).toMatchObject({ from: '2026-10-01', to: '2026-11-01' });
  });

  it('are cut where the day ends in Seoul, to the micro', async () => {
    const { body } = await costs(`${OCTOBER}&groupBy=job,gpu&project=kogpt`);
    expect(body.items).toEqual([
      {
        job: 'job-alc-a',
        gpu: 'H100',
        hours: 1,
        gpuHours: 8,
        cost: { amount: '40000', currency: 'KRW' },
      },
      {
        job: 'job-alc-b',
        gpu: 'A100-80GB',
        hours: 1,
        gpuHours: 8,
        cost: { amount: '33333.333333', currency: 'KRW' },
      },
    ]);
    expect(body.total).toEqual({ hours: 2, gpuHours: 16, cost: { amount: '73333.333333', currency: 'KRW' } });
  });

  it('take a time where a day begins, and the same day written as one', async () => {
    const days = await costs(OCTOBER);
    const times = await costs('from=2026-09-30T15:00:00Z&to=2026-11-01T00:00:00%2B09:00');
    expect(times.body).toEqual(days.body);
  });

  it('come without rows where nothing is to be told apart', async () => {
    const { body } = await costs(`${OCTOBER}&groupBy=`);
    expect(body).toMatchObject({ items: [], rows: 0, total: { hours: 3 } });
    expect((await costs('from=2020-01-01&to=2020-02-01&groupBy=')).body.total.cost.amount).toBe('0');
  });

  it.each([
    ['a time in the middle of a day', 'from=2026-10-01T00:00:00Z', '?from'],
    ['a day that there is not', 'from=2026-02-30', '?from'],
    ['no day at all', 'to=0000000000', '?to'],
    ['days that end before they begin', 'from=2026-11-01&to=2026-10-01', '?to'],
    ['no days', 'from=2026-11-01&to=2026-11-01', '?to'],
    ['days long ago', 'from=0001-01-01&to=2026-10-01', '?from'],
    ['a dimension of nobody', 'groupBy=project,colour', '?groupBy'],
    ['a format of nobody', 'format=pdf', '?format'],
    ['a purpose of nobody', 'purpose=fun', '?purpose'],
    ['too many rows', 'limit=10001', '?limit'],
    ['a field of nobody', 'colour=red', '?colour'],
  ])('refuse %s', async (_, query, pointer) => {
    const { body, status } = await costs(query);
    expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
  });

  it('are of one’s own projects or organization, whatever is asked for', async () => {
    const projects = async (key: string, query = '') => {
      const { body } = await costs(`${BOTH}&groupBy=project${query}`, key);
      return (body.items as { project: string }[]).map(({ project }) => project);
    };
    expect(await projects(town.keys.member)).toEqual(['kogpt']);
    expect(await projects(town.keys.otherMember)).toEqual(['weather']);
    expect(await projects(town.keys.officer)).toEqual(['kogpt']);
    expect(await projects(town.keys.otherOfficer)).toEqual(['weather']);
    expect(await projects(town.keys.auditor)).toEqual(['kogpt', 'weather']);
    expect(await projects(town.keys.member, '&project=weather')).toEqual([]);
    for (const format of ['csv', 'focus']) {
      const { text } = await costs(`${BOTH}&groupBy=job&format=${format}`, town.keys.member);
      expect(text).toContain('job-alc-a');
      expect(text).not.toMatch(/alc-c|weather|globex/);
    }
    const { body } = await get(
      '/v1/costs/alternatives',
      `/v1/costs/alternatives?${BOTH}`,
      town.keys.otherMember,
    );
    expect(body).toMatchObject({ ran: { allocations: 2 }, compared: { allocations: 0 }, items: [] });
  });

  it('come as a file for a spreadsheet', async () => {
    const { headers, text } = await costs(`${BOTH}&groupBy=month,provider&format=csv`);
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(headers['content-disposition']).toBe('attachment; filename="costs-2026-10-01-2026-12-01.csv"');
    const json = (await costs(`${BOTH}&groupBy=month,provider`)).body.items as Record<string, never>[];
    const rows: Record<string, string>[] = parse(text, { columns: true });
    expect(rows.map(({ month, provider, cost }) => ({ month, provider, cost }))).toEqual(
      json.map(({ month, provider, cost }) => ({ month, provider, cost: cost!['amount'] })),
    );
    expect(Object.keys(rows[0]!)).toEqual(['month', 'provider', 'hours', 'gpuHours', 'cost', 'currency']);
  });
});

describe('a statement', () => {
  const of = (name: string, key: string) =>
    get('/v1/providers/{name}/statement', `/v1/providers/${name}/statement?${BOTH}`, key);

  it('is the vendor’s own, names no tenant, and comes to what tenants are charged', async () => {
    const { body, text } = await of('gwangju', town.keys.otherVendor);
    expect(text).not.toMatch(/kogpt|weather|acme|globex|job-|alc-/);
    const charged = await costs(`${BOTH}&provider=gwangju&groupBy=`);
    expect(body.total).toEqual(charged.body.total);
    expect(body.items).toMatchObject([
      { offer: 'a100x8', purposes: [{ purpose: 'run' }, { purpose: 'standby' }] },
    ]);
    expect((await of('gwangju', town.keys.vendor)).status).toBe(404);
    expect((await of('gwangju', town.keys.member)).status).toBe(403);
    expect((await of('pangyo', town.keys.auditor)).status).toBe(200);
  });
});

const check = (month: string) => get('/v1/months/{month}/verify', `/v1/months/${month}/verify`);
const close = (month: string, key?: string) => door.call('POST', `/v1/months/${month}/close`, key);
const exec = (statement: string) => door.deps.store.db.execute(sql.raw(statement));

describe('a month', () => {
  it('is not closed before it is over, metered, and what its entries come to', async () => {
    expect((await close('2026-11')).body).toMatchObject({ type: '/problems/state-conflict' });
    expect((await close('2026-08')).status).toBe(404);
    expect((await close('2026-13')).status).toBe(400);
    expect((await check('2026-08')).status).toBe(404);
    // It ran on: one second of October is missing.
    const ran = { state: 'active' as const, releasedAt: null, meteredSeconds: 3_599 };
    await door.deps.store.db
      .update(allocations)
      .set(ran)
      .where(sql`id = 'alc-a'`);
    expect((await close('2026-10')).body.detail).toContain(
      '1 allocations that ran in 2026-10 are not metered',
    );
    await door.deps.store.db
      .update(allocations)
      .set({ meteredSeconds: 9_000 })
      .where(sql`id = 'alc-a'`);

    await exec(
      `update cost_days set micros = micros + 1 where allocation_id = 'alc-b' and month = '2026-10'`,
    );
    expect((await close('2026-10')).body.detail).toContain('alc-b on 2026-10-31');
    expect((await check('2026-10')).body).toMatchObject({ ok: false, wrongLines: 1 });
    await exec(
      `update cost_days set micros = micros - 1 where allocation_id = 'alc-b' and month = '2026-10'`,
    );
    expect((await check('2026-10')).body).toMatchObject({ ok: true, wrongLines: 0, closedAs: null });
    expect((await exec('select * from closed_months')).rows).toEqual([]);
  });

  it('waits for an entry that is being written, and has it', async () => {
    const late = run('alc-late', { seconds: 60 });
    await insertWork(door.deps.store, [late]);
    const [piece] = piecesOf(late, calendar);
    const answer = await door.deps.store.transaction(async (tx) => {
      await tx.execute(sql`insert into ledger (at, kind, debit, credit, amount_micros, allocation_id, day, month, reason, actor)
        values (now(), 'usage', 'project', 'vendor', ${String(piece!.micros)}, 'alc-late', '2026-10-31', '2026-10', 'x', 'system')`);
      await tx.insert(costDays).values(lineOf(piece!));
      // Sent by then, and not answered before this is written.
      const sent = close('2026-10').then((got) => got);
      await somebodyWaits(tx);
      return [sent] as const;
    });
    const { body, status } = await answer[0];
    expect(status).toBe(200);
    expect(body).toMatchObject({ month: '2026-10', state: 'closed', lines: 4, closed: { vatPercent: 10 } });
    const { rows } = await exec(`select sum(micros)::text as total from cost_days where month = '2026-10'`);
    expect(micros(body.total.amount as string)).toBe(BigInt((rows[0] as { total: string }).total));
  });

  it('is closed once, and then takes nothing more', async () => {
    const first = await close('2026-10');
    nowMs += 60_000;
    const again = await close('2026-10').expect(200);
    expect(again.body).toEqual(first.body);
    const { body: audit } = await door.get('/v1/audit?action=month.close').expect(200);
    expect(audit.items).toHaveLength(1);
    expect(audit.items[0]).toMatchObject({ target: '2026-10', data: { sha256: first.body.closed.sha256 } });
    const entry = exec(`insert into ledger (at, kind, debit, credit, amount_micros, day, month, reason, actor)
      values (now(), 'usage', 'project', 'vendor', 1, '2026-10-31', '2026-10', 'x', 'system')`);
    await expect(entry).rejects.toMatchObject({ cause: { message: 'that month is closed' } });

    const { body } = await get('/v1/months', '/v1/months');
    expect(
      (body.items as { month: string; state: string }[]).map(({ month, state }) => [month, state]),
    ).toEqual([
      ['2026-11', 'open'],
      ['2026-10', 'closed'],
    ]);
    for (const key of [town.keys.officer, town.keys.member, town.keys.vendor])
      expect((await door.call('GET', '/v1/months', key)).status).toBe(403);
    for (const key of [town.keys.operator, town.keys.auditor, town.keys.officer])
      expect((await close('2026-10', key)).status).toBe(403);
  });

  it('shows a line that was changed afterwards', async () => {
    expect((await check('2026-10')).body).toMatchObject({ ok: true });
    await exec(
      `update cost_days set provider = 'gwangju' where allocation_id = 'alc-a' and month = '2026-10'`,
    );
    const { body } = await check('2026-10');
    expect(body).toMatchObject({ ok: false, wrongLines: 0 });
    expect(body.sha256).not.toBe(body.closedAs.sha256);
    await exec(
      `update cost_days set provider = 'pangyo' where allocation_id = 'alc-a' and month = '2026-10'`,
    );
    expect((await check('2026-10')).body).toMatchObject({ ok: true });
  });
});

describe('a FOCUS file', () => {
  const focus = async (query: string, key?: string) => {
    const { text, headers, status } = await costs(`${query}&format=focus`, key);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(checkFocus(text)).toEqual([]);
    return { headers, rows: readFocus(text) };
  };
  const invoices = (rows: readonly { readonly [name: string]: string | null }[]) =>
    [...new Set(rows.map((row) => row['InvoiceId'] ?? 'none'))].sort();

  it('keeps the rules, and comes to what the report says', async () => {
    const { headers, rows } = await focus(BOTH);
    expect(headers['content-disposition']).toBe('attachment; filename="focus-1.2-2026-10-01-2026-12-01.csv"');
    const usage = rows.filter((row) => row['ChargeCategory'] === 'Usage');
    const sum = usage.reduce((total, row) => total + micros(row['BilledCost'] ?? ''), 0n);
    expect(sum).toBe(micros((await costs(`${BOTH}&groupBy=`)).body.total.cost.amount as string));
    expect(invoices(rows)).toEqual(['2026-10/acme/kt', '2026-10/acme/nhn', '2026-10/globex/nhn', 'none']);
    expect(rows.filter((row) => row['ChargeCategory'] === 'Tax')).toHaveLength(3);
    const held = usage.find((row) => row['x_Purpose'] === 'standby');
    expect(held).toMatchObject({
      CapacityReservationStatus: 'Unused',
      SubAccountId: 'kogpt',
      Tags: '{"team":"nlp"}',
    });
  });

  it('has invoices only where it has all of their lines', async () => {
    expect(invoices((await focus(BOTH, town.keys.officer)).rows)).toEqual([
      '2026-10/acme/kt',
      '2026-10/acme/nhn',
      'none',
    ]);
    for (const [query, key] of [
      [BOTH, town.keys.member],
      [`${BOTH}&project=kogpt`, undefined],
      [`${BOTH}&provider=pangyo`, undefined],
      [`${BOTH}&purpose=run`, undefined],
      ['from=2026-10-02&to=2026-11-01', undefined],
      ['from=2026-11-01&to=2026-12-01', undefined],
    ] as const) {
      const { rows } = await focus(query, key);
      expect(rows.length).toBeGreaterThan(0);
      expect(invoices(rows)).toEqual(['none']);
      expect(rows.every((row) => row['ChargeCategory'] === 'Usage')).toBe(true);
    }
  });

  it('is a head where nothing was used', async () => {
    expect((await focus('from=2020-01-01&to=2020-02-01')).rows).toEqual([]);
  });
});
