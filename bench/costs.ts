import { sql } from 'drizzle-orm';
import type { Days } from '../src/core/ledger/calendar.ts';
import { migrate } from '../src/store/migrate.ts';
import { readAlternatives } from '../src/store/read/alternatives.ts';
import { linesIn, readCosts, readStatement } from '../src/store/read/costs.ts';
import { sealMonth, verifyCosts } from '../src/store/read/months.ts';
import { roomy } from '../src/store/read/roomy.ts';
import { openStore, type Store } from '../src/store/store.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { onServer } from './harness/database.ts';
import { makeSpending, type Spending } from './harness/spending.ts';
import { measured, number, spread } from './harness/stats.ts';
import { table } from './harness/table.ts';

const ROUNDS = 5;
const ALL = { kind: 'all' } as const;
const EVER: Days = { from: '2025-01-01', until: '2027-02-01' };
const MONTH: Days = { from: '2026-06-01', until: '2026-07-01' };
const CUT: Days = { from: '2026-05-15', until: '2026-11-20' };

/** Reports over ten million entries: from the roll-up, beside the same sums made from the entries themselves. */
export async function costs({ database, quick, say }: Bench): Promise<Finding> {
  const spending: Spending = quick
    ? { allocations: 5_000, daysPerAllocation: 4, entriesPerDay: 10, decisions: 2_000 }
    : { allocations: 250_000, daysPerAllocation: 4, entriesPerDay: 10, decisions: 100_000 };
  const url = await database.create();
  await migrate(url);
  const store = openStore(url, { statementTimeoutMs: 3_600_000 });
  try {
    await makeSpending(store, spending, say);
    const rows = [];
    for (const [what, read] of questions(store)) rows.push(await time(what, read, say));
    return finding(spending, rows, await sizeOf(url));
  } finally {
    await store.close();
    await database.drop(url);
  }
}

type Question = readonly [what: string, read: () => Promise<number>];

/** Each answers with how many rows it came to. */
function questions(store: Store): Question[] {
  const report = (
    days: Days,
    by: Parameters<typeof readCosts>[2],
    scope: Parameters<typeof linesIn>[0] = ALL,
  ) => roomy(store, (tx) => readCosts(tx, linesIn(scope, { days }), by, 1_000)).then(({ count }) => count);
  const acme = { kind: 'organization', organization: 'org-7' } as const;
  return [
    [
      'report of everything by project, provider, month',
      () => report(EVER, ['project', 'provider', 'month']),
    ],
    ['the same from the entries, without a roll-up', () => fromEntries(store)],
    ['report of everything by job', () => report(EVER, ['job'])],
    ['… by day and GPU', () => report(EVER, ['day', 'gpu'])],
    ['… of days that cut months, by project and purpose', () => report(CUT, ['project', 'purpose'])],
    ['report of a month by project and provider', () => report(MONTH, ['project', 'provider'])],
    ['… for an organization, by job', () => report(MONTH, ['job'], acme)],
    [
      'statement of a provider over everything',
      async () => (await readStatement(store.db, 'provider-3', EVER)).length,
    ],
    ['alternatives to 100,000 allocations', () => alternatives(store)],
    ['hash of a month', async () => (await sealMonth(store.db, '2026-06')).lines],
    [
      'a month held against its entries',
      async () => (await roomy(store, (tx) => verifyCosts(tx, MONTH))).lines,
    ],
    [
      'everything held against its entries',
      async () => (await roomy(store, (tx) => verifyCosts(tx, EVER))).lines,
    ],
  ];
}

async function fromEntries(store: Store): Promise<number> {
  const { rows } = await roomy(store, (tx) =>
    tx.execute(sql`
    select j.project, l.provider, l.month, sum(l.amount_micros) from ledger l
    join (select distinct job_id, project from cost_days) j using (job_id)
    where l.account_id is null group by j.project, l.provider, l.month`),
  );
  return rows.length;
}

async function alternatives(store: Store): Promise<number> {
  const days = { from: '2026-03-01', until: '2027-02-01' };
  return (await roomy(store, (tx) => readAlternatives(tx, linesIn(ALL, { days })))).compared;
}

async function time(
  what: string,
  read: () => Promise<number>,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const ms: number[] = [];
  let rows = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const started = performance.now();
    rows = await read();
    ms.push(performance.now() - started);
  }
  say(`costs: ${what}: ${number(measured(ms).median)} ms`);
  return [what, rows.toLocaleString('en-US'), spread(measured(ms))];
}

async function sizeOf(url: string): Promise<string> {
  const [row] = await onServer(
    url,
    `select pg_size_pretty(pg_total_relation_size('ledger')) as ledger, pg_size_pretty(pg_total_relation_size('cost_days')) as lines`,
  );
  return `${String(row?.['ledger'])} of entries and ${String(row?.['lines'])} of roll-up, with their indexes`;
}

function finding(
  { allocations, daysPerAllocation, entriesPerDay, decisions }: Spending,
  rows: readonly (readonly string[])[],
  size: string,
): Finding {
  const lines = allocations * daysPerAllocation;
  const say = (count: number) => count.toLocaleString('en-US');
  return {
    title: `Costs: reports over ${say(lines * entriesPerDay)} ledger entries`,
    table: table([['', 'rows', 'ms'], ...rows]),
    notes: [
      `${say(allocations)} allocations over two years, ${daysPerAllocation} days each, metered ${entriesPerDay} times a day; one line of roll-up a day: ${say(lines)}. ${size}. Nothing else runs.`,
      `Median [range] of ${ROUNDS} rounds, one after the other; the first finds the pages as the load left them.`,
      `Alternatives: ${say(decisions)} decisions with ten candidates each, opened in the database.`,
      'Held against its entries: every usage entry of those days is read and added up by allocation and day, and each sum compared with the line.',
    ],
  };
}
