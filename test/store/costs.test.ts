import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Calendar, addDays, type Days } from '../../src/core/ledger/calendar.ts';
import { COST_DIMENSIONS, type CostDimension } from '../../src/core/ledger/costs.ts';
import { readAlternatives } from '../../src/store/read/alternatives.ts';
import { listCostLines, type LineMark } from '../../src/store/read/cost-lines.ts';
import { linesIn, readCosts, readStatement } from '../../src/store/read/costs.ts';
import { sealMonth, verifyCosts } from '../../src/store/read/months.ts';
import { costDays, decisions, offers, organizations, projects, providers } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { NOW } from './rows.ts';
import { insertRuns, lineOf, piecesOf, runs, type Piece, type Run } from './spending.ts';

const ALL = { kind: 'all' } as const;
const calendar = new Calendar('Asia/Seoul');
const PLACES = [
  { vendor: 'acme', provider: 'pangyo', offer: 'h100', gpuModel: 'H100', gpuCount: 8 },
  { vendor: 'acme', provider: 'gasan', offer: 'cpu', gpuModel: null, gpuCount: 0 },
  { vendor: 'kt', provider: 'gwangju', offer: 'h100', gpuModel: 'H100', gpuCount: 16 },
];
const TENANTS = [
  { organization: 'nia', project: 'kogpt' },
  { organization: 'nia', project: 'weather' },
  { organization: 'kaist', project: 'protein' },
];
const BETWEEN = { min: new Date('2026-09-20T00:00:00Z'), max: new Date('2026-12-05T00:00:00Z') };
const spending = runs(PLACES, TENANTS, BETWEEN);

let store: Store;
onGround(6, (opened) => {
  store = opened;
});

async function clear(): Promise<void> {
  await store.db.execute(sql`alter table ledger disable trigger ledger_stays`);
  await store.db.execute(
    sql`truncate ledger, cost_days, decisions, allocations, jobs, closed_months cascade`,
  );
  await store.db.execute(sql`alter table ledger enable trigger ledger_stays`);
}
let furnished = false;
beforeEach(async () => {
  await clear();
  if (furnished) return;
  furnished = true;
  await store.db.insert(organizations).values({ name: 'kaist', createdAt: NOW });
  await store.db.insert(projects).values([
    { name: 'weather', organization: 'nia', createdAt: NOW },
    { name: 'protein', organization: 'kaist', createdAt: NOW },
  ]);
  const [pangyo] = await store.db.select().from(providers);
  const [h100] = await store.db.select().from(offers);
  for (const { provider, vendor, offer } of PLACES.slice(1)) {
    await store.db.insert(providers).values({ ...pangyo!, name: provider, vendor });
    await store.db.insert(offers).values({ ...h100!, provider, name: offer });
  }
});

const span = fc
  .tuple(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 1, max: 60 }))
  .map(([from, days]): Days => {
    const first = addDays('2026-09-15', from);
    return { from: first, until: addDays(first, days) };
  });
const whole = fc.constantFrom<Days>(
  { from: '2026-10-01', until: '2026-11-01' },
  { from: '2026-09-01', until: '2027-01-01' },
  { from: '2026-11-01', until: '2026-12-01' },
);
const within =
  ({ from, until }: Days) =>
  (piece: Piece) =>
    piece.day >= from && piece.day < until;

const KEYS: Readonly<Record<CostDimension, (piece: Piece) => string | null>> = {
  project: ({ project }) => project,
  provider: ({ provider }) => provider,
  gpu: ({ gpuModel }) => gpuModel,
  job: ({ jobId }) => jobId,
  purpose: ({ purpose }) => purpose,
  day: ({ day }) => day,
  month: ({ month }) => month,
  organization: ({ organization }) => organization,
  vendor: ({ vendor }) => vendor,
  offer: ({ offer }) => offer,
};
function sumOf(pieces: readonly Piece[]) {
  const sum = { seconds: 0n, gpuSeconds: 0n, micros: 0n };
  for (const { pieceSeconds, gpuCount, micros } of pieces) {
    sum.seconds += BigInt(pieceSeconds);
    sum.gpuSeconds += BigInt(pieceSeconds * gpuCount);
    sum.micros += micros;
  }
  return sum;
}

describe('a report', () => {
  test('is the sum of what ran, however it is grouped, cut and filtered', async () => {
    const scenario = fc.tuple(
      spending,
      fc.oneof(span, whole),
      fc.subarray([...COST_DIMENSIONS], { maxLength: 4 }),
      fc.record({
        project: fc.constantFrom(undefined, 'kogpt'),
        provider: fc.constantFrom(undefined, 'gwangju'),
        purpose: fc.constantFrom(undefined, 'standby' as const),
      }),
      fc.constantFrom(
        ALL,
        { kind: 'organization', organization: 'nia' } as const,
        {
          kind: 'projects',
          projects: ['weather', 'protein'],
        } as const,
      ),
    );
    await fc.assert(
      fc.asyncProperty(scenario, async ([all, days, by, filter, scope]) => {
        await clear();
        const pieces = (await insertRuns(store, all, calendar))
          .filter(within(days))
          .filter(({ project }) => filter.project === undefined || project === filter.project)
          .filter(({ provider }) => filter.provider === undefined || provider === filter.provider)
          .filter(({ purpose }) => filter.purpose === undefined || purpose === filter.purpose)
          .filter(({ organization }) => scope.kind !== 'organization' || organization === scope.organization)
          .filter(
            ({ project }) => scope.kind !== 'projects' || scope.projects.some((one) => one === project),
          );
        const report = await readCosts(store.db, linesIn(scope, { days, ...filter }), by, 10_000);
        const keyOf = (piece: Piece) => JSON.stringify(by.map((name) => KEYS[name](piece)));
        const wanted = [...Map.groupBy(pieces, keyOf)].map(([key, own]) => ({
          keys: JSON.parse(key) as (string | null)[],
          ...sumOf(own),
        }));
        expect(report.total).toEqual(sumOf(pieces));
        expect(report.count).toBe(wanted.length);
        expect(new Set(report.groups)).toEqual(new Set(wanted));
        const timed = by[0] === 'day' || by[0] === 'month';
        for (const [at, { keys, micros }] of report.groups.slice(1).entries()) {
          const before = report.groups[at]!;
          const [a, b] = [before.keys[0] ?? '', keys[0] ?? ''];
          if (timed && a !== b) expect(a < b).toBe(true);
          else expect(before.micros).toBeGreaterThanOrEqual(micros);
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  test('shows the dearest where there is a limit, and still the sum of all', async () => {
    const pieces = await insertRuns(store, fc.sample(spending, { seed: 7, numRuns: 1 })[0]!, calendar);
    const query = linesIn(ALL, { days: { from: '2026-09-01', until: '2027-01-01' } });
    const all = await readCosts(store.db, query, ['job', 'purpose'], 10_000);
    const few = await readCosts(store.db, query, ['job', 'purpose'], 2);
    expect(all.count).toBeGreaterThan(2);
    expect(few).toEqual({ ...all, groups: all.groups.slice(0, 2) });
    expect(few.total).toEqual(sumOf(pieces));
  });

  test('puts a correction on the bill that it is on, and leaves the month that it is about as it was', async () => {
    const [piece] = await insertRuns(store, [run({ startedAt: new Date('2026-10-10T00:00:00Z') })], calendar);
    const october = linesIn(ALL, { days: { from: '2026-10-01', until: '2026-11-01' } });
    const before = await readCosts(store.db, october, ['day'], 10);
    await store.db.insert(costDays).values({ ...lineOf(piece!), month: '2026-11', seconds: 0, micros: -5n });
    expect(await readCosts(store.db, october, ['day'], 10)).toEqual(before);
    for (const until of ['2026-11-02', '2026-12-01']) {
      const found = await readCosts(
        store.db,
        linesIn(ALL, { days: { from: '2026-11-01', until } }),
        ['day'],
        10,
      );
      expect(found.groups).toEqual([{ keys: ['2026-11-01'], seconds: 0n, gpuSeconds: 0n, micros: -5n }]);
    }
    const half = await readCosts(
      store.db,
      linesIn(ALL, { days: { from: '2026-10-05', until: '2026-11-01' } }),
      [],
      1,
    );
    expect(half.total).toEqual(before.total);
  });
});

const run = (more: Partial<Run> = {}): Run => ({
  id: 'alc-1',
  jobId: 'job-1',
  organization: 'nia',
  project: 'kogpt',
  vendor: 'acme',
  provider: 'pangyo',
  offer: 'h100',
  gpuModel: 'H100',
  gpuCount: 8,
  spot: false,
  purpose: 'run',
  priceMicrosPerHour: 40_000_000_000n,
  startedAt: new Date('2026-11-10T00:00:00Z'),
  seconds: 7_200,
  ...more,
});

test("vendors' statements are what tenants are charged, to the micro", async () => {
  await fc.assert(
    fc.asyncProperty(spending, fc.oneof(span, whole), async (all, days) => {
      await clear();
      const pieces = (await insertRuns(store, all, calendar)).filter(within(days));
      const charged = await readCosts(store.db, linesIn(ALL, { days }), ['provider'], 100);
      let stated = 0n;
      for (const { provider } of PLACES) {
        const lines = await readStatement(store.db, provider, days);
        const sum = lines.reduce((total, { micros }) => total + micros, 0n);
        expect(sum).toBe(charged.groups.find(({ keys }) => keys[0] === provider)?.micros ?? 0n);
        for (const line of lines) {
          const own = pieces.filter(
            (piece) =>
              piece.provider === provider && piece.offer === line.offer && piece.purpose === line.purpose,
          );
          expect(line).toEqual({ offer: line.offer, purpose: line.purpose, ...sumOf(own) });
        }
        stated += sum;
      }
      expect(stated).toBe(charged.total.micros);
    }),
    { numRuns: 25 },
  );
}, 120_000);

describe('lines for an export', () => {
  test('are one for each allocation and month, in pages of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        spending,
        fc.integer({ min: 1, max: 7 }),
        fc.oneof(span, whole),
        async (all, size, days) => {
          await clear();
          const pieces = (await insertRuns(store, all, calendar)).filter(within(days));
          const found = await pages(days, size);
          const wanted = Map.groupBy(pieces, ({ month, id }) => `${month} ${id}`);
          expect(found.map(({ month, allocationId }) => `${month} ${allocationId}`)).toEqual(
            [...wanted.keys()].sort(),
          );
          for (const line of found) {
            const own = wanted.get(`${line.month} ${line.allocationId}`) ?? [];
            const { seconds, micros } = sumOf(own);
            const { id, jobId, startedAt, gpuModel, priceMicrosPerHour } = own[0]!;
            expect(line).toMatchObject({ seconds, micros, jobId, startedAt, gpuModel, priceMicrosPerHour });
            expect(line).toMatchObject({ allocationId: id, usedMonth: line.month, labels: { team: 'nlp' } });
            expect(line.fromSeconds).toBe(BigInt(own[0]!.fromSeconds));
            expect(line.untilSeconds).toBe(BigInt(own.at(-1)!.fromSeconds + own.at(-1)!.pieceSeconds));
          }
        },
      ),
      { numRuns: 20 },
    );
  }, 120_000);

  test('tell corrections from what they correct', async () => {
    const [piece] = await insertRuns(
      store,
      [run({ startedAt: new Date('2026-10-31T10:00:00Z'), seconds: 20_000 })],
      calendar,
    );
    await store.db.insert(costDays).values({ ...lineOf(piece!), month: '2026-11', micros: -5n });
    const found = await pages({ from: '2026-10-01', until: '2026-12-01' }, 1);
    expect(found.map(({ month, usedMonth }) => `${month} ${usedMonth}`)).toEqual([
      '2026-10 2026-10',
      '2026-11 2026-10',
      '2026-11 2026-11',
    ]);
    expect(found[1]).toMatchObject({ micros: -5n });
  });

  async function pages(days: Days, size: number) {
    const lines = linesIn(ALL, { days });
    const found = [];
    for (let after: LineMark | null = null; ;) {
      const page = await listCostLines(store.db, lines, after, size);
      found.push(...page);
      const last = page.at(-1);
      if (last === undefined) return found;
      after = { month: last.month, allocationId: last.allocationId };
    }
  }
});

describe('the roll-up', () => {
  const days = { from: '2026-11-01', until: '2026-12-01' };

  test('is what its entries come to, whatever ran', async () => {
    const pieces = await insertRuns(store, fc.sample(spending, { seed: 3, numRuns: 1 })[0]!, calendar);
    const own = pieces.filter(within(days));
    const { micros } = sumOf(own);
    expect(await verifyCosts(store.db, days)).toEqual({
      lines: own.length,
      linesMicros: micros,
      entriesMicros: micros,
      wrong: 0,
      examples: [],
    });
  });

  test.each([
    ['a line that was changed', sql`update cost_days set micros = micros + 1`, '80000000001', '80000000000'],
    ['an entry without a line', sql`delete from cost_days`, '0', '80000000000'],
    [
      'an adjustment that is in no line',
      sql`insert into ledger (at, kind, debit, credit, amount_micros, allocation_id, day, month, reason, actor)
        values (now(), 'adjust', 'vendor', 'project', 5, 'alc-1', '2026-11-10', '2026-11', 'x', 'system')`,
      '80000000000',
      '79999999995',
    ],
  ])('shows %s', async (_, spoil, lineMicros, entriesMicros) => {
    await insertRuns(store, [run()], calendar);
    expect(await verifyCosts(store.db, days)).toMatchObject({ wrong: 0 });
    await store.db.execute(spoil);
    const found = await verifyCosts(store.db, days);
    expect(found).toMatchObject({
      wrong: 1,
      examples: [{ month: '2026-11', day: '2026-11-10', allocationId: 'alc-1', lineMicros, entriesMicros }],
    });
    expect(found.linesMicros).toBe(BigInt(lineMicros));
    expect(found.entriesMicros).toBe(BigInt(entriesMicros));
  });

  test('a line of which there is no entry is shown, too', async () => {
    const [piece] = piecesOf(run({ id: 'alc-9' }), calendar);
    await store.db.insert(costDays).values(lineOf(piece!));
    expect(await verifyCosts(store.db, days)).toMatchObject({ lines: 1, wrong: 1, entriesMicros: 0n });
  });
});

test("a month's hash changes with every field of every line, and with their number", async () => {
  await insertRuns(store, [run(), run({ id: 'alc-2', spot: true })], calendar);
  const { sha256, ...seal } = await sealMonth(store.db, '2026-11');
  expect(seal).toEqual({ lines: 2, totalMicros: 160_000_000_000n });
  expect(await sealMonth(store.db, '2026-11')).toEqual({ sha256, ...seal });
  const fields: [string, string][] = [
    ['day', `'2026-11-11'`],
    ['job_id', `'job-2'`],
    ['organization', `'x'`],
    ['project', `'x'`],
    ['vendor', `'x'`],
    ['provider', `'x'`],
    ['region', `'x'`],
    ['offer', `'x'`],
    ['gpu_model', 'null'],
    ['gpu_count', '9'],
    ['spot', 'true'],
    ['purpose', `'drill'`],
    ['price_micros_per_hour', '1'],
    ['from_seconds', '1'],
    ['seconds', '1'],
    ['micros', '1'],
  ];
  const seen = new Set([sha256]);
  for (const [field, value] of fields) {
    await store
      .transaction(async (tx) => {
        await tx.execute(sql.raw(`update cost_days set ${field} = ${value} where allocation_id = 'alc-1'`));
        seen.add((await sealMonth(tx, '2026-11')).sha256);
        tx.rollback();
      })
      .catch(() => {});
  }
  await store.db.execute(sql`delete from cost_days where allocation_id = 'alc-2'`);
  seen.add((await sealMonth(store.db, '2026-11')).sha256);
  expect(seen.size).toBe(fields.length + 2);
});

describe('alternatives', () => {
  interface Candidate {
    readonly provider: string;
    readonly spot: boolean;
    readonly taken: boolean;
    readonly price: number;
    readonly hours: number;
  }
  const candidate = fc.record({
    provider: fc.constantFrom('pangyo', 'gasan', 'gwangju'),
    spot: fc.boolean(),
    price: fc.integer({ min: 0, max: 90_000 }),
    hours: fc.constantFrom(1, 2, 2.5, 10),
  });
  const decided = fc
    .array(candidate, { minLength: 1, maxLength: 6 })
    .map((all): Candidate[] => all.map((one, at) => ({ ...one, taken: at === 0 })));

  const decide = (id: string, jobId: string, candidates: readonly Candidate[]) =>
    store.db.insert(decisions).values({
      id: `dec-${id}`,
      jobId,
      at: NOW,
      allocationId: id,
      body: {
        version: 2,
        candidates: candidates.map(({ price, hours, ...rest }) => ({
          ...rest,
          pricePerHour: { amount: String(price), currency: 'KRW' },
          parts: { hours },
        })),
      },
    });

  test('are what the candidates of the decisions would have cost, hours in proportion', async () => {
    await fc.assert(
      fc.asyncProperty(
        spending,
        fc.array(decided, { minLength: 25, maxLength: 25 }),
        async (all, choices) => {
          await clear();
          const pieces = await insertRuns(store, all, calendar);
          // Of the last there is no decision.
          const compared = all.slice(0, -1);
          for (const [at, { id, jobId }] of compared.entries()) await decide(id, jobId, choices[at]!);
          const days = { from: '2026-09-01', until: '2027-01-01' };
          const found = await readAlternatives(store.db, linesIn(ALL, { days }));
          expect(found).toMatchObject({ allocations: all.length, compared: compared.length });
          expect(found.micros).toBe(sumOf(pieces).micros);

          const wanted = new Map<
            string,
            { allocations: number; micros: bigint; alternativeMicros: number }
          >();
          for (const [at, { id }] of compared.entries()) {
            const { seconds, micros } = sumOf(pieces.filter((piece) => piece.id === id));
            const taken = choices[at]!.find((one) => one.taken)!;
            const cost = ({ price, hours }: Candidate) =>
              price * 1e6 * (Number(seconds) / 3600) * (hours / taken.hours);
            for (const [place, own] of Map.groupBy(
              choices[at]!,
              ({ provider, spot }) => `${provider} ${spot}`,
            )) {
              const sum = wanted.get(place) ?? { allocations: 0, micros: 0n, alternativeMicros: 0 };
              sum.allocations += 1;
              sum.micros += micros;
              sum.alternativeMicros += Math.min(...own.map(cost));
              wanted.set(place, sum);
            }
          }
          expect(found.places).toHaveLength(wanted.size);
          for (const { provider, spot, alternativeMicros, ...sums } of found.places) {
            const { alternativeMicros: about, ...exact } = wanted.get(`${provider} ${spot}`)!;
            expect(sums).toEqual(exact);
            expect(Math.abs(Number(alternativeMicros) - about)).toBeLessThanOrEqual(25 + about * 1e-12);
          }
          const savings = found.places.map(({ micros, alternativeMicros }) =>
            Number(alternativeMicros - micros),
          );
          expect(savings).toEqual(savings.toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);
});
