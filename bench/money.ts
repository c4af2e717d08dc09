import pg from 'pg';
import { migrate } from '../src/store/migrate.ts';
import { openStore } from '../src/store/store.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { tidied } from './harness/budgets.ts';
import { meterTimes, type Pass } from './harness/metering.ts';
import {
  insertPlaces,
  insertWaiting,
  placedPerSecond,
  updatedPerSecond,
  type Above,
} from './harness/reserving.ts';
import { measured, number, ratios, spread } from './harness/stats.ts';
import { table } from './harness/table.ts';

const ROUNDS = 5;

/** How placements come: so many a transaction, over so many connections. */
const WAYS = [
  { name: 'pages of 500', page: 500, connections: 1, jobs: 4_000 },
  { name: 'one at a time', page: 1, connections: 1, jobs: 200 },
  { name: '… by 8 connections', page: 1, connections: 8, jobs: 400 },
  { name: '… by 20 connections', page: 1, connections: 20, jobs: 400 },
] as const;
type Way = (typeof WAYS)[number];

/** Allocations, budgets, and how many passes. */
const PASSES = [
  [10_000, 1, 5],
  [10_000, 1_000, 5],
  [100_000, 1, 3],
] as const;

/** What it costs to hold money before it is spent, and to charge what was used, beside what the same database does bare. */
export async function money(bench: Bench): Promise<Finding> {
  const reserved = await reservations(bench);
  const passes: Metered[] = [];
  for (const [allocations, budgets, rounds] of bench.quick ? PASSES.slice(0, 2) : PASSES) {
    const found = await meterTimes(bench, allocations, budgets, bench.quick ? 2 : rounds);
    const of = `${allocations.toLocaleString('en-US')} under ${budgets.toLocaleString('en-US')}`;
    bench.say(`money: metered ${of}: ${found.passes.map(({ passMs }) => number(passMs)).join(', ')} ms`);
    passes.push({ of, allocations, ...found });
  }
  return {
    title: 'Money: held before it is spent, charged as it is used',
    table: `${reservationTable(reserved)}\n\n${passTable(passes)}`,
    notes: NOTES,
  };
}

/** A rate for each round. */
interface Rates {
  readonly way: Way;
  readonly updates: Record<'one' | 'many', number[]>;
  readonly placed: Record<Above, number[]>;
}

async function reservations(bench: Bench): Promise<Rates[]> {
  const url = await bench.database.create();
  await migrate(url);
  const store = openStore(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const at = new Date();
  const found = WAYS.map((way) => ({
    way,
    updates: { one: [] as number[], many: [] as number[] },
    placed: { none: [] as number[], one: [] as number[], many: [] as number[] },
  }));
  try {
    await insertPlaces(client, at);
    for (let round = bench.quick ? ROUNDS : 1; round <= ROUNDS; round += 1) {
      for (const { way, updates, placed } of found) {
        for (const rows of ['one', 'many'] as const)
          updates[rows].push(await updatedPerSecond(url, 1_000, rows, way.connections));
        for (const above of ['none', 'one', 'many'] as const) {
          const rows = await insertWaiting(client, at, above, way.jobs);
          await tidied(client);
          placed[above].push(await placedPerSecond(store, at, rows, way.page, way.connections));
        }
        const last = [updates.one, placed.none, placed.one, placed.many].map((all) =>
          number(all.at(-1) ?? NaN),
        );
        bench.say(
          `money ${round}/${ROUNDS}: ${way.name}: updates, free, one, many: ${last.join(', ')} a second`,
        );
      }
    }
  } finally {
    await client.end();
    await store.close();
    await bench.database.drop(url);
  }
  return found;
}

function reservationTable(found: readonly Rates[]): string {
  const column = (head: string, of: (rates: Rates) => string) => [head, ...found.map(of)];
  const columns = [
    column('a second', ({ way }) => way.name),
    column('UPDATE of one row', ({ updates }) => spread(measured(updates.one))),
    column('placed, no budget', ({ placed }) => spread(measured(placed.none))),
    column('placed, one budget', ({ placed }) => spread(measured(placed.one))),
    column('of the UPDATE', ({ placed, updates }) => spread(ratios(placed.one, updates.one))),
    column('of no budget', ({ placed }) => spread(ratios(placed.one, placed.none))),
    column('UPDATE of 1,000 rows', ({ updates }) => spread(measured(updates.many))),
    column('placed, 1,000 budgets', ({ placed }) => spread(measured(placed.many))),
    column('of that UPDATE', ({ placed, updates }) => spread(ratios(placed.many, updates.many))),
  ];
  return table((columns[0] ?? []).map((_, row) => columns.map((cells) => cells[row] ?? '')));
}

interface Metered {
  readonly of: string;
  readonly allocations: number;
  readonly first: number;
  readonly passes: readonly Pass[];
}

function passTable(found: readonly Metered[]): string {
  const row = (name: string, of: (pass: Pass) => number) => [
    name,
    ...found.map(({ passes }) => spread(measured(passes.map(of)))),
  ];
  return table([
    ['one metering pass', ...found.map(({ of }) => of)],
    row('bulk UPDATE of the allocations, ms', ({ bulkMs }) => bulkMs),
    row('everything it writes, by bare statements, ms', ({ bareMs }) => bareMs),
    row('ours, ms', ({ passMs }) => passMs),
    row('of the bulk UPDATE', ({ passMs, bulkMs }) => passMs / bulkMs),
    row('of the bare statements', ({ passMs, bareMs }) => passMs / bareMs),
    row('the longest that nobody else had a turn, ms', ({ blockedMs }) => blockedMs),
    ['the first pass, ms', ...found.map(({ first }) => number(first))],
    row('entries', ({ entries }) => entries),
    row('database grows, MiB', ({ bytes }) => bytes / 2 ** 20),
  ]);
}

const NOTES = [
  `Reservations: median [range] of ${ROUNDS} rounds of all variants in turn, on one database that is vacuumed and checkpointed before each. \`applyPlacements\` as a pass over the queue calls it (pages of 500, by the one process that places), and one placement a transaction over more connections, which nothing in the service does. Each placement is a whole one: guards, allocation, event, an explained decision of 4 kB, place taken at one of 20 providers; with a budget also its hold, its entry and the account under its CHECKs. The UPDATE: \`set n = n + 1 where id = …\` of a table of two columns, one a transaction, over as many connections.`,
  'Metering: `meterPass` over everything that runs, all due, in pages of 2,000, five seconds after the last; each pass charges and renews, so it is three entries an allocation (usage, reserve, charge) and a change of its line of the day. The bulk UPDATE is one statement over the same rows of the same database just before, taken back: two columns, no index. The bare statements write everything that the pass writes, table by table. The first pass begins the holds.',
];
